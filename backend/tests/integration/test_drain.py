"""A real server that is told to stop lets its rich viewers go first."""

import asyncio
import json
import signal
from pathlib import Path

import pytest
from tests.support.rich_peer import rich
from tests.support.serving import Serving, serving

from headway.protocol import messages as m

STOP_WITHIN_S = 15.0


async def until_stopped(server: Serving) -> tuple[m.Drain, int, str]:
    """What a viewer of the list of executions is told while the server stops."""
    async with rich(server.url.replace("http", "ws", 1).rstrip("/") + "/ws") as peer:
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
