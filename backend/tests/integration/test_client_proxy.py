"""The way to a server through the HTTP proxy that the user's environment names."""

from collections.abc import Iterator

import pytest
from tests.support.authored import AuthoredExecution, define
from tests.support.forward_proxy import ForwardProxy, forward_proxy
from tests.support.server import RunningServer, serving

from headway.client import Client, Transport, watch
from headway.client.doctor import examine, socket_probes, stream_probes
from headway.client.proxies import proxy_of, without_password

NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
SERVER = "http://headway.test"  # no resolver knows it: only the proxy can lead there


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(name="server", scope="module")
def _server() -> Iterator[RunningServer]:
    with serving(allowed_hosts=["headway.test"], allowed_origins=[SERVER]) as server:
        define(server.journal, "audit")
        yield server


def through(proxy: ForwardProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)


@pytest.mark.parametrize("transport", ["websocket", "sse", "poll"])
async def test_a_feed_goes_through_the_proxy_over_every_transport(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch, transport: Transport
) -> None:
    execution = AuthoredExecution(server.journal, server.hints)
    execution.log(3)
    execution.complete()
    async with forward_proxy(server.port) as proxy:
        through(proxy, monkeypatch)
        seqs = [one.seq async for one in watch(SERVER, execution.id, transports=[transport])]
    assert seqs == [1, 2, 3, 4, 5]
    assert any(one.startswith("CONNECT headway.test:80") for one in proxy.requests) == (
        transport == "websocket"
    )


async def test_a_call_goes_through_the_proxy_and_this_machine_is_asked_itself(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with forward_proxy(server.port) as proxy:
        through(proxy, monkeypatch)
        async with Client(server.url) as client:
            await client.workflows()
        assert proxy.requests == []
        async with Client(SERVER) as client:
            await client.workflows()
    assert proxy.requests == [f"GET {SERVER}/api/workflows HTTP/1.1"]


async def test_the_doctor_goes_the_same_way_and_says_so(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_probes, "BEAT_S", 0.15)
    monkeypatch.setattr(socket_probes, "ANSWER_S", 2.0)
    async with forward_proxy(server.port) as proxy:
        through(proxy, monkeypatch)
        diagnosis = await examine(SERVER, None, idle_s=0.5)
    found = {each.check: each for each in diagnosis.findings}
    assert proxy.url in found["proxy"].detail
    assert {each.check for each in diagnosis.findings if each.verdict == "fails"} == set()
    assert diagnosis.transport == "WebSocket"


@pytest.mark.parametrize(
    ("environment", "url", "expected"),
    [
        ({}, "https://a.example", None),
        ({"HTTPS_PROXY": "http://p:3128"}, "https://a.example/x", "http://p:3128"),
        ({"HTTPS_PROXY": "http://p:3128"}, "http://a.example", None),
        ({"https_proxy": "p:3128"}, "https://a.example", "http://p:3128"),
        ({"ALL_PROXY": "http://p:1"}, "http://a.example", "http://p:1"),
        ({"ALL_PROXY": "socks5://p:1"}, "http://a.example", None),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": ".example,x"}, "http://a.example", None),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "*"}, "http://b.org", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://127.0.0.1:8321", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://127.9.9.9", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://[::1]:8321", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://localhost", None),
    ],
)
def test_which_proxy_the_environment_names(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str, expected: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_of(url) == expected


def test_a_password_is_not_shown() -> None:
    assert without_password("http://ann:secret@proxy:3128") == "http://proxy:3128"
