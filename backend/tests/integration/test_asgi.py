"""Headway inside somebody's application: the example, on a real server, with workers beside it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.support.eventually import eventually
from tests.support.serving import environment, headway_command
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from headway.asgi import Headway
from headway.errors import InvalidSetting

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "embed" / "fastapi"


@dataclass(frozen=True)
class Embedded:
    """The running example."""

    address: str
    host: str


@pytest.fixture(name="embedded", scope="module")
def _embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    database = tmp_path_factory.mktemp("asgi") / "headway.db"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    serve = [sys.executable, "-m", "uvicorn", "--app-dir", str(EXAMPLE), "app:app", "--log-level", "warning"]
    serve += ["--port", host.partition(":")[2]]
    work = headway_command("work", str(ROOT / "examples" / "quickstart.py"), "--log-level", "warning")
    running = [subprocess.Popen(each, env=environment(database)) for each in (serve, work)]
    try:
        eventually(lambda: _answers(f"http://{host}/login"), within_s=30)
        yield Embedded(f"http://{host}", host)
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            assert process.wait(20) in (0, -signal.SIGTERM)


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, trust_env=False).is_success
    except httpx.TransportError:
        return False


@contextmanager
def signed_in(embedded: Embedded) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=embedded.address, trust_env=False, timeout=10) as client:
        assert client.post("/login", data={"name": "ada", "password": "lovelace"}).status_code == 303
        yield client


def test_nobody_gets_in_without_the_applications_login(embedded: Embedded) -> None:
    with httpx.Client(base_url=embedded.address, trust_env=False) as stranger:
        assert stranger.post("/login", data={"name": "ada", "password": "x"}).status_code == 401
        assert stranger.get("/headway/").headers["location"] == "/login"
        assert stranger.get("/headway/api/workflows").status_code == 401
    for path, more in (
        ("/headway/ws/workflow/quickstart", {}),
        ("/headway/ws", {"subprotocols": ["headway.v1"]}),
    ):
        with pytest.raises(InvalidStatus) as refused, connect(f"ws://{embedded.host}{path}", **more):  # type: ignore[arg-type]
            pass
        assert refused.value.response.status_code == 403


def test_an_execution_runs_and_shows_under_the_path(embedded: Embedded) -> None:
    with signed_in(embedded) as client:
        eventually(lambda: client.get("/headway/api/workflows/quickstart").is_success, within_s=20)
        answer = client.post(
            "/headway/api/workflows/quickstart/executions",
            json={"input": {"folder": str(EXAMPLE), "pattern": "*.py"}},
            headers={"Headway-By": "eve"},
        )
        assert answer.status_code == 201
        assert answer.headers["location"].startswith("/headway/api/executions/")
        execution_id = answer.json()["execution_id"]
        cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in client.cookies.items())}
        with connect(
            f"ws://{embedded.host}/headway/ws/workflow/{execution_id}?after=0", additional_headers=cookie
        ) as socket:
            frames = []
            while not frames or frames[-1]["type"] != "complete":
                frames.append(json.loads(socket.recv(timeout=20)))
        assert frames[-1]["data"]["result"]["output"].keys() == {"app.py"}
        assert [frame["seq"] for frame in frames] == list(range(1, len(frames) + 1))
        state = client.get(f"/headway/api/executions/{execution_id}").json()["state"]
        assert state["by"] == "ada", "the application says who asks, not the browser"


def test_the_page_knows_the_path_it_is_under(embedded: Embedded) -> None:
    with signed_in(embedded) as client:
        assert client.get("/headway").headers["location"] in ("/headway/", f"{embedded.address}/headway/")
        page = client.get("/headway/executions")
    assert page.status_code == 200
    assert "nonce" in page.headers["content-security-policy"]
    built = (ROOT / "backend" / "src" / "headway" / "static" / "index.html").is_file()
    assert ('<base href="/headway/">' if built else 'href="/headway/api/workflows"') in page.text


async def test_mounted_elsewhere_or_not_running_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("HEADWAY_")]:
        monkeypatch.delenv(name)
    headway = Headway(prefix="/headway", database=str(tmp_path / "headway.db"))
    transport = httpx.ASGITransport(app=headway)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        with pytest.raises(InvalidSetting, match="lifespan"):
            await client.get("/headway/healthz")
        async with headway:
            with pytest.raises(InvalidSetting, match="mounted at ''"):
                await client.get("/headway/healthz")
    with pytest.raises(InvalidSetting, match="prefix"):
        Headway(prefix="headway/")
