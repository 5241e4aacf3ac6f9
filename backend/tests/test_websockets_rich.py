"""The wire contract of rich mode: a test a rule of docs/protocol.md, on a real server and real sockets."""

import asyncio
import json
import random
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from tests.support.authored import AuthoredExecution, define
from tests.support.eventually import eventually
from tests.support.restorable import Restorable
from tests.support.rich_peer import RichPeer, rich
from tests.support.server import RunningServer, serving
from tests.support.slow_reader import slow_reader
from tests.support.viewer_model import ViewerModel
from websockets.exceptions import ConnectionClosed, InvalidStatus

from headway.adapters.hints.memory import MemoryHintBus
from headway.adapters.journal.memory import MemoryJournal
from headway.adapters.journal.sqlite import SqliteJournal
from headway.api.uvicorn_protocol import MAX_FRAME_BYTES
from headway.domain.position import Cursor
from headway.protocol import messages as m
from headway.protocol.codec import decode_server, encode, lines_of
from headway.protocol.session import SessionOptions, Timers
from headway.services import chunk as chunks
from headway.services import shared_reads
from headway.services.states import encode_state, load_state

PLAIN_ASGI = {"ws": "websockets-sansio"}


@pytest.fixture(name="server")
def _server() -> Iterator[RunningServer]:
    with serving() as server:
        define(server.journal, "audit")
        yield server


def quickly(**timers: float) -> dict[str, Any]:
    """A feed that looks often at what is due, with these timers."""
    return {"tick_s": 0.02, "options": SessionOptions(timers=Timers(**timers))}  # type: ignore[arg-type]


def an_execution(server: RunningServer, workflow_id: str = "audit") -> AuthoredExecution:
    return AuthoredExecution(server.journal, server.hints, workflow_id)


def stored_lines(server: RunningServer, execution: AuthoredExecution) -> list[bytes]:
    return lines_of(b"".join(server.executions.lines(execution.id)))


def head_of(server: RunningServer, execution: AuthoredExecution) -> Cursor:
    return server.journal.get(execution.id).head.cursor


def is_at_head(server: RunningServer, execution: AuthoredExecution, model: ViewerModel) -> bool:
    return model.view.cursor == head_of(server, execution)


def folds_as_stored(server: RunningServer, execution: AuthoredExecution, model: ViewerModel) -> bool:
    return encode_state(model.view.state) == encode_state(load_state(server.journal, execution.id))


async def refusal(url: str, subprotocols: list[str]) -> tuple[int, str]:
    """Status and code of a connection that is not accepted."""
    with pytest.raises(InvalidStatus) as refused:
        async with rich(url, subprotocols):
            pass
    response = refused.value.response
    return response.status_code, json.loads(response.body or b"{}").get("code", "")


# --- the handshake, hello, limits -------------------------------------------------------------------------


async def test_both_paths_speak_the_subprotocol_that_is_offered(server: RunningServer) -> None:
    for url in (server.rich, server.ws("audit")):
        for offered in ([m.SUBPROTOCOL], ["chat.v9", m.SUBPROTOCOL]):
            async with rich(url, offered) as peer:
                assert peer.socket.subprotocol == m.SUBPROTOCOL
                assert (await peer.hello()).limits == m.Limits()


async def test_without_a_known_subprotocol_nothing_is_accepted(server: RunningServer) -> None:
    """On `/ws` one is needed; on the simple path none means simple mode."""
    assert await refusal(server.rich, []) == (400, "invalid_message")
    assert await refusal(server.rich, ["chat.v9"]) == (400, "invalid_message")
    assert await refusal(server.ws("audit"), ["chat.v9"]) == (400, "invalid_message")


async def test_a_page_from_elsewhere_is_refused(server: RunningServer) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with rich(server.rich, origin="http://evil.example"):
            pass
    assert refused.value.response.status_code == HTTPStatus.FORBIDDEN


async def test_no_hello_in_time_closes() -> None:
    with serving(feed=quickly(hello_s=0.05)) as server:
        async with rich(server.rich) as peer:
            assert (await peer.closed())[0] == 4408


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ('{"t":"sub","x":"audit"}', 4500),
        ("not json", 4500),
        (b"\x00", 4502),
        ('{"t":"hello","client":"' + "x" * 16_384 + '"}', 4509),
        ("x" * (130 << 10), 1009),
    ],
)
async def test_a_breach_closes_that_connection_only(
    server: RunningServer, sent: str | bytes, code: int
) -> None:
    async with rich(server.rich) as other, rich(server.rich) as peer:
        await other.hello()
        await peer.socket.send(sent)

        assert (await peer.closed())[0] == code
        execution = an_execution(server)
        await other.say(m.Sub(x=execution.id))
        assert (await other.next(m.SubOk)).result == "snapshot"


async def test_too_many_messages_close(server: RunningServer) -> None:
    async with rich(server.rich) as peer:
        await peer.hello()
        await peer.say(*[m.Unsub(x="nothing")] * 100)

        assert (await peer.closed())[0] == 4429


async def test_a_message_in_fragments_is_one_and_text_that_is_none_closes(server: RunningServer) -> None:
    """Also once frames are handed to the session without a turn of the loop."""
    execution = AuthoredExecution(server.journal, server.hints)
    async with rich(server.rich) as peer:
        await peer.hello()
        subscribe = encode(m.Sub(x=execution.id)).decode()
        await peer.socket.send([subscribe[:5], subscribe[5:9], subscribe[9:]])
        assert (await peer.next(m.SubOk)).x == execution.id
        await peer.socket.send(b"\xff\xfe", text=True)
        assert (await peer.closed())[0] == 1007


async def test_a_bad_message_is_answered_and_the_others_go_on(server: RunningServer) -> None:
    execution, model = an_execution(server), ViewerModel("audit")
    async with rich(server.rich) as peer:
        await peer.hello()
        await peer.socket.send('{"t":"sub","x":7,"ref":"r1"}')
        assert (await peer.next(m.Err)).ref == "r1"
        await peer.socket.send('{"t":"sub","x":"audit","cur":"rubbish","ref":"r2"}')
        refused = await peer.next(m.Err)
        assert (refused.code, refused.ref) == ("invalid_message", "r2")
        await peer.socket.send('{"t":"from-a-later-version"}')
        await peer.say(m.Sub(x="01ARZ3NDEKTSV4RRFFQ69G5FAV"))
        assert (await peer.next(m.Err)).code == "execution_not_found"
        await peer.say(m.Sub(x="nowhere"))
        assert (await peer.next(m.Err)).code == "workflow_not_found"

        execution.complete()
        await peer.say(*model.connected()[1:])
        await peer.run([model], lambda: model.view.sealed is not None)
    assert folds_as_stored(server, execution, model)


async def test_a_token_may_come_with_the_handshake_or_with_hello() -> None:
    with serving(token="sesame") as server:
        define(server.journal, "audit")
        async with rich(server.rich) as peer:
            assert (await peer.hello(token="sesame")).conn
            await peer.say(m.Auth(token="stale"))
            assert (await peer.closed())[0] == 4501
        for header, given in [({"Authorization": "Bearer sesame"}, {}), ({}, {"token": "sesame"})]:
            async with rich(server.rich, additional_headers=header) as peer:
                assert (await peer.hello(**given)).conn
        for given in ({}, {"token": "wrong"}):
            async with rich(server.rich) as peer:
                await peer.say(m.Hello(**given))
                assert (await peer.closed())[0] == 4501
        assert await refusal(server.ws("audit"), []) == (401, "unauthorized")


# --- snapshot, tail, resume -------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [{}, PLAIN_ASGI], ids=["uvicorn outlet", "plain ASGI"])
async def test_resume_after_cuts_anywhere_equals_the_journal(config: dict[str, Any]) -> None:
    """Connections are cut after a random number of frames; what was applied is each stored line, once."""
    chance = random.Random(7)
    with serving(config=config) as server:
        define(server.journal, "audit")
        model = ViewerModel("audit")
        async with rich(server.rich) as peer:
            await peer.follow(model, until=lambda: model.told == ["waiting"])
            execution = an_execution(server)
            await peer.run([model], lambda: model.view.cursor is not None)
        writing = threading.Thread(target=write_much, args=(execution, chance))
        writing.start()
        cuts = 0
        while not (model.view.sealed and is_at_head(server, execution, model)):
            cuts += 1
            async with rich(server.rich) as peer:
                left = iter(range(chance.randrange(3, 8)))
                await peer.follow(
                    model, until=lambda left=left: model.view.sealed is not None or next(left, None) is None
                )
                peer.socket.transport.abort()
        writing.join()

    assert cuts > 3
    assert model.view.base == 0
    assert set(model.told) == {"waiting", "snapshot", "resumed"}
    assert model.view.lines == stored_lines(server, execution)


def write_much(execution: AuthoredExecution, chance: random.Random) -> None:
    for _ in range(150):
        execution.log(chance.randrange(1, 40), "line {n} of many, " + "as long as they are " * 20)
    execution.complete()


async def test_a_late_viewer_gets_the_state_the_last_lines_and_the_tail(server: RunningServer) -> None:
    execution, model = an_execution(server), ViewerModel("audit", tail=7)
    execution.start()
    execution.log(3_000)
    execution.progress(40.0)
    async with rich(server.rich) as peer:
        await peer.follow(model, until=lambda: model.view.cursor is not None)
        snap = decode_server(peer.frames[-1])[0]
        execution.complete()
        await peer.run([model], lambda: model.view.sealed is not None)

    assert isinstance(snap, m.Snap)
    assert [json.loads(line)["seq"] for line in map(bytes, snap.logs)] == list(range(2_996, 3_003))
    assert (model.view.base, len(model.view.lines)) == (3_003, 1)
    assert folds_as_stored(server, execution, model)


async def test_log_lines_of_a_snapshot_are_bounded(server: RunningServer) -> None:
    """In parts of at most 64 KiB, and in total 256 KiB, the newest ones."""
    execution, model = an_execution(server), ViewerModel("audit", tail=1_000)
    execution.log(400, "x" * 2_000)
    async with rich(server.rich) as peer:
        await peer.follow(model, until=lambda: model.view.cursor is not None)
        parts = [part for part, _ in map(decode_server, peer.frames) if isinstance(part, m.Snap)]

    sizes = [sum(len(bytes(line)) for line in part.logs) for part in parts]
    assert len(parts) > 1
    assert max(sizes) <= 65_536
    assert 250 << 10 < sum(sizes) <= 256 << 10
    assert json.loads(bytes(parts[-1].logs[-1]))["seq"] == 401


async def test_many_who_join_at_once_share_one_fold(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    folds: list[str] = []
    read = shared_reads.read_snapshot
    monkeypatch.setattr(shared_reads, "read_snapshot", lambda *given: folds.append("") or read(*given))
    execution = an_execution(server)
    execution.log(2_000)
    models = [ViewerModel("audit") for _ in range(30)]

    async def join(model: ViewerModel) -> None:
        async with rich(server.rich) as peer:
            await peer.follow(model, until=lambda: is_at_head(server, execution, model))

    await asyncio.gather(*map(join, models))
    assert len(folds) < 6
    assert all(folds_as_stored(server, execution, model) for model in models)


async def test_a_workflow_goes_on_to_its_next_execution_from_the_start(server: RunningServer) -> None:
    first, model = an_execution(server), ViewerModel("audit")
    async with rich(server.rich) as peer:
        first.complete()
        await peer.follow(model, until=lambda: model.view.sealed is not None)
        second = an_execution(server)
        second.log(5)
        await peer.run([model], lambda: is_at_head(server, second, model))

    assert model.view.execution_id == second.id
    assert model.view.lines == stored_lines(server, second)


async def test_a_closed_execution_is_sealed_also_for_who_has_it_all(server: RunningServer) -> None:
    """`eos` comes in an empty frame."""
    execution, model = an_execution(server), ViewerModel("audit")
    execution.complete()
    async with rich(server.rich) as peer:
        await peer.follow(model, until=lambda: model.view.sealed is not None)
    async with rich(server.rich) as peer:
        await peer.hello()
        await peer.say(*model.connected()[1:])
        seal = await peer.next(m.Ev)

    assert (seal.after, seal.upto, seal.n, seal.eos) == (2, 2, 0, model.view.sealed)


@pytest.mark.parametrize(
    ("why", "connected"),
    [
        ("epoch", False),
        ("ahead", False),
        ("ahead", True),
        ("trimmed", False),
        ("fork", False),
        ("fork", True),
    ],
)
async def test_a_broken_continuity_is_told_with_its_reason(why: str, connected: bool) -> None:
    """An older copy of the database, the same with another history after it, retention, another log.

    The older copy also under an open connection, whose viewer is at the head; the others cannot be there.
    """
    journal = MemoryJournal()
    with serving(journal, feed=quickly(ping_s=0.2), fanout={"sweep_s": 0.05}) as server:
        define(journal, "audit")
        execution = an_execution(server)
        execution.log(20)
        copied, model = Restorable(journal, execution), ViewerModel(execution.id)
        execution.log(5)
        async with rich(server.rich) as peer:
            await peer.follow(model, until=lambda: is_at_head(server, execution, model))
            if connected:
                break_continuity(why, journal, execution, copied)
                await peer.run([model], lambda: why in model.told)
        if not connected:
            break_continuity(why, journal, execution, copied)
            if why == "epoch":
                model.view.cursor = Cursor("00000000", 3, 7)
            if why == "trimmed":
                model.view.cursor = Cursor(head_of(server, execution).epoch, 3, 7)
        async with rich(server.rich) as peer:
            await peer.follow(model, until=lambda: is_at_head(server, execution, model))

        assert why in model.told
        assert folds_as_stored(server, execution, model)


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "open"])
async def test_what_was_read_of_a_lost_history_is_shown_to_nobody(closed: bool) -> None:
    """The log is replaced while nobody watches: whoever comes then gets what it holds now, and no reset."""
    journal = MemoryJournal()
    with serving(journal, feed=quickly(), fanout={"sweep_s": 0.05}) as server:
        define(journal, "audit")
        execution = an_execution(server)
        execution.log(20)
        copied = Restorable(journal, execution)
        before, after = (ViewerModel(execution.id, whole=1_000) for _ in range(2))
        for model, message in ((before, "lost {n}"), (after, "kept {n}")):
            copied.restore()
            execution.log(300, message)
            if closed:
                execution.complete()
            async with rich(server.rich) as peer:
                await peer.follow(model, until=lambda model=model: is_at_head(server, execution, model))

        assert after.told == before.told
        assert after.view.lines == stored_lines(server, execution)


def break_continuity(
    why: str, journal: MemoryJournal, execution: AuthoredExecution, copied: Restorable
) -> None:
    if why in ("ahead", "fork"):
        copied.restore()
    if why == "fork":
        execution.log(9, "another history, {n}")
    if why == "trimmed":
        execution.complete()
        journal.trim(execution.id, 10)


# --- many subscriptions, the lobby ------------------------------------------------------------------------


async def test_many_subscriptions_on_one_socket_each_get_all_of_theirs(server: RunningServer) -> None:
    define(server.journal, "history")
    executions = [an_execution(server, name) for name in ("audit", "history") * 15]
    models = [ViewerModel(execution.id) for execution in executions]
    async with rich(server.rich) as peer:
        following = asyncio.ensure_future(
            peer.follow(*models, until=lambda: all(model.view.sealed for model in models))
        )
        for execution in executions:
            execution.log(300)
        for execution in executions:
            execution.complete()
        await asyncio.wait_for(following, 30)

    assert [model.view.cursor for model in models] == [head_of(server, each) for each in executions]


async def test_a_subscription_above_the_limit_is_refused_by_name(server: RunningServer) -> None:
    options = SessionOptions(limits=m.Limits(subscriptions=1))
    with serving(feed={"options": options}) as server:
        define(server.journal, "audit", "history")
        async with rich(server.rich) as peer:
            await peer.hello()
            await peer.say(m.Sub(x="audit"), m.Sub(x="history"))
            refused = await peer.next(m.Err)
            assert (refused.code, refused.x) == ("too_many_subscriptions", "history")
            await peer.say(m.Unsub(x="audit"), m.Sub(x="history"))
            while (await peer.next(m.SubOk)).x != "history":
                pass


async def test_the_lobby_shows_rows_and_at_most_four_changes_a_second(server: RunningServer) -> None:
    """The last change of a row is never held back for good; new executions appear."""
    execution = an_execution(server)
    async with rich(server.rich) as peer:
        await peer.hello()
        await peer.say(m.Sub(x=m.LOBBY))
        first = await peer.next(m.Rows)
        assert first.reset
        assert [row.execution_id for row in first.rows] == [execution.id]
        execution.start()
        for percent in range(1, 61):
            execution.progress(float(percent))
            await asyncio.sleep(0.01)
        other = an_execution(server)
        execution.complete()
        shown: list[m.Row] = []
        while {other.id} - {row.execution_id for row in shown} or shown[-1].status != "completed":
            rows = (await peer.next(m.Rows)).rows
            shown += [row for row in rows if row.execution_id in (execution.id, other.id)]
            shown.sort(key=lambda row: row.execution_id == execution.id)

    assert sum(row.execution_id == execution.id for row in shown) <= 8


async def test_the_lobby_shows_all_that_are_left_where_retention_removed_one(server: RunningServer) -> None:
    kept, gone = an_execution(server), an_execution(server)
    gone.complete()
    async with rich(server.rich) as peer:
        await peer.hello()
        await peer.say(m.Sub(x=m.LOBBY))
        assert {row.execution_id for row in (await peer.next(m.Rows)).rows} == {kept.id, gone.id}
        while not server.journal.forget(gone.id):
            pass
        while not (rows := await peer.next(m.Rows)).reset:
            pass
        assert [row.execution_id for row in rows.rows] == [kept.id]


# --- flow -------------------------------------------------------------------------------------------------


async def test_a_viewer_that_does_not_acknowledge_is_paused_at_its_window(server: RunningServer) -> None:
    execution = an_execution(server)
    for count in (255, *[256] * 22):  # behind the first event, as full frames: none needs to be cut
        execution.log(count, "x")
    async with rich(server.rich) as peer:
        await peer.hello()
        cursor = Cursor(head_of(server, execution).epoch, 0, server.journal.tag_at(execution.id, 0))
        await peer.say(m.Sub(x=execution.id, cur=str(cursor)))
        got = 0
        while got < 4_096:
            got = (await peer.next(m.Ev)).upto
        with pytest.raises(TimeoutError):
            await peer.next(m.Ev, within_s=0.3)
        await peer.say(m.Ack(x=execution.id, seq=got))
        assert (await peer.next(m.Ev)).after == got == 4_096


async def test_the_frames_of_a_chunk_are_built_once_for_all_viewers(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[m.Ev] = []
    encode_events = chunks.encode_events
    monkeypatch.setattr(
        chunks, "encode_events", lambda header, body: built.append(header) or encode_events(header, body)
    )
    execution = an_execution(server)
    models = [ViewerModel("audit") for _ in range(12)]
    async with asyncio.TaskGroup() as viewers:
        for model in models:
            viewers.create_task(watch_to_the_end(server, model))
        await asyncio.to_thread(eventually, lambda: all(model.view.cursor for model in models))
        for _ in range(20):
            execution.log(10)
            await asyncio.sleep(0.005)
        execution.complete()

    assert all(folds_as_stored(server, execution, model) for model in models)
    assert len({(header.after, header.upto) for header in built}) == len(built) <= 21


async def watch_to_the_end(server: RunningServer, model: ViewerModel) -> RichPeer:
    async with rich(server.rich) as peer:
        await peer.follow(model, until=lambda: model.view.sealed is not None)
    return peer


async def test_compressed_frames_inflate_to_the_same_bytes(server: RunningServer) -> None:
    """Who offers `headway.v1.deflate` gets longer `ev` frames as binary, raw deflate; shorter as text."""
    execution = an_execution(server)
    models = ViewerModel(execution.id), ViewerModel(execution.id)
    async with (
        rich(server.rich, [m.DEFLATE_SUBPROTOCOL, m.SUBPROTOCOL]) as small,
        rich(server.rich, [m.SUBPROTOCOL]) as plain,
    ):
        assert small.socket.subprotocol == m.DEFLATE_SUBPROTOCOL
        for peer, model in zip((small, plain), models, strict=True):
            await peer.follow(model, until=lambda model=model: model.view.cursor is not None)
        execution.log(2)
        execution.log(200)
        execution.complete()
        for peer, model in zip((small, plain), models, strict=True):
            await peer.run([model], lambda model=model: model.view.sealed is not None)

    def bodies(peer: RichPeer) -> bytes:
        return b"".join(
            body for message, body in map(decode_server, peer.frames) if isinstance(message, m.Ev)
        )

    assert bodies(small) == bodies(plain)
    assert small.binary_frames > 0 == plain.binary_frames
    assert sum(small.wire_bytes) < sum(plain.wire_bytes) / 3


async def test_a_lagging_viewer_in_mode_state_gets_less_with_the_same_fold(server: RunningServer) -> None:
    execution = an_execution(server)
    execution.start()
    lean, full = ViewerModel(execution.id, "state"), ViewerModel(execution.id, "full")
    for model in (lean, full):
        async with rich(server.rich) as peer:
            await peer.follow(model, until=lambda model=model: model.view.cursor is not None)
    for percent in range(50):
        execution.log(30)
        execution.progress(float(percent))
    execution.complete()
    sizes = [sum((await watch_to_the_end(server, model)).wire_bytes) for model in (lean, full)]

    assert [model.told for model in (lean, full)] == [["snapshot", "resumed"]] * 2
    assert (lean.view.conflated, full.view.conflated) == (True, False)
    assert sizes[0] < sizes[1] / 10
    assert all(folds_as_stored(server, execution, model) for model in (lean, full))
    assert lean.view.cursor == full.view.cursor == head_of(server, execution)


async def test_a_viewer_that_stops_reading_is_cut_and_the_others_go_on() -> None:
    with serving(feed=quickly(stall_s=0.5)) as server:
        define(server.journal, "audit")
        execution, model = an_execution(server), ViewerModel("audit")
        stalled = socket.socket()
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        stalled.connect(("127.0.0.1", server.port))
        async with rich(server.rich, sock=stalled, max_queue=1) as deaf, rich(server.rich) as peer:
            await deaf.hello()
            await deaf.say(m.Sub(x=execution.id))
            await deaf.next(m.Snap)
            following = asyncio.ensure_future(peer.follow(model, until=lambda: bool(model.view.sealed)))
            for _ in range(60):
                execution.log(4, "x" * 20_000)
            await asyncio.to_thread(eventually, lambda: server.feed.viewers == 1)
            execution.complete()
            await asyncio.wait_for(following, 10)
    assert folds_as_stored(server, execution, model)


async def test_a_viewer_that_reads_slowly_but_all_the_time_gets_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A frame takes it far longer than a write may stall, and a ping far longer than a pong may take."""
    monkeypatch.setattr("headway.api.listening.SEND_BUFFER_BYTES", 4_096)
    monkeypatch.setattr("headway.api.listening.USER_TIMEOUT_MS", 3_000)
    keepalive = {"ws_ping_interval": 1.0, "ws_ping_timeout": 3.0}
    timers = quickly(stall_s=3.0, ping_s=1.0, pong_s=3.0)
    with serving(feed=timers, config=keepalive) as server:
        execution = an_execution(server)
        start = head_of(server, execution)
        execution.log(70, "x" * 1_000)
        async with slow_reader(server.rich, [m.SUBPROTOCOL], bytes_per_s=10_000) as reader:
            await reader.say(encode(m.Hello()).decode())
            await reader.say(encode(m.Sub(x=execution.id, cur=str(start))).decode())
            upto = 0
            async for text in reader.texts():
                message, _ = decode_server(text)
                if isinstance(message, m.Ping):
                    await reader.say(encode(m.Pong(n=message.n)).decode())
                elif isinstance(message, m.Ev):
                    upto = message.upto
                if upto == execution.last_seq:
                    break
    assert upto == execution.last_seq


# --- liveness, the end of the server ----------------------------------------------------------------------


async def test_pings_carry_heads_and_silence_is_cut() -> None:
    with serving(feed=quickly(ping_s=0.3, pong_s=0.1)) as server:
        define(server.journal, "audit")
        execution = an_execution(server)
        async with rich(server.rich) as peer:
            await peer.hello()
            await peer.say(m.Sub(x="audit"))
            await peer.next(m.Snap)
            for _ in range(3):
                ping = await peer.next(m.Ping)
                assert ping.heads == {"audit": str(head_of(server, execution))}
                await peer.say(m.Pong(n=ping.n))
            assert (await peer.closed())[0] in (0, 1006)
        eventually(lambda: server.feed.viewers == 0)


class LossyHints(MemoryHintBus):
    """Loses every hint."""

    def publish(self, hints: Any) -> None:
        pass


async def test_without_any_hint_the_head_is_reached() -> None:
    """By the sweep alone: a ping with a newer head would heal it, too, and none comes here."""
    with serving(hints=LossyHints(), fanout={"sweep_s": 0.05}, feed=quickly(ping_s=600.0)) as server:
        define(server.journal, "audit")
        execution, model = an_execution(server), ViewerModel("audit")
        async with rich(server.rich) as peer:
            await peer.follow(model, until=lambda: model.view.cursor is not None)
            execution.log(10)
            execution.complete()
            await peer.run([model], lambda: model.view.sealed is not None)
    assert is_at_head(server, execution, model)


async def test_a_drain_moves_viewers_without_a_gap() -> None:
    """Make before break: the second node resumes, the first serves until it is left; nothing is lost."""
    journal, hints = MemoryJournal(), MemoryHintBus()
    with serving(journal, hints, feed=quickly()) as old, serving(journal, hints) as new:
        define(journal, "audit")
        execution, model = an_execution(old), ViewerModel("audit")
        async with rich(old.rich) as before:
            await before.follow(model, until=lambda: model.view.cursor is not None)
            old.server.handle_exit(signal.SIGTERM, None)
            drain = await before.next(m.Drain)
            assert 0 <= drain.in_s[0] < drain.in_s[1] <= 5
            assert await refusal(old.rich, [m.SUBPROTOCOL]) == (503, "draining")
            assert await asyncio.to_thread(ready_status, old) == HTTPStatus.SERVICE_UNAVAILABLE
            execution.log(100)
            await before.run([model], lambda: is_at_head(old, execution, model))
            async with rich(new.rich) as after:
                await after.follow(model, until=lambda: model.told[-1] == "resumed")
                await before.socket.close()
                execution.complete()
                await after.run([model], lambda: model.view.sealed is not None)
        await asyncio.to_thread(eventually, lambda: old.server.should_exit)
    assert model.told == ["snapshot", "resumed"]
    assert [json.loads(line)["seq"] for line in model.view.lines] == list(
        range(model.view.base + 1, execution.last_seq + 1)
    )


def ready_status(server: RunningServer) -> int:
    try:
        with urlopen(f"{server.url}/readyz", timeout=5) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


async def test_who_stays_over_a_drain_is_told_when_to_come_back() -> None:
    """Closed at the end of its slot, in the order of the slots, with returns spread over time."""
    with serving(feed=quickly(), drain_s=0.4) as server:
        peers = [rich(server.rich) for _ in range(10)]
        entered = [await peer.__aenter__() for peer in peers]
        for peer in entered:
            await peer.hello()
        server.server.handle_exit(signal.SIGTERM, None)
        ends = [await peer.closed() for peer in entered]
        for peer in peers:
            await peer.__aexit__(None, None, None)

    retries = [json.loads(reason)["retry"] for _, reason in ends]
    assert {code for code, _ in ends} == {1012}
    assert retries == sorted(set(retries))


# --- rubbish ----------------------------------------------------------------------------------------------


def a_frame(chance: random.Random, known: list[str]) -> str | bytes:
    """Something a client might send: fitting, nearly fitting, cut, or noise."""
    x = chance.choice([*known, "*", "", "x" * 200, "\ud7ff", "01ARZ3NDEKTSV4RRFFQ69G5FAV", 7, None, ["a"]])
    message = {
        "t": chance.choice(["sub", "sub", "sub", "ack", "unsub", "pong", "auth", "nonsense", 3]),
        "x": x,
        "cur": chance.choice(["", "a.b.c", "00000000.5.00000000", f"0.{10**30}.0", "..", None, 9]),
        "seq": chance.choice([-1, 0, 5, 2**63, 2**70, "5", 1.5]),
        "n": chance.choice([0, -1, 2**64]),
        "tail": chance.choice([0, 1, 1_000, 10**9, "many"]),
        "mode": chance.choice(["full", "state", "odd"]),
        "execution_id": chance.choice([None, *known, "'; drop table execution"]),
        "token": "t",
    }
    fields = chance.sample(sorted(set(message) - {"t"}), chance.randrange(0, 7))
    text = json.dumps({name: message[name] for name in ["t", *fields]})
    kind = chance.randrange(20)
    if kind == 0:
        return text[: chance.randrange(len(text))]
    if kind == 1:
        return "[" * chance.randrange(1, 5_000)
    if kind == 2:
        return chance.randbytes(chance.randrange(1, 200)).decode("latin-1")
    if kind == 3 and chance.random() < 0.2:
        return chance.randbytes(20)
    if kind == 4 and chance.random() < 0.4:
        return json.dumps({"t": "sub", "x": "x" * chance.randrange(17 << 10, 140 << 10)})
    return text


def held(server: RunningServer) -> dict[str, int]:
    """What the server keeps for those who watch."""
    feed = server.feed
    around = feed._around
    return {
        "viewers": feed.viewers,
        "followings": sum(len(viewer._followings) for viewer in list(feed._viewers)),
        "tasks": len(feed._tasks._tasks),
        "tails": len(around.tails._tails),
        "waiting groups": len(around.tails._waiting),
        "reads under way": len(around.reads._under_way),
        "snapshots": len(around.reads._snapshots),
        "viewers of the list": len(around.lobby._onlookers),
    }


async def until_holding_no_more_than(server: RunningServer, before: dict[str, int]) -> None:
    """Snapshots grow old, and go when the next one is asked for."""
    async with asyncio.timeout(10):
        while any(count > before[what] for what, count in held(server).items()):
            async with rich(server.rich) as peer:
                await peer.hello()
                await peer.say(m.Sub(x="audit", tail=5))
                await peer.next(m.Snap)
            await asyncio.sleep(0.05)


@pytest.fixture(name="durable")
def _durable(tmp_path: Path) -> Iterator[RunningServer]:
    with closing(SqliteJournal(tmp_path / "headway.db")) as journal, serving(journal) as server:
        define(journal, "audit")
        yield server


async def test_no_frame_breaks_the_server_or_reaches_another_connection(
    durable: RunningServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Seeded noise on many connections; a bystander sees its own execution and nothing else."""
    server, chance = durable, random.Random(20_261_122)
    execution, model = an_execution(server), ViewerModel("audit")
    define(server.journal, "history")
    known = [execution.id, "audit", "history"]
    codes: set[int] = set()
    async with rich(server.rich) as bystander:
        await bystander.follow(model, until=lambda: model.view.cursor is not None)
        before = held(server)
        for _ in range(25):
            async with rich(server.rich) as peer:
                await peer.hello()
                await peer.say(m.Sub(x=chance.choice([*known, "*"])))  # so that there is something to leave
                await peer.next(m.SubOk)
                try:
                    for _ in range(chance.randrange(5, 80)):
                        frame = a_frame(chance, known)
                        await peer.socket.send(frame)
                        if len(frame) > m.Limits().message_bytes:
                            code, _ = await peer.closed()
                            is_cut = (
                                code == 1006 and len(frame) > MAX_FRAME_BYTES
                            )  # in the middle of the frame
                            codes.add(1009 if is_cut else code)
                            break
                    await peer.say(m.Sub(x="audit", ref="last"))
                except ConnectionClosed:
                    codes.add(peer.socket.close_code or 0)
            execution.log(2)
        await until_holding_no_more_than(server, before)
        execution.complete()
        await bystander.run([model], lambda: model.view.sealed is not None)
        mine = [decode_server(frame)[0] for frame in bystander.frames]
        assert {getattr(one, "x", "audit") for one in mine} == {"audit"}
    assert folds_as_stored(server, execution, model)
    assert 4509 in codes  # of about ten frames that are too big
    assert codes <= {1009, 4429, 4500, 4502, 4509}
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    await asyncio.to_thread(eventually, lambda: server.feed.viewers == 0)


async def test_a_message_is_the_same_for_every_codec() -> None:
    """The helper that speaks for these tests says what a client would."""
    assert json.loads(encode(m.Sub(x="audit", ref="r"))) == {"t": "sub", "x": "audit", "ref": "r"}
