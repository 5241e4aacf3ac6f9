"""The wire contract of `headway.v1.deflate`, on a real server and real sockets."""

import asyncio
import socket
from collections.abc import Iterator
from itertools import pairwise

import pytest
from tests.support.authored import AuthoredExecution, define
from tests.support.eventually import eventually
from tests.support.rich_peer import RichPeer, rich
from tests.support.server import RunningServer, serving
from tests.support.viewer_model import ViewerModel

from headway.protocol import messages as m
from headway.protocol.codec import decode_server, lines_of

BOTH_OUTLETS = [
    pytest.param({}, id="ready frames"),
    pytest.param({"ws": "websockets-sansio"}, id="plain ASGI"),
]
LINE = "audited {n} of 300 rows of the ledger, of this execution"


@pytest.fixture(name="server", params=BOTH_OUTLETS)
def _server(request: pytest.FixtureRequest) -> Iterator[RunningServer]:
    with serving(config=request.param) as server:
        define(server.journal, "audit")
        yield server


def an_execution(server: RunningServer) -> AuthoredExecution:
    return AuthoredExecution(server.journal, server.hints)


def has_everything(server: RunningServer, execution: AuthoredExecution, model: ViewerModel) -> bool:
    """From its snapshot on, byte for byte, and by the chain of tags."""
    stored = lines_of(b"".join(server.executions.lines(execution.id)))
    head = server.journal.get(execution.id).head.cursor
    return model.view.lines == stored[model.view.base :] and model.view.cursor == head


async def write(execution: AuthoredExecution, batches: int, line: str = LINE) -> None:
    """Each batch is shown as a frame of its own, mostly."""
    for _ in range(batches):
        execution.log(10, line)
        await asyncio.sleep(0.005)


async def seen(model: ViewerModel, execution: AuthoredExecution) -> None:
    await asyncio.to_thread(
        eventually, lambda: model.view.cursor is not None and model.view.cursor.seq == execution.last_seq
    )


def ended(model: ViewerModel) -> bool:
    return model.view.sealed is not None


async def test_an_early_a_late_and_a_slow_viewer_see_the_same_bytes(server: RunningServer) -> None:
    """Each is given the dictionary before the first frame that needs it, and once."""
    execution = an_execution(server)
    early, late, slow, plain = (ViewerModel(execution.id, tail=0) for _ in range(4))
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    narrow.connect(("127.0.0.1", server.port))
    packed = [m.DEFLATE_SUBPROTOCOL]
    async with (
        rich(server.rich, packed) as early_peer,
        rich(server.rich, packed) as late_peer,
        rich(server.rich, packed, sock=narrow, max_queue=1) as slow_peer,
        rich(server.rich) as plain_peer,
        asyncio.TaskGroup() as viewers,
    ):
        viewers.create_task(early_peer.follow(early, until=lambda: ended(early)))
        viewers.create_task(plain_peer.follow(plain, until=lambda: ended(plain)))
        await slow_peer.follow(slow, until=lambda: slow.view.cursor is not None)
        await asyncio.to_thread(eventually, lambda: early.view.cursor and plain.view.cursor)
        await write(execution, 20)
        await write(execution, 20, "x{n}" * 2_000)  # more than the slow one has room for
        await seen(early, execution)
        viewers.create_task(late_peer.follow(late, until=lambda: ended(late)))
        await asyncio.to_thread(eventually, lambda: late.view.cursor)
        assert slow.view.cursor is not None
        assert slow.view.cursor.seq < execution.last_seq
        viewers.create_task(slow_peer.run([slow], lambda: ended(slow)))
        await write(execution, 20)
        await seen(slow, execution)
        await write(execution, 5)
        execution.complete()

    assert all(has_everything(server, execution, model) for model in (early, late, slow, plain))
    assert [peer.dictionaries for peer in (early_peer, late_peer, slow_peer, plain_peer)] == [1, 1, 1, 0]
    assert all(peer.binary_frames > 5 for peer in (early_peer, late_peer, slow_peer))


async def test_two_executions_on_one_connection_have_a_dictionary_each(server: RunningServer) -> None:
    """And the lines of one are in no dictionary of the other's viewers."""
    one, other = an_execution(server), an_execution(server)
    models = [ViewerModel(one.id), ViewerModel(other.id)]
    bystander = ViewerModel(other.id)
    async with (
        rich(server.rich, [m.DEFLATE_SUBPROTOCOL]) as peer,
        rich(server.rich, [m.DEFLATE_SUBPROTOCOL]) as other_peer,
        asyncio.TaskGroup() as viewers,
    ):
        viewers.create_task(peer.follow(*models, until=lambda: all(map(ended, models))))
        viewers.create_task(other_peer.follow(bystander, until=lambda: ended(bystander)))
        await asyncio.to_thread(eventually, lambda: all(each.view.cursor for each in (*models, bystander)))
        for _ in range(10):
            await write(one, 2, "the secret of the one, number {n}")
            await write(other, 2)
        one.complete()
        other.complete()

    assert all(map(has_everything, [server] * 3, [one, other, other], [*models, bystander]))
    assert (peer.dictionaries, other_peer.dictionaries) == (2, 1)
    known = list(peer.inflater.dictionaries.values())
    assert [b"secret" in text for text in known] in ([True, False], [False, True])
    assert not any(b"secret" in text for text in other_peer.inflater.dictionaries.values())


async def test_a_new_connection_starts_without_dictionaries(server: RunningServer) -> None:
    """Also of a viewer that resumes, and while the one before still serves."""
    execution = an_execution(server)
    model = ViewerModel(execution.id)
    async with rich(server.rich, [m.DEFLATE_SUBPROTOCOL]) as first:
        await first.follow(model, until=lambda: model.view.cursor is not None)
        for _ in range(4):
            execution.log(10, LINE)
            await first.run([model], lambda: seq_of(model) == execution.last_seq)
        beside = model.beside()
        async with rich(server.rich, [m.DEFLATE_SUBPROTOCOL]) as second:
            await second.follow(beside, until=lambda: model.told[-1] == "resumed")
            execution.log(10, LINE)
            await second.run([beside], lambda: seq_of(model) == execution.last_seq)
            execution.complete()
            await second.run([beside], lambda: ended(model))

    assert has_everything(server, execution, model)
    assert (first.dictionaries, second.dictionaries) == (1, 1)
    assert model.told == ["snapshot", "resumed"]


async def test_what_a_connection_forgets_is_given_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ends keep the same few, by the order in which they were given."""
    monkeypatch.setattr("headway.protocol.deflate.MAX_DICTIONARIES", 2)
    with serving() as server:
        define(server.journal, "audit")
        executions = [an_execution(server) for _ in range(3)]
        models = [ViewerModel(execution.id) for execution in executions]
        async with rich(server.rich, [m.DEFLATE_SUBPROTOCOL]) as peer:
            await peer.follow(*models, until=lambda: all(model.view.cursor for model in models))
            for _ in range(6):
                for execution, model in zip(executions, models, strict=True):
                    execution.log(10, LINE)
                    await peer.run(
                        [*models], lambda model=model, upto=execution.last_seq: seq_of(model) == upto
                    )
            for execution in executions:
                execution.complete()
            await peer.run(models, lambda: all(map(ended, models)))
        assert all(map(has_everything, [server] * 3, executions, models))
    assert peer.dictionaries == 3 * 5, "each frame needs the one that is just forgotten"
    assert len(peer.inflater.dictionaries) == 2


def seq_of(model: ViewerModel) -> int:
    return 0 if model.view.cursor is None else model.view.cursor.seq


async def test_what_is_read_from_the_store_needs_no_dictionary(
    server: RunningServer,
) -> None:
    execution, model = an_execution(server), ViewerModel("audit", whole=1_000)
    execution.log(300, LINE)
    execution.complete()
    async with rich(server.rich, [m.DEFLATE_SUBPROTOCOL, m.SUBPROTOCOL]) as peer:
        assert peer.socket.subprotocol == m.DEFLATE_SUBPROTOCOL
        await peer.follow(model, until=lambda: ended(model))

    assert has_everything(server, execution, model)
    assert peer.binary_frames > 0 == peer.dictionaries
    covered = [head for head, _ in map(decode_server, peer.frames) if isinstance(head, m.Ev)]
    assert all(before.upto == after.after for before, after in pairwise(covered))


async def test_compressed_frames_take_less(server: RunningServer) -> None:
    """At ten lines a frame, dictionary included."""
    execution = an_execution(server)
    small, plain = ViewerModel(execution.id), ViewerModel(execution.id)
    async with (
        rich(server.rich, [m.DEFLATE_SUBPROTOCOL]) as small_peer,
        rich(server.rich) as plain_peer,
    ):
        for peer, model in ((small_peer, small), (plain_peer, plain)):
            await peer.follow(model, until=lambda model=model: model.view.cursor is not None)
        before = [wire_bytes(peer) for peer in (small_peer, plain_peer)]
        for _ in range(50):
            execution.log(10, LINE)
            for peer, model in ((small_peer, small), (plain_peer, plain)):
                await peer.run([model], lambda model=model: seq_of(model) == execution.last_seq)
    sizes = [wire_bytes(peer) - was for peer, was in zip((small_peer, plain_peer), before, strict=True)]

    assert sizes[0] / 500 < 25
    assert sizes[0] < sizes[1] / 8


def wire_bytes(peer: RichPeer) -> int:
    return sum(peer.wire_bytes)
