"""Who was away while 10,000 events were written gets exactly those, whatever way it comes back."""

import json
from collections.abc import Iterator

import pytest
from tests.support.authored import AuthoredExecution, define
from tests.support.rich_peer import rich
from tests.support.server import RunningServer, serving
from tests.support.viewer_model import ViewerModel
from websockets.asyncio.client import connect

from headway.client import watch
from headway.client.ladder import TRANSPORTS, Transport
from headway.protocol import messages as m
from headway.protocol.codec import lines_of

ABSENT = 10_000  # events


@pytest.fixture(name="server")
def _server() -> Iterator[RunningServer]:
    with serving() as server:
        define(server.journal, "audit")
        yield server


@pytest.fixture(name="execution")
def _execution(server: RunningServer) -> AuthoredExecution:
    execution = AuthoredExecution(server.journal, server.hints, "audit")
    execution.start()
    execution.log(200)
    return execution


def missed_lines(server: RunningServer, execution: AuthoredExecution, after: int) -> list[bytes]:
    lines = lines_of(b"".join(server.executions.lines(execution.id)))[after:]
    assert len(lines) == ABSENT
    return lines


def go_on(execution: AuthoredExecution) -> None:
    execution.log(ABSENT - 1, "line {n}, written while nobody watched")
    execution.complete()


@pytest.mark.parametrize("offered", [[m.SUBPROTOCOL], [m.DEFLATE_SUBPROTOCOL, m.SUBPROTOCOL]])
async def test_over_the_rich_protocol(
    server: RunningServer, execution: AuthoredExecution, offered: list[str]
) -> None:
    model = ViewerModel(execution.id)
    async with rich(server.rich, offered) as peer:
        await peer.follow(model, until=lambda: model.view.cursor is not None)
    left_at = execution.last_seq
    go_on(execution)
    async with rich(server.rich, offered) as peer:
        await peer.follow(model, until=lambda: model.view.sealed is not None)

    assert model.told == ["snapshot", "resumed"]
    assert model.view.base == left_at
    assert model.view.lines == missed_lines(server, execution, left_at)


async def test_in_simple_mode(server: RunningServer, execution: AuthoredExecution) -> None:
    left_at = execution.last_seq
    go_on(execution)
    seen = []
    async with connect(server.ws(execution.id, f"?after={left_at}"), compression=None, proxy=None) as viewer:
        while len(seen) < ABSENT:
            seen.append(json.loads(await viewer.recv()))

    own = ("execution_id", "workflow_id")
    stored = [json.loads(line) for line in missed_lines(server, execution, left_at)]
    assert [{key: value for key, value in each.items() if key not in own} for each in seen] == stored


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_through_the_client(
    server: RunningServer, execution: AuthoredExecution, transport: Transport
) -> None:
    left_at, cursor = execution.last_seq, str(server.journal.get(execution.id).head.cursor)
    go_on(execution)
    updates = watch(server.url, execution.id, cursor=cursor, transports=[transport])
    seqs = [update.seq async for update in updates]

    assert seqs == list(range(left_at + 1, left_at + 1 + ABSENT))
