"""A real server that is told to stop lets its rich viewers go first, to its successor if there is one."""

import asyncio
import json
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from tests.support.eventually import eventually
from tests.support.rich_peer import RichPeer, rich
from tests.support.serving import Serving, is_alive, journal_of, serving, stored_log
from tests.support.viewer_model import ViewerModel
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from headway.client import watch
from headway.domain.identifiers import ExecutionId
from headway.protocol import messages as m
from headway.protocol.codec import decode_server

STOP_WITHIN_S = 15.0
TICKING = """
import asyncio
from pathlib import Path

from headway import log, workflow


@workflow
async def ticking(marker: str) -> None:
    tick = 0
    while not Path(marker).exists():
        log(f"tick {tick}")
        tick += 1
        await asyncio.sleep(0.02)
"""


def ws(server: Serving, path: str = "/ws") -> str:
    return server.url.replace("http", "ws", 1).rstrip("/") + path


async def until_stopped(server: Serving) -> tuple[m.Drain, int, str]:
    """What a viewer of the list of executions is told while the server stops."""
    async with rich(ws(server)) as peer:
        await peer.hello()
        await peer.say(m.Sub(x=m.LOBBY))
        await peer.next(m.Rows)
        server.process.send_signal(signal.SIGTERM)
        drain = await peer.next(m.Drain, within_s=STOP_WITHIN_S)
        return drain, *await peer.closed()


def test_a_viewer_is_asked_to_move_and_told_when_to_come_back(tmp_path: Path) -> None:
    with serving(tmp_path / "headway.db") as server:
        drain, code, reason = asyncio.run(until_stopped(server))
        server.process.wait(STOP_WITHIN_S)

    assert drain.in_s == pytest.approx((0.0, 1.0))  # as long as HEADWAY_GRACE_S allows
    assert code == 1012
    assert json.loads(reason)["retry"] >= 0


def node_of(peer: RichPeer) -> str:
    """The process that a connection is to, by the name that it gives the connection."""
    [welcome] = [each for each in messages_of(peer) if isinstance(each, m.Welcome)]
    return welcome.conn.rpartition("-")[0]


def messages_of(peer: RichPeer) -> list[m.AnyServerMessage | None]:
    return [decode_server(frame)[0] for frame in peer.frames]


async def move(server: Serving, model: ViewerModel, seen: set[str]) -> None:
    """A page: resumes at the successor, sees that both serve it, and only then leaves."""

    def is_behind(seq: int) -> bool:
        return model.view.cursor is None or model.view.cursor.seq <= seq

    async with rich(ws(server)) as before:
        await before.follow(model, until=lambda: not is_behind(2))
        seen.add("page")
        await before.run([model], lambda: isinstance(messages_of(before)[-1], m.Drain))
        async with rich(ws(server)) as after:
            await after.follow(model, until=lambda: model.told[-1] == "resumed")
            assert node_of(after) != node_of(before)
            assert model.view.cursor is not None
            resumed_at = model.view.cursor.seq
            await before.run([model], lambda: not is_behind(resumed_at))
            await before.socket.close()
            assert before.socket.close_code == 1000, "it was left, and did not end by itself"
            seen.add("page moved")
            await after.run([model], lambda: model.view.sealed is not None)


async def simply(server: Serving, execution_id: str, seen: set[str]) -> tuple[list[int], list[int]]:
    """Seqs and close codes as a client of simple mode gets them that comes back when the connection ends."""
    seqs, codes = list[int](), list[int]()
    while True:
        after = seqs[-1] if seqs else 0
        address = ws(server, f"/ws/workflow/{execution_id}?after={after}")
        async with connect(address, proxy=None) as socket:
            with suppress(ConnectionClosed):
                async for frame in socket:
                    event = json.loads(frame)
                    seqs.append(event["seq"])
                    seen.add("simple" if not codes else "simple moved")
                    if event["type"] == "complete":
                        return seqs, codes
        codes.append(socket.close_code or 0)


async def watched(server: Serving, execution_id: str, seen: set[str]) -> tuple[list[int], list[str]]:
    """Seqs and cuts as the Python client has them."""
    seqs, cuts = list[int](), list[str]()
    async for update in watch(
        server.url, execution_id, after=0, on_cut=lambda reason, _: cuts.append(reason)
    ):
        assert update.seq is not None
        seqs.append(update.seq)
        seen.add("watch")
    return seqs, cuts


async def relieve(server: Serving, marker: Path, seen: set[str]) -> None:
    """End the server child once all watch, and the execution once all are at its successor."""
    await asyncio.to_thread(eventually, lambda: seen >= {"page", "simple", "watch"}, 30.0)
    [leaving] = server.children("headway.server")
    os.kill(leaving, signal.SIGTERM)
    await asyncio.to_thread(eventually, lambda: seen >= {"page moved", "simple moved"}, 60.0)
    await asyncio.to_thread(eventually, lambda: not is_alive(leaving), 60.0)
    marker.touch()


async def test_a_server_is_relieved_before_its_viewers_eyes(tmp_path: Path) -> None:
    """Nothing is lost or repeated, and who can move has the successor before the old server is left."""
    flows, marker, seen = tmp_path / "flows.py", tmp_path / "marker", set[str]()
    flows.write_text(TICKING)
    with serving(tmp_path / "headway.db", [flows]) as server:
        execution_id = await asyncio.to_thread(server.start, "ticking", marker=str(marker))
        model = ViewerModel(execution_id)
        _, _, (seqs, codes), (watched_seqs, cuts) = await asyncio.gather(
            relieve(server, marker, seen),
            move(server, model, seen),
            simply(server, execution_id, seen),
            watched(server, execution_id, seen),
        )
        assert "starting it again" not in server.log
    with journal_of(tmp_path / "headway.db") as journal:
        lines = stored_log(journal, ExecutionId(execution_id)).lines
    assert model.view.lines == lines[model.view.base :]
    assert seqs == watched_seqs == list(range(1, len(lines) + 1))
    assert codes == [1012]
    assert cuts == []
