"""The Python client's feed, against a scripted server on a real socket."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest
from tests.support.builders import AT, an_execution_id
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from headway.client import watching
from headway.client.records import Update
from headway.client.watching import backoff_s, watch
from headway.domain.events import ExecutionFailed, ExecutionResult, Log, Totals, encode_body
from headway.errors import ClientError, ExecutionNotFound, Forbidden, Unauthorized

ONE, TWO = an_execution_id(), an_execution_id()
Script = Callable[[ServerConnection], Awaitable[None]]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "BACKOFF_FIRST_S", 0.001)


def frame(seq: int, execution_id: str = ONE, *, ends: bool = False) -> str:
    body = encode_body(Log("INFO", f"line {seq}"), AT)
    if ends:
        totals = Totals(events=seq, logs=0, errors=0)
        result = ExecutionResult(execution_id=execution_id, status="failed", totals=totals)
        body = encode_body(ExecutionFailed(error="KeyError: 'sku'", totals=totals, result=result), AT)
    return f'{{"execution_id":"{execution_id}","workflow_id":"audit","seq":{seq},{body.decode()}'


def folded(as_of: int) -> str:
    state = {"execution_id": ONE, "workflow_id": "audit", "seq": as_of, "progress": 42.0}
    return json.dumps(
        {
            "execution_id": ONE,
            "workflow_id": "audit",
            "kind": "snapshot",
            "type": "status",
            "timestamp": AT,
            "snapshot": True,
            "as_of": as_of,
            "data": {},
            "state": state,
        }
    )


class ScriptedServer:
    """Plays one script a connection; `paths` are what was asked for."""

    def __init__(self, *scripts: Script, refuse: tuple[int, dict[str, str]] | None = None) -> None:
        self.paths: list[str] = []
        self.tokens: list[str | None] = []
        self._scripts = list(scripts)
        self._refuse = refuse

    async def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        self.paths.append(request.path)
        self.tokens.append(request.headers.get("Authorization"))
        if self._refuse is None:
            return None
        status, problem = self._refuse
        response = connection.respond(HTTPStatus(status), json.dumps(problem))
        response.headers["Content-Type"] = "application/problem+json"
        return response

    async def play(self, connection: ServerConnection) -> None:
        await self._scripts.pop(0)(connection)

    @asynccontextmanager
    async def url(self) -> AsyncIterator[str]:
        server: Server
        async with serve(self.play, "127.0.0.1", 0, process_request=self.answer) as server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def sending(*frames: str, cut: bool = False, close: tuple[int, str] | None = None) -> Script:
    async def script(connection: ServerConnection) -> None:
        for each in frames:
            await connection.send(each)
        if cut:
            connection.transport.abort()
        if close:
            await connection.close(*close)

    return script


async def seqs(updates: AsyncIterator[Update]) -> list[int | None]:
    return [update.seq async for update in updates]


async def test_a_feed_ends_after_the_terminal_event_of_its_execution() -> None:
    server = ScriptedServer(sending(frame(1), frame(2), frame(3, ends=True)))
    async with server.url() as url:
        assert await seqs(watch(url, ONE, after=0, token="t")) == [1, 2, 3]
    assert server.paths == [f"/ws/workflow/{ONE}?after=0"]
    assert server.tokens == ["Bearer t"]


async def test_after_a_cut_it_goes_on_behind_the_last_event_it_had() -> None:
    server = ScriptedServer(
        sending(frame(1), frame(2), cut=True), sending(cut=True), sending(frame(3), frame(4, ends=True))
    )
    cuts: list[float] = []
    async with server.url() as url:
        found = await seqs(watch(url, ONE, after=0, on_cut=lambda _, wait_s: cuts.append(wait_s)))
    assert found == [1, 2, 3, 4]
    assert server.paths[1:] == [f"/ws/workflow/{ONE}?after=2"] * 2
    assert len(cuts) == 2


async def test_what_comes_twice_is_given_once() -> None:
    server = ScriptedServer(sending(frame(1), frame(1), frame(2), frame(1), frame(3, ends=True)))
    async with server.url() as url:
        assert await seqs(watch(url, ONE, after=0)) == [1, 2, 3]


async def test_after_a_gap_it_asks_again_and_gives_nothing_out_of_order() -> None:
    server = ScriptedServer(sending(frame(1), frame(4)), sending(frame(2), frame(3), frame(4, ends=True)))
    async with server.url() as url:
        assert await seqs(watch(url, ONE, after=0)) == [1, 2, 3, 4]
    assert server.paths[1] == f"/ws/workflow/{ONE}?after=1"


async def test_a_frame_that_is_none_is_as_a_cut() -> None:
    server = ScriptedServer(sending(frame(1), "{]"), sending(frame(2, ends=True)))
    async with server.url() as url:
        assert await seqs(watch(url, ONE, after=0)) == [1, 2]


async def test_a_folded_frame_stands_for_all_before_it() -> None:
    server = ScriptedServer(sending(folded(1000), frame(1001), cut=True), sending(frame(1002, ends=True)))
    async with server.url() as url:
        updates = [update async for update in watch(url, ONE)]
    assert [update.seq for update in updates] == [None, 1001, 1002]
    assert updates[0].state is not None
    assert updates[0].state.progress == 42.0
    assert server.paths == [f"/ws/workflow/{ONE}", f"/ws/workflow/{ONE}?after=1001"]


async def test_on_a_workflow_it_moves_on_and_resumes_in_the_execution_it_was_in() -> None:
    server = ScriptedServer(
        sending(frame(1), frame(2, ends=True), frame(1, TWO), cut=True), sending(frame(2, TWO, ends=True))
    )
    async with server.url() as url:
        found = []
        async for update in watch(url, "audit", after=0):
            found.append((update.execution_id, update.seq))
            if found[-1] == (TWO, 2):
                break
    assert found == [(ONE, 1), (ONE, 2), (TWO, 1), (TWO, 2)]
    assert server.paths == ["/ws/workflow/audit?after=0", f"/ws/workflow/audit?execution={TWO}&after=1"]


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (404, "execution_not_found", ExecutionNotFound),
        (401, "unauthorized", Unauthorized),
        (403, "forbidden", Forbidden),
    ],
)
async def test_a_refusal_is_raised_with_its_reason_and_not_tried_again(
    status: int, code: str, error: type[Exception]
) -> None:
    server = ScriptedServer(refuse=(status, {"code": code, "detail": "because"}))
    async with server.url() as url:
        with pytest.raises(error, match="because"):
            await seqs(watch(url, ONE))
    assert len(server.paths) == 1


async def test_a_close_code_from_4500_on_means_stop() -> None:
    server = ScriptedServer(sending(frame(1), close=(4501, "you talk too much")))
    async with server.url() as url:
        with pytest.raises(ClientError, match="you talk too much"):
            await seqs(watch(url, ONE, after=0))


async def test_a_server_that_is_busy_is_tried_again() -> None:
    server = ScriptedServer(sending(frame(1, ends=True)), refuse=(503, {"code": "unavailable"}))

    def mend(*_: object) -> None:
        server._refuse = None

    async with server.url() as url:
        assert await seqs(watch(url, ONE, after=0, on_cut=mend)) == [1]


def test_the_wait_has_full_jitter_and_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert [backoff_s(tries, 1.0) for tries in range(4)] == [0.25, 0.5, 1.0, 2.0]
    assert backoff_s(50, 1.0) == 20.0
    assert backoff_s(3, 0.0) == 0.0
