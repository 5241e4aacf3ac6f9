"""`kill -9` of the server in mid-stream: a watching client misses and repeats nothing."""

import asyncio
from pathlib import Path

from tests.support.serving import journal_of, serving

from headway.client import Client, watch
from headway.domain.identifiers import ExecutionId
from headway.domain.position import chain, initial_tag

KILL_AT = (5, 35)  # seqs the watcher has seen


async def test_a_watcher_sees_every_event_once_over_the_death_of_the_server(tmp_path: Path) -> None:
    with serving(tmp_path / "headway.db") as served:
        async with Client(served.url) as client:
            await served_workflow(client, "steady")
            started = await client.start("steady", {})
        cuts: list[str] = []
        lines: list[bytes] = []
        async for update in watch(
            served.url, started.execution_id, after=0, on_cut=lambda reason, _: cuts.append(reason)
        ):
            assert update.seq is not None
            lines.append(b'{"seq":' + update.raw.partition(b'"seq":')[2])
            if update.seq in KILL_AT:
                await asyncio.to_thread(served.kill, "headway.server")
        async with Client(served.url) as client:
            described = await client.execution(started.execution_id)

    assert cuts
    with journal_of(tmp_path / "headway.db") as journal:
        stored = journal.read(ExecutionId(started.execution_id), 0)
        head = journal.get(ExecutionId(started.execution_id)).head
    assert lines == [line for segment in stored for line in segment.body.splitlines()]
    tag = initial_tag(head.epoch)
    for line in lines:
        tag = chain(tag, line + b"\n")
    assert described.cursor == str(head.cursor)
    assert tag == head.last_tag, "the watcher can prove that it has everything"


async def served_workflow(client: Client, workflow_id: str) -> None:
    """Wait until a worker has imported the file."""
    async with asyncio.timeout(20):
        while workflow_id not in {each.workflow_id for each in (await client.workflows()).workflows}:
            await asyncio.sleep(0.02)
