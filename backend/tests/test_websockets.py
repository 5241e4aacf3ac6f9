"""The wire contract of simple mode: a test a rule of docs/protocol.md, on a real server and real sockets."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.support.authored import AuthoredExecution, define
from tests.support.eventually import eventually
from tests.support.restorable import Restorable
from tests.support.server import RunningServer, serving
from tests.support.slow_reader import slow_reader
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from headway.adapters.hints.local import LocalHintBus
from headway.adapters.journal.memory import MemoryJournal
from headway.adapters.journal.sqlite import SqliteJournal
from headway.domain.execution import State
from headway.protocol.frames import SimpleFramer
from headway.services.states import load_state

WITHIN_S = 5.0
Frame = dict[str, Any]


@pytest.fixture(name="server")
def _server() -> Iterator[RunningServer]:
    with serving() as server:
        define(server.journal, "audit")
        yield server


@asynccontextmanager
async def viewing(url: str, **options: Any) -> AsyncIterator[ClientConnection]:
    # A short `close_timeout`: this library's client does not read on while it closes.
    async with connect(
        url, compression=None, proxy=None, max_size=None, close_timeout=0.2, **options
    ) as peer:
        yield peer


async def frame(viewer: ClientConnection, within_s: float = WITHIN_S) -> Frame:
    """The next frame."""
    return json.loads(await asyncio.wait_for(viewer.recv(), within_s))  # type: ignore[no-any-return]


async def frames(viewer: ClientConnection, number: int) -> list[Frame]:
    return [await frame(viewer) for _ in range(number)]


async def until_end(viewer: ClientConnection) -> list[Frame]:
    """Frames up to the terminal one."""
    seen = [await frame(viewer)]
    while seen[-1].get("kind") not in ("execution.completed", "execution.failed", "execution.cancelled"):
        seen.append(await frame(viewer))
    return seen


async def silent(viewer: ClientConnection, for_s: float = 0.15) -> bool:
    """True if nothing comes for a moment; only ever used to show that something is not sent."""
    try:
        await asyncio.wait_for(viewer.recv(), for_s)
    except TimeoutError:
        return True
    return False


async def refusal(url: str, **options: Any) -> tuple[int, dict[str, Any]]:
    """Status and problem of a connection that is not accepted."""
    with pytest.raises(InvalidStatus) as refused:
        async with viewing(url, **options):
            pass
    response = refused.value.response
    return response.status_code, json.loads(response.body or b"{}")


def seqs(seen: list[Frame]) -> list[int]:
    return [one["seq"] for one in seen if "seq" in one]


def an_execution(server: RunningServer, workflow_id: str = "audit") -> AuthoredExecution:
    return AuthoredExecution(server.journal, server.hints, workflow_id)


# --- frames -----------------------------------------------------------------------------------------------


async def test_one_text_frame_is_one_event_as_stored(server: RunningServer) -> None:
    """A frame is the stored line with the two ids before it, byte for byte."""
    execution = an_execution(server)
    execution.start()
    execution.log(message='curly {{"quotes"}}, ünïcode ✓ and \\u2028')
    async with viewing(server.ws("audit")) as viewer:
        received = [await asyncio.wait_for(viewer.recv(), WITHIN_S) for _ in range(3)]

    lines = b"".join(server.executions.lines(execution.id)).splitlines()
    framer = SimpleFramer(execution.id, "audit")
    assert received == [framer.text(line).decode() for line in lines]


async def test_type_is_one_of_five_and_data_an_object(server: RunningServer) -> None:
    execution = an_execution(server)
    execution.start()
    execution.progress(42.0)
    execution.log()
    execution.fail()
    async with viewing(server.ws("audit")) as viewer:
        seen = await until_end(viewer)

    assert [one["type"] for one in seen] == ["status", "status", "progress", "log", "error"]
    assert all(isinstance(one["data"], dict) for one in seen)
    assert all(one["timestamp"].endswith("Z") for one in seen)
    assert seen[-1]["data"]["status"] == "failed"
    assert seen[-1]["data"]["error"] == "KeyError: 'sku'"


@pytest.mark.parametrize("kilobytes", [1, 64, 200])
async def test_a_long_event_is_one_frame(server: RunningServer, kilobytes: int) -> None:
    """Every length of a WebSocket header is right."""
    execution = an_execution(server)
    execution.log(message="x" * (kilobytes << 10))
    async with viewing(server.ws("audit")) as viewer:
        seen = await frames(viewer, 2)

    assert len(seen[1]["data"]["message"]) == kilobytes << 10


# --- where a viewer starts --------------------------------------------------------------------------------


async def test_a_viewer_before_the_start_sees_all(server: RunningServer) -> None:
    """A workflow that has never run: the socket is accepted, waits, and begins with seq 1."""
    async with viewing(server.ws("audit")) as viewer:
        assert await silent(viewer)
        execution = an_execution(server)
        execution.start()
        execution.log(3)
        execution.complete()
        seen = await until_end(viewer)

    assert seqs(seen) == list(range(1, 7))
    assert {one["execution_id"] for one in seen} == {execution.id}


async def test_a_viewer_in_the_middle_sees_the_backlog_and_the_tail(server: RunningServer) -> None:
    execution = an_execution(server)
    execution.start()
    execution.log(10)
    async with viewing(server.ws("audit")) as viewer:
        seen = await frames(viewer, 12)
        execution.log(5)
        execution.complete()
        seen += await until_end(viewer)

    assert seqs(seen) == list(range(1, 19))


@pytest.mark.parametrize("outcome", ["complete", "fail", "cancel"])
async def test_a_viewer_after_the_end_sees_the_recent_log_and_the_end(
    server: RunningServer, outcome: str
) -> None:
    execution = an_execution(server)
    execution.start()
    execution.log(10)
    getattr(execution, outcome)()
    async with viewing(server.ws("audit")) as viewer:
        seen = await until_end(viewer)

    assert seqs(seen) == list(range(1, 14))
    assert seen[-1]["data"]["result"]["execution_id"] == execution.id


async def test_a_late_viewer_gets_a_folded_frame_and_a_thousand_events(server: RunningServer) -> None:
    """C = n - 1,000: first one `status` frame folded at C, without `seq`, then C + 1 … n."""
    execution = an_execution(server)
    execution.start()
    execution.progress(37.5)
    execution.log(1_497)
    async with viewing(server.ws("audit")) as viewer:
        folded = await frame(viewer)
        seen = await frames(viewer, 1_000)

    assert "seq" not in folded
    assert (folded["type"], folded["kind"], folded["snapshot"], folded["as_of"]) == (
        "status",
        "snapshot",
        True,
        500,
    )
    assert (folded["data"]["status"], folded["data"]["progress"]) == ("running", 37.5)
    assert seqs(seen) == list(range(501, 1_501))


async def test_the_folded_frame_carries_the_state_at_its_seq(server: RunningServer) -> None:
    execution = an_execution(server)
    execution.start()
    execution.progress(37.5)
    execution.log(1_200)
    async with viewing(server.ws("audit")) as viewer:
        folded = await frame(viewer)

    expected: State = load_state(server.journal, execution.id, 203)
    assert folded["as_of"] == 203
    assert folded["state"]["seq"] == expected.seq
    assert folded["state"]["counts"]["logs"] == expected.counts.logs == 200


async def test_a_thousand_events_need_no_folded_frame(server: RunningServer) -> None:
    execution = an_execution(server)
    execution.log(999)
    async with viewing(server.ws("audit")) as viewer:
        assert seqs(await frames(viewer, 1_000)) == list(range(1, 1_001))


async def test_after_resumes_without_a_folded_frame(server: RunningServer) -> None:
    execution = an_execution(server)
    execution.log(2_000)
    async with viewing(server.ws("audit", "?after=7")) as viewer:
        assert seqs(await frames(viewer, 1_994)) == list(range(8, 2_002))


async def test_after_the_last_seq_brings_only_what_is_new(server: RunningServer) -> None:
    execution = an_execution(server)
    execution.log(4)
    async with viewing(server.ws("audit", "?after=5")) as viewer:
        assert await silent(viewer)
        execution.log(2)
        assert seqs(await frames(viewer, 2)) == [6, 7]


async def test_a_position_ahead_of_the_log_is_told(server: RunningServer) -> None:
    """An older copy was restored: a folded frame says from where the log goes on, even from 0."""
    execution = an_execution(server)
    execution.log(9)
    execution.complete()
    async with viewing(server.ws("audit", f"?execution={execution.id}&after=99")) as viewer:
        folded = await frame(viewer)
        seen = await until_end(viewer)

    assert (folded["snapshot"], folded["as_of"]) == (True, 0)
    assert seqs(seen) == list(range(1, 12))


async def test_a_position_behind_what_retention_left_is_told(server: RunningServer) -> None:
    """The folded frame is made from the checkpoint that is left, and the rest follows it without a hole."""
    execution = an_execution(server)
    execution.log(1_200)
    execution.log(100)
    execution.complete()
    server.journal.trim(execution.id, 1_000)
    async with viewing(server.ws("audit", f"?execution={execution.id}&after=7")) as viewer:
        folded = await frame(viewer)
        seen = await until_end(viewer)

    assert folded["as_of"] >= 1_000
    assert folded["state"]["counts"]["logs"] == folded["as_of"] - 1
    assert seqs(seen) == list(range(folded["as_of"] + 1, 1_303))


@pytest.mark.parametrize("goes_on", [False, True], ids=["older copy", "another history"])
async def test_a_log_that_is_replaced_under_a_viewer_closes_it(goes_on: bool) -> None:
    """The sweep sees it, though nobody tells."""
    journal = MemoryJournal()
    with serving(journal, hints=DeafHintBus(), fanout={"sweep_s": 0.05}) as server:
        define(journal, "audit")
        execution = an_execution(server)
        copied = Restorable(journal, execution)
        execution.log(5)
        async with viewing(server.ws(execution.id)) as viewer:
            assert seqs(await frames(viewer, 6)) == [1, 2, 3, 4, 5, 6]
            copied.restore()
            if goes_on:
                execution.log(5, "another history, {n}")

            assert await closing_code(viewer) == 4410


async def test_execution_on_the_workflow_path_resumes_there(server: RunningServer) -> None:
    """… although a newer execution is running, and then goes on to that one."""
    first = an_execution(server)
    first.log(5)
    first.complete()
    second = an_execution(server)
    second.start()
    async with viewing(server.ws("audit", f"?execution={first.id}&after=4")) as viewer:
        seen = await frames(viewer, 5)

    assert [(one["execution_id"], one["seq"]) for one in seen] == [
        (first.id, 5),
        (first.id, 6),
        (first.id, 7),
        (second.id, 1),
        (second.id, 2),
    ]


async def test_resuming_anywhere_gives_the_same_history(server: RunningServer) -> None:
    """Cut anywhere and resumed after the last seq, the pieces join without a hole or a repeat."""
    execution = an_execution(server)
    execution.log(3_000)
    execution.complete()
    cursor, pieces = 0, list[int]()
    for size in (1, 700, 32, 1_500):
        query = f"?execution={execution.id}&after={cursor}"
        async with viewing(server.ws("audit", query)) as viewer:
            pieces += seqs(await frames(viewer, size))
        cursor = pieces[-1]
    async with viewing(server.ws("audit", f"?execution={execution.id}&after={cursor}")) as viewer:
        pieces += seqs(await until_end(viewer))

    assert pieces == list(range(1, 3_003))


# --- the naive client -------------------------------------------------------------------------------------


class NaiveClient:
    """All that a client must know: parse each frame, read a few members of `data`; nothing is remembered."""

    def __init__(self) -> None:
        self.status: list[str] = []
        self.progress: list[float] = []
        self.log: list[str] = []
        self.ends: list[str] = []
        self.error: str | None = None

    async def watch(self, url: str) -> None:
        """Until the end; connects again whenever it is cut off."""
        while not self.ends:
            with suppress(ConnectionClosed):
                async with viewing(url) as viewer:
                    while not self.ends:
                        self.take(await frame(viewer))

    def take(self, update: Frame) -> None:
        data = update["data"]
        if data.get("status"):
            self.status.append(data["status"])
        if data.get("progress") is not None:
            self.progress.append(data["progress"])
        if update["type"] == "log":
            self.log.append(data["message"])
        if update["type"] in ("complete", "error"):
            self.ends.append(data["status"])
            self.error = data.get("error")


@pytest.mark.parametrize("joins_at", ["before the start", "in the middle", "after the end"])
@pytest.mark.parametrize(
    ("outcome", "status", "error"),
    [
        ("complete", "completed", None),
        ("fail", "failed", "KeyError: 'sku'"),
        ("cancel", "cancelled", None),
    ],
)
async def test_a_naive_client_sees_the_run_whenever_it_comes(
    server: RunningServer, joins_at: str, outcome: str, status: str, error: str | None
) -> None:
    """`running`, progress that never falls, the log, and one end with its outcome."""
    client = NaiveClient()
    watching: asyncio.Future[None] | None = None
    for moment in ("before the start", "in the middle", "after the end"):
        if moment == "in the middle":
            execution = an_execution(server)
            execution.start()
            execution.log(5)
            execution.progress(40.0)
        elif moment == "after the end":
            execution.log(1_200)
            execution.progress(80.0)
            getattr(execution, outcome)()
        if moment == joins_at:
            watching = asyncio.ensure_future(client.watch(server.ws("audit")))
            await asyncio.to_thread(eventually, lambda: server.fanout.viewers == 1)
    assert watching is not None
    await asyncio.wait_for(watching, 20)

    assert client.status[0] == "running"
    assert client.ends == [status]
    assert client.error == error
    assert client.progress == sorted(client.progress)
    assert client.progress[-1] == (100.0 if status == "completed" else 80.0)
    assert len(client.log) >= 990


async def test_a_naive_client_survives_a_cut(server: RunningServer) -> None:
    """It comes back, sees the state again, and ends with the outcome once."""
    execution, client = an_execution(server), NaiveClient()
    execution.start()
    watching = asyncio.ensure_future(client.watch(server.ws("audit")))
    await asyncio.to_thread(eventually, lambda: "running" in client.status)
    for viewer in list(server.fanout._viewers):
        server.fanout.tails.loop.call_soon_threadsafe(viewer.outlet.abort)
    execution.complete()
    await asyncio.wait_for(watching, 20)

    assert client.ends == ["completed"]
    assert client.progress[-1] == 100.0


# --- one execution at a time ------------------------------------------------------------------------------


async def test_a_socket_moves_on_in_start_order_and_never_interleaves(server: RunningServer) -> None:
    """Three executions run at the same time; the viewer sees one after the other, each whole."""
    executions = [an_execution(server) for _ in range(3)]
    async with viewing(server.ws("audit")) as viewer:
        for _ in range(4):
            for execution in executions:
                execution.log(2)
        for execution in reversed(executions):
            execution.complete()
        seen = [await until_end(viewer) for _ in executions]

    for execution, one in zip(executions, seen, strict=True):
        assert {event["execution_id"] for event in one} == {execution.id}
        assert seqs(one) == list(range(1, 11))


async def test_an_execution_socket_stays_with_its_execution(server: RunningServer) -> None:
    execution = an_execution(server)
    execution.complete()
    async with viewing(server.ws(execution.id)) as viewer:
        await until_end(viewer)
        an_execution(server).log(3)
        assert await silent(viewer)


async def test_the_socket_stays_open_after_the_end(server: RunningServer) -> None:
    """A naive client that reconnects whenever its socket closes would otherwise loop for ever."""
    execution = an_execution(server)
    execution.complete()
    async with viewing(server.ws("audit")) as viewer:
        await until_end(viewer)
        assert await silent(viewer)
        await asyncio.wait_for(await viewer.ping(), WITHIN_S)


async def test_a_viewer_of_one_workflow_sees_nothing_of_another(server: RunningServer) -> None:
    define(server.journal, "history")
    async with viewing(server.ws("audit")) as viewer:
        an_execution(server, "history").log(3)
        mine = an_execution(server)

        assert (await frame(viewer))["execution_id"] == mine.id


# --- liveness ---------------------------------------------------------------------------------------------


async def test_beat_breaks_a_silence(server: RunningServer) -> None:
    """A folded `status` frame without `seq` and without `state`, and none for who did not ask."""
    execution = an_execution(server)
    execution.start()
    execution.progress(12.5)
    async with viewing(server.ws("audit", "?beat=5")) as viewer, viewing(server.ws("audit")) as quiet:
        await frames(viewer, 3)
        await frames(quiet, 3)
        started = time.monotonic()
        beat = await frame(viewer, within_s=8)
        waited_s = time.monotonic() - started

        assert await silent(quiet)
    assert 4.5 <= waited_s <= 7.5
    assert "seq" not in beat
    assert "state" not in beat
    assert (beat["type"], beat["kind"], beat["beat"], beat["as_of"]) == ("status", "snapshot", True, 3)
    assert (beat["data"]["status"], beat["data"]["progress"]) == ("running", 12.5)


async def test_a_lost_hint_is_healed_by_the_sweep() -> None:
    """An append that nobody told of is seen within two sweeps; so is a new execution."""
    with serving(hints=DeafHintBus()) as server:
        define(server.journal, "audit")
        async with viewing(server.ws("audit")) as viewer:
            execution = an_execution(server)
            execution.log(2)
            assert seqs(await frames(viewer, 3)) == [1, 2, 3]
            execution.log(2)
            assert seqs(await frames(viewer, 2)) == [4, 5]


class DeafHintBus:
    """Loses every hint."""

    def publish(self, hints: object) -> None:
        pass

    def subscribe(self, receive: object) -> Any:
        return lambda: None

    def close(self) -> None:
        pass


async def test_the_accepting_answer_names_its_request(server: RunningServer) -> None:
    async with viewing(server.ws("audit"), additional_headers={"X-Request-Id": "edge-7"}) as socket:
        assert socket.response is not None
        assert socket.response.headers.get_all("X-Request-Id") == ["edge-7"]


# --- refusals before accept -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "query", "status", "code"),
    [
        ("nothing", "", 404, "workflow_not_found"),
        ("7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "", 404, "execution_not_found"),
        ("audit", "?execution=7ZZZZZZZZZZZZZZZZZZZZZZZZZ", 404, "execution_not_found"),
        ("audit", "?execution=latest", 400, "invalid_message"),
        ("audit", "?after=-1", 400, "invalid_message"),
        ("audit", "?after=", 400, "invalid_message"),
        ("audit", "?after=1&after=2", 400, "invalid_message"),
        ("audit", "?beat=4", 400, "invalid_message"),
        ("audit", "?beat=61", 400, "invalid_message"),
        ("audit", "?beat=often", 400, "invalid_message"),
    ],
)
async def test_a_request_that_cannot_be_served_is_refused_before_accept(
    server: RunningServer, target: str, query: str, status: int, code: str
) -> None:
    answered, problem = await refusal(server.ws(target, query), additional_headers={"X-Request-Id": "edge-7"})

    assert (answered, problem["code"], problem["status"]) == (status, code, status)
    assert problem["request_id"] == "edge-7"


async def test_an_execution_of_another_workflow_is_not_found(server: RunningServer) -> None:
    define(server.journal, "history")
    execution = an_execution(server, "history")

    assert (await refusal(server.ws("audit", f"?execution={execution.id}")))[0] == 404


async def test_an_offered_subprotocol_is_refused(server: RunningServer) -> None:
    """Never accepted without it: the client would take simple frames for its own protocol's."""
    status, problem = await refusal(server.ws("audit"), subprotocols=["chat.v9"])

    assert (status, problem["code"]) == (400, "invalid_message")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_page_from_elsewhere_is_refused(server: RunningServer, origin: str) -> None:
    status, problem = await refusal(server.ws("audit"), origin=origin)

    assert (status, problem["code"]) == (403, "forbidden")


async def test_the_own_origin_and_an_allowed_one_may_connect() -> None:
    with serving(allowed_origins=["https://board.example"]) as server:
        define(server.journal, "audit")
        for origin in (server.url, "https://board.example"):
            async with viewing(server.ws("audit"), origin=origin) as viewer:
                await asyncio.wait_for(await viewer.ping(), WITHIN_S)


async def test_a_foreign_host_name_is_refused(server: RunningServer) -> None:
    """A name of the attacker's that resolves to this machine (DNS rebinding) opens nothing."""
    url = server.ws("audit").replace("127.0.0.1", "rebound.example")
    status, problem = await refusal(url, host="127.0.0.1", port=server.port)

    assert (status, problem["code"]) == (403, "forbidden")


async def test_a_token_is_asked_for_before_accept() -> None:
    with serving(token="s3cret") as server:
        define(server.journal, "audit")
        assert (await refusal(server.ws("audit")))[0] == 401
        wrong = {"Authorization": "Bearer other"}
        assert (await refusal(server.ws("audit"), additional_headers=wrong))[0] == 401
        right = {"Authorization": "Bearer s3cret"}
        async with viewing(server.ws("audit"), additional_headers=right) as viewer:
            await asyncio.wait_for(await viewer.ping(), WITHIN_S)


async def test_more_viewers_than_allowed_are_refused() -> None:
    with serving(fanout={"max_viewers": 1}) as server:
        define(server.journal, "audit")
        async with viewing(server.ws("audit")):
            status, problem = await refusal(server.ws("audit"))

            assert (status, problem["code"]) == (429, "too_many_connections")
        eventually(lambda: server.fanout.viewers == 0)
        async with viewing(server.ws("audit")):
            pass


# --- what a client may send -------------------------------------------------------------------------------


async def closing_code(viewer: ClientConnection) -> int:
    with suppress(ConnectionClosed):
        async with asyncio.timeout(WITHIN_S):
            async for _ in viewer:
                pass
    assert viewer.close_code is not None
    return viewer.close_code


@pytest.mark.parametrize(
    ("payload", "code"),
    [(b"\x00\x01", 4502), ("x" * 65_537, 4509), ("x" * 200_000, 1009)],
    ids=["binary", "too big", "far too big"],
)
async def test_a_frame_that_is_not_allowed_closes_that_connection_only(
    server: RunningServer, payload: str | bytes, code: int
) -> None:
    execution = an_execution(server)
    async with viewing(server.ws("audit")) as bystander, viewing(server.ws("audit")) as breacher:
        await frame(breacher)
        await breacher.send(payload)

        assert await closing_code(breacher) == code
        execution.log(2)
        assert seqs(await frames(bystander, 3)) == [1, 2, 3]


async def test_a_flood_of_frames_closes_that_connection_only(server: RunningServer) -> None:
    execution = an_execution(server)
    async with viewing(server.ws("audit")) as bystander, viewing(server.ws("audit")) as breacher:
        for _ in range(200):
            try:
                await breacher.send("hello")
            except ConnectionClosed:
                break

        assert await closing_code(breacher) == 4529
        execution.log(2)
        assert seqs(await frames(bystander, 3)) == [1, 2, 3]


async def test_text_frames_within_the_limits_are_ignored(server: RunningServer) -> None:
    execution = an_execution(server)
    async with viewing(server.ws("audit")) as viewer:
        for text in ("", "{}", "x" * 65_536, '{"t":"hello"}'):
            await viewer.send(text)
        execution.log()

        assert seqs(await frames(viewer, 2)) == [1, 2]


# --- many viewers, slow viewers ---------------------------------------------------------------------------


async def test_fifty_viewers_each_get_everything_in_order(server: RunningServer) -> None:
    """They join before, while and after the events are written."""
    execution = an_execution(server)

    async def watch(delay_s: float) -> list[int]:
        await asyncio.sleep(delay_s)  # spreads the joins over the writing; no order depends on it
        async with viewing(server.ws(execution.id, "?after=0")) as viewer:
            return seqs(await until_end(viewer))

    async def write() -> None:
        for _ in range(50):
            await asyncio.to_thread(execution.log, 20)
        await asyncio.to_thread(execution.complete)

    *seen, _ = await asyncio.gather(*(watch(n / 50) for n in range(50)), write())

    assert all(one == list(range(1, 1_003)) for one in seen)


def a_viewer_that_never_reads(server: RunningServer, target: str) -> socket.socket:
    """Upgrades, then reads nothing more; its receive buffer is small."""
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    peer.connect(("127.0.0.1", server.port))
    peer.sendall(
        f"GET /ws/workflow/{target}?after=0 HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    return peer


async def test_a_viewer_that_stops_reading_is_gone_and_slows_nobody() -> None:
    """Its transport takes nothing for `stall_s` and is aborted; the others get everything meanwhile."""
    with serving(fanout={"stall_s": 1.0, "sweep_s": 0.2}) as server:
        execution = an_execution(server)
        stalled = [a_viewer_that_never_reads(server, execution.id) for _ in range(5)]
        try:
            async with viewing(server.ws(execution.id)) as viewer:
                await asyncio.to_thread(eventually, lambda: server.fanout.viewers == 6)
                for _ in range(40):
                    await asyncio.to_thread(execution.log, 100, "x" * 1_000)
                execution.complete()

                assert seqs(await until_end(viewer)) == list(range(1, 4_003))
                await asyncio.to_thread(eventually, lambda: server.fanout.viewers == 1, 10)
        finally:
            for peer in stalled:
                peer.close()


async def test_a_viewer_that_reads_slowly_but_all_the_time_gets_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What waits for it takes far longer than a write may stall, or an answer to a ping may take."""
    monkeypatch.setattr("headway.api.listening.SEND_BUFFER_BYTES", 4_096)
    monkeypatch.setattr("headway.api.listening.USER_TIMEOUT_MS", 3_000)
    keepalive = {"ws_ping_interval": 1.0, "ws_ping_timeout": 3.0}
    with serving(fanout={"stall_s": 3.0, "sweep_s": 0.1}, config=keepalive) as server:
        execution = an_execution(server)
        execution.log(70, "x" * 1_000)
        async with slow_reader(server.ws(execution.id, "?after=0"), bytes_per_s=10_000) as reader:
            seen = list[int]()
            async for text in reader.texts():
                seen.append(json.loads(text)["seq"])
                if seen[-1] == execution.last_seq:
                    break
    assert seen == list(range(1, execution.last_seq + 1))


async def test_a_peer_that_answers_no_ping_is_gone() -> None:
    """Idle or not: without a pong in time the connection is aborted."""
    with serving(config={"ws_ping_interval": 0.2, "ws_ping_timeout": 0.3}) as server:
        execution = an_execution(server)
        peer = a_viewer_that_never_reads(server, execution.id)
        try:
            await asyncio.to_thread(eventually, lambda: server.fanout.viewers == 1)
            await asyncio.to_thread(eventually, lambda: server.fanout.viewers == 0)
        finally:
            peer.close()


async def test_a_slow_viewer_is_behind_but_not_dropped(server: RunningServer) -> None:
    """It falls out of the ring, catches up from the journal, and still has every event once."""
    execution = an_execution(server)
    async with viewing(server.ws(execution.id, "?after=0"), max_queue=1) as slow:
        await frame(slow)
        for _ in range(60):
            await asyncio.to_thread(execution.log, 100, "x" * 1_000)
        execution.complete()

        assert seqs(await until_end(slow)) == list(range(2, 6_003))


# --- any server, any network ------------------------------------------------------------------------------


async def test_the_feed_is_the_same_on_a_server_without_our_transport() -> None:
    """Plain ASGI sends give the same frames, moving on and closing codes included."""
    with serving(config={"ws": "websockets-sansio"}) as server:
        define(server.journal, "audit")
        first, second = an_execution(server), an_execution(server)
        first.log(1_500)
        first.complete()
        async with viewing(server.ws("audit", f"?execution={first.id}")) as viewer:
            assert (await frame(viewer))["as_of"] == 502
            assert seqs(await until_end(viewer)) == list(range(503, 1_503))
            second.log(2_000)
            second.complete()
            assert seqs(await until_end(viewer)) == list(range(1, 2_003))
            await viewer.send(b"\x00")
            assert await closing_code(viewer) == 4502


async def test_the_feed_of_a_database_that_another_journal_writes(tmp_path: Path) -> None:
    """As a worker does it: its own connection to the file, its own member of the hint bus."""
    path = tmp_path / "headway.db"
    with (
        closing(SqliteJournal(path)) as read,
        closing(LocalHintBus(path)) as heard,
        closing(SqliteJournal(path)) as written,
        closing(LocalHintBus(path)) as told,
        serving(read, heard) as server,
    ):
        define(written, "audit")
        async with viewing(server.ws("audit")) as early:
            execution = AuthoredExecution(written, told)
            execution.start()
            for _ in range(12):
                execution.log(100)
            execution.complete()
            seen = await until_end(early)
        async with viewing(server.ws("audit")) as late:
            folded = await frame(late)
            recent = await until_end(late)

    assert seqs(seen) == list(range(1, 1_204))
    assert (folded["as_of"], folded["state"]["counts"]["logs"]) == (203, 201)
    assert recent == seen[203:]


async def test_a_server_that_stops_says_so() -> None:
    """1012: reconnect."""
    with serving() as server:
        define(server.journal, "audit")
        viewer = await connect(server.ws("audit"), compression=None, proxy=None)
    assert await closing_code(viewer) == 1012


async def test_a_prefix_stands_before_the_path() -> None:
    with serving(prefix="/headway") as server:
        define(server.journal, "audit")
        execution = an_execution(server)
        async with viewing(server.ws("audit")) as viewer:
            assert (await frame(viewer))["execution_id"] == execution.id
