"""How many new WebSockets are let in."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.types import Message, Receive, Scope, Send

from headway.api import admission
from headway.api.admission import Admission
from headway.services.feed import Feed

SOCKET = {"type": "websocket", "path": "/ws", "extensions": {"websocket.http.response": {}}}


async def let_in(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})


async def answer(gate: Admission, scope: dict[str, Any]) -> Message:
    """The first thing that is sent back."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    await gate(scope, receive, send)
    return sent[0]


def a_gate(**options: float) -> tuple[Admission, SimpleNamespace]:
    feed = SimpleNamespace(is_draining=False)
    return Admission(let_in, feed=cast("Feed", feed), ready_path="/readyz", **options), feed


async def test_beyond_the_burst_upgrades_are_let_in_at_a_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(admission, "monotonic", lambda: now)
    gate, _ = a_gate(per_s=2.0, burst=3.0)

    kinds = [(await answer(gate, SOCKET))["type"] for _ in range(5)]
    assert kinds == ["websocket.accept"] * 3 + ["websocket.http.response.start"] * 2

    now += 1.0
    kinds = [(await answer(gate, SOCKET))["type"] for _ in range(3)]
    assert kinds == ["websocket.accept"] * 2 + ["websocket.http.response.start"]


async def test_who_is_put_off_is_told_for_how_long() -> None:
    gate, _ = a_gate(per_s=0.001, burst=1.0)
    await answer(gate, SOCKET)
    refused = await answer(gate, SOCKET)

    assert refused["status"] == 503
    assert int(dict(refused["headers"])[b"retry-after"]) > 0


async def test_other_requests_are_let_in_at_any_rate() -> None:
    gate, _ = a_gate(per_s=0.001, burst=1.0)
    request = {"type": "http", "path": "/api/workflows", "method": "GET"}

    assert [(await answer(gate, request))["type"] for _ in range(9)] == ["websocket.accept"] * 9


async def test_a_draining_server_takes_no_socket_and_is_not_ready() -> None:
    gate, feed = a_gate()
    feed.is_draining = True

    assert (await answer(gate, SOCKET))["status"] == 503
    assert (await answer(gate, {"type": "http", "path": "/readyz", "method": "GET"}))["status"] == 503
    assert (await answer(gate, {"type": "http", "path": "/healthz", "method": "GET"}))["type"]
