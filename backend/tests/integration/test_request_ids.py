"""Every answer names its request, and what the server logs of a fault names it, too."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from tests.support.authored import define
from tests.support.http import client
from tests.support.server import RunningServer, serving

from headway.adapters.journal.memory import MemoryJournal
from headway.api.problems import Faults, refuse
from headway.api.request_ids import RequestIds
from headway.client.problems import to_error
from headway.errors import Forbidden, JournalUnavailable
from headway.ports import ExecutionFilter, ExecutionRecord

ORIGIN = "https://board.example"


class BrokenJournal(MemoryJournal):
    """Has a bug, or is out of order."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def find(self, wanted: ExecutionFilter) -> list[ExecutionRecord]:
        raise self._error


@pytest.fixture(name="server", scope="module")
def _server() -> Iterator[RunningServer]:
    with serving(allowed_origins=[ORIGIN]) as server:
        define(server.journal, "audit")
        yield server


@pytest.mark.parametrize("path", ["/", "/api/workflows", "/api/nothing", "/healthz", "/assets/none.js"])
def test_every_answer_has_one_of_its_own(server: RunningServer, path: str) -> None:
    with client(server) as http:
        first, second = (http.get(path).headers["x-request-id"] for _ in range(2))

    assert first != second
    assert first.isalnum()


def test_the_proxy_s_own_is_kept(server: RunningServer) -> None:
    with client(server, **{"X-Request-Id": "edge-7.a_B"}) as http:
        answer = http.get("/api/workflows/ghost")

    assert answer.headers.get_list("x-request-id") == ["edge-7.a_B"]
    assert answer.json()["request_id"] == "edge-7.a_B"


@pytest.mark.parametrize("given", ["", "two words", "a" * 65, "line%0abreak", "ä".encode(), "a,b"])
def test_what_could_do_harm_in_a_log_is_not(server: RunningServer, given: str | bytes) -> None:
    with client(server) as http:
        answer = http.get("/api/nothing", headers=[("X-Request-Id", given)])

    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["x-request-id"].encode() != (given if isinstance(given, bytes) else given.encode())
    assert 0 < len(answer.headers["x-request-id"]) <= 64


@pytest.mark.parametrize(
    ("method", "path", "options"),
    [
        ("GET", "/api/executions?limit=0", {}),
        ("DELETE", "/api/workflows", {}),
        ("POST", "/api/workflows/audit/executions", {"content": b"{"}),
        ("POST", "/api/workflows/audit/executions", {"content": bytes(2 << 20)}),
        ("GET", "/api/workflows", {"headers": {"Host": "evil.example"}}),
    ],
)
def test_every_problem_names_its_request(
    server: RunningServer, method: str, path: str, options: dict[str, Any]
) -> None:
    with client(server) as http:
        answer = http.request(method, path, **options)

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_bug_is_found_in_the_log_by_it_and_read_by_pages_of_other_origins(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = serving(BrokenJournal(ZeroDivisionError()), allowed_origins=[ORIGIN])
    with broken as server, client(server, Origin=ORIGIN) as http:
        answer = http.get("/api/executions")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    request_id = answer.json()["request_id"]
    assert answer.headers["x-request-id"] == request_id
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "x-request-id" in answer.headers["access-control-expose-headers"].lower()
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
    faults = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert [each.getMessage() for each in faults] == [f"GET /api/executions failed, request {request_id}"]
    assert faults[0].exc_info is not None


def test_clients_get_it_with_the_error() -> None:
    with serving(BrokenJournal(JournalUnavailable("the disk is full"))) as server, client(server) as http:
        answer = http.get("/api/executions")

    error = to_error(answer.status_code, answer.content)
    assert error.fields["request_id"] == answer.headers["x-request-id"]


async def called(app: ASGIApp, **scope: Any) -> list[Message]:
    """What an application sends on a server that is none of ours."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "http", "method": "GET", "path": "/", "headers": [], **scope}, receive, send)
    return sent


def streaming(*pieces: bytes, breaks: bool = False, **headers: bytes) -> ASGIApp:
    """Sends the pieces, and then ends well or not."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        named = [(name.encode(), value) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": named})
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if breaks:
            raise ZeroDivisionError
        await send({"type": "http.response.body"})

    return app


async def test_a_stream_goes_through_as_it_is() -> None:
    app = streaming(b"0", b"1", **{"x-request-id": b"own"})
    [start, *rest] = await called(RequestIds(Faults(app)))

    assert rest == (await called(app))[1:]
    assert start["headers"] == [(b"x-request-id", b"own")]


async def test_a_stream_that_breaks_is_cut_and_not_answered_twice() -> None:
    with pytest.raises(ZeroDivisionError):
        await called(RequestIds(Faults(streaming(b"0", breaks=True))))


@pytest.mark.parametrize("extensions", [{}, {"websocket.http.response": {}}])
async def test_a_refused_socket_names_its_request_where_the_server_can_say_why(
    extensions: dict[str, Any],
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await refuse(Forbidden(), scope, receive, send)

    sent = await called(RequestIds(app), type="websocket", extensions=extensions)
    if not extensions:
        assert sent == [{"type": "websocket.close", "code": 1008, "reason": ""}]
        return
    start, body = sent
    request_id = dict(start["headers"])[b"x-request-id"].decode()
    assert f'"request_id":"{request_id}"' in body["body"].decode()


async def test_without_the_middleware_a_problem_has_none() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await refuse(Forbidden(), scope, receive, send)

    assert b"request_id" not in (await called(app))[1]["body"]
