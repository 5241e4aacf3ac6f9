"""`headway doctor`: each verdict, through a proxy that is set up so; nothing is found that is not there."""

import asyncio
import io
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console
from tests.support.authored import AuthoredExecution, define
from tests.support.http_proxy import http_proxy
from tests.support.server import RunningServer, serving
from typer.testing import CliRunner

from headway.cli import exits
from headway.cli.app import app
from headway.cli.doctor import exit_code, show, to_json
from headway.client.doctor import (
    Diagnosis,
    Fault,
    Finding,
    examine,
    http_probes,
    socket_probes,
    stream_probes,
)
from headway.client.doctor.address import Address
from headway.client.doctor.fixes import FIXES, PROXIES, fixes_for, proxy_of
from headway.errors import InvalidSetting

FEEDS = {"WebSocket", "simple mode", "deflate", "origin", "idle WebSocket", "SSE", "compression", "long poll"}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with serving(token="secret") as running:
        define(running.journal, "audit")
        execution = AuthoredExecution(running.journal, running.hints)
        execution.log(100)
        execution.complete()
        yield running


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_probes, "BEAT_S", 0.15)
    monkeypatch.setattr(socket_probes, "ANSWER_S", 0.5)


async def examined(
    server: RunningServer, token: str | None = "secret", **settings: Any
) -> tuple[Diagnosis, dict[str, Finding]]:
    async with http_proxy(server.port, **settings) as proxy:
        diagnosis = await examine(proxy.url, token, idle_s=1.0)
    return diagnosis, {each.check: each for each in diagnosis.findings}


def faults(diagnosis: Diagnosis) -> dict[str, Fault | None]:
    return {each.check: each.fault for each in diagnosis.findings if each.verdict in ("fails", "note")}


async def test_nothing_is_at_fault_where_nothing_is(server: RunningServer) -> None:
    diagnosis, found = await examined(server)

    assert faults(diagnosis) == {}
    assert set(found) >= FEEDS
    assert {each.verdict for check, each in found.items() if check != "path"} == {"ok"}
    assert "bytes come as" in found["deflate"].detail, "a packed frame came through"
    assert (diagnosis.transport, exit_code(diagnosis)) == ("WebSocket", exits.COMPLETED)


@pytest.mark.parametrize(
    ("settings", "expected", "transport"),
    [
        ({"upgrades": "refuse"}, {"WebSocket": Fault.UPGRADE}, "Server-Sent Events"),
        ({"upgrades": "strip"}, {"WebSocket": Fault.UPGRADE}, "Server-Sent Events"),
        ({"upgrades": "mute"}, {"WebSocket": Fault.FRAMES}, "Server-Sent Events"),
        ({"drops": ["sec-websocket-protocol"]}, {"WebSocket": Fault.SUBPROTOCOL}, "Server-Sent Events"),
        ({"buffers": True}, {"SSE": Fault.BUFFERING}, "WebSocket"),
        (
            {"buffers": True, "upgrades": "refuse"},
            {"WebSocket": Fault.UPGRADE, "SSE": Fault.BUFFERING},
            "long poll",
        ),
        (
            {"compresses": True},
            {"SSE": Fault.COMPRESSION, "compression": Fault.COMPRESSION},
            "WebSocket",
        ),
        (
            {"idle_s": 0.6},
            {"idle WebSocket": Fault.TIMEOUT, "long poll": Fault.TIMEOUT},
            "WebSocket",
        ),
        ({"host": "127.0.0.1:8321"}, {"origin": Fault.ORIGIN}, "WebSocket"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else None,
)
async def test_a_fault_that_leaves_a_way_is_named(
    server: RunningServer, settings: dict[str, Any], expected: dict[str, Fault], transport: str
) -> None:
    diagnosis, _ = await examined(server, **settings)

    assert faults(diagnosis) == expected
    assert (diagnosis.transport, exit_code(diagnosis)) == (transport, 1)


@pytest.mark.parametrize(
    ("settings", "token", "expected"),
    [
        ({"host": "backend:80"}, "secret", {"HTTP API": Fault.HOST}),
        ({"drops": ["authorization"]}, "secret", {"token": Fault.AUTHORIZATION}),
        ({}, "wrong", {"token": Fault.TOKEN}),
        ({}, None, {"token": Fault.TOKEN}),
        ({"idle_s": 0.0}, "secret", {"HTTP API": Fault.TCP}),
    ],
)
async def test_a_fault_that_leaves_none_is_named(
    server: RunningServer, settings: dict[str, Any], token: str | None, expected: dict[str, Fault]
) -> None:
    diagnosis, _ = await examined(server, token, **settings)

    assert faults(diagnosis) == expected
    assert exit_code(diagnosis) == exits.UNREACHABLE


async def test_a_prefix_that_is_taken_off_on_the_way_is_seen_by_the_page(tmp_path: Any) -> None:
    (tmp_path / "index.html").write_text('<html><base href="/"></html>')
    with serving(static_dir=tmp_path) as server:
        diagnosis, found = await examined(server, None, prefix="/headway")

    assert faults(diagnosis) == {"path": Fault.PREFIX}
    assert found["path"].detail == "the page believes to be at /, and is at /headway/"


async def test_a_prefix_that_the_server_does_not_have_is_seen() -> None:
    with serving() as server:
        diagnosis = await examine(f"{server.url}/headway", None, idle_s=1.0)

    assert faults(diagnosis) == {"HTTP API": Fault.PREFIX}


async def test_errors_that_somebody_replaces_and_a_wrong_clock_are_noticed(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_probes, "NOBODY", "../server")  # any page that is not the server's error
    monkeypatch.setattr(http_probes, "MAX_SKEW_S", -1.0)
    diagnosis, found = await examined(server)

    assert faults(diagnosis) == {"errors": Fault.ERRORS, "clock": Fault.CLOCK}
    assert found["clock"].verdict == "note"


async def test_nobody_there_and_no_such_name_end_it_early() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        closed = await examine(f"http://127.0.0.1:{port}", None, idle_s=1.0)
    nameless = await examine("http://nobody.invalid", None, idle_s=1.0)

    assert faults(closed) == {"TCP": Fault.TCP}
    assert closed.findings[-1].detail == f"port {port}: Connection refused"
    assert faults(nameless) == {"name": Fault.NAME}
    assert exit_code(closed) == exit_code(nameless) == exits.UNREACHABLE


async def test_a_port_without_tls_is_told(server: RunningServer) -> None:
    diagnosis = await examine(f"https://127.0.0.1:{server.port}", None, idle_s=1.0)

    assert faults(diagnosis) == {"TLS": Fault.TLS}


async def test_another_server_is_not_taken_for_headway() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nServer: nginx/1.24.0\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
        )
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as other:
        port = other.sockets[0].getsockname()[1]
        diagnosis = await examine(f"http://127.0.0.1:{port}", None, idle_s=1.0)

    assert faults(diagnosis) == {"HTTP API": Fault.NOT_HEADWAY}
    assert diagnosis.proxy == "nginx"


def test_every_fault_has_a_fix_and_a_known_proxy_gets_its_own() -> None:
    assert set(FIXES) == set(Fault)
    assert proxy_of("nginx/1.24.0", "") == "nginx"
    assert proxy_of("", "1.1 Caddy") == "Caddy"
    assert proxy_of("awselb/2.0", "") == "AWS ALB"
    assert proxy_of("", "") is None
    for fault, fixes in FIXES.items():
        assert "" in fixes or set(PROXIES.values()) <= set(fixes)
        assert fixes_for(fault, "nginx"), fault
    assert set(fixes_for(Fault.HOST, "nginx")) == {"Headway", "nginx"}


@pytest.mark.parametrize(
    ("text", "url", "port", "path", "origin"),
    [
        ("localhost:8321", "http://localhost:8321", 8321, "", "http://localhost:8321"),
        ("https://e.org/x/", "https://e.org/x", 443, "/x", "https://e.org"),
    ],
)
def test_an_address_is_taken_apart(text: str, url: str, port: int, path: str, origin: str) -> None:
    address = Address.parse(text)

    assert (address.url, address.port, address.path, address.origin) == (url, port, path, origin)


@pytest.mark.parametrize("text", ["ftp://e.org", "http://", "http://e.org:port"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidSetting):
        Address.parse(text)


async def test_the_table_names_the_fix_once_and_the_json_says_the_same(server: RunningServer) -> None:
    diagnosis, _ = await examined(server, idle_s=0.6, software="nginx/1.24.0")
    out = Console(file=io.StringIO(), width=120, record=True)
    show(diagnosis, out)
    shown, told = out.export_text(), json.loads(to_json(diagnosis))

    assert shown.count("proxy_read_timeout 75s;") == 1
    assert "Apache" not in shown
    assert "To mend idle WebSocket and long poll (timeout):" in shown
    assert (told["exit_code"], told["proxy"], told["transport"]) == (1, "nginx", "WebSocket")
    poll = next(each for each in told["checks"] if each["check"] == "long poll")
    assert (poll["verdict"], poll["fixes"]) == ("fails", {"nginx": "proxy_read_timeout 75s;"})


def test_the_command_ends_with_the_code_that_its_help_promises(server: RunningServer) -> None:
    runner = CliRunner(env={"HEADWAY_TOKEN": "secret", "COLUMNS": "160"})
    good = runner.invoke(app, ["doctor", server.url, "--idle", "1", "--json"])
    none = runner.invoke(app, ["doctor", "http://nobody.invalid"])
    told = runner.invoke(app, ["doctor", "--help"]).output

    assert (good.exit_code, none.exit_code) == (exits.COMPLETED, exits.UNREACHABLE)
    assert json.loads(good.stdout)["transport"] == "WebSocket"
    assert "4 no feed works at this address" in told
