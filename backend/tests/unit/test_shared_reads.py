"""Reads shared by all who catch up: what follows a page is read while it is sent."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from tests.support.builders import a_batch, a_new_execution

from headway.adapters.clock import SystemClock
from headway.adapters.hints.memory import MemoryHintBus
from headway.adapters.journal.memory import MemoryJournal
from headway.domain.identifiers import ExecutionId
from headway.errors import JournalUnavailable
from headway.ports import Segment
from headway.protocol.frames import SimpleFramer
from headway.services.chunk import CHUNK_BYTES, CHUNK_EVENTS
from headway.services.feed_reads import READ_BYTES, Page
from headway.services.shared_reads import SharedReads
from headway.services.tails import Tails

READS = 5  # of smaller events than fill a chunk


class CountingJournal(MemoryJournal):
    """Remembers where it was read from; `broken_after` is where it cannot be read."""

    def __init__(self) -> None:
        super().__init__()
        self.read_after: list[int] = []
        self.broken_after = -1

    def read(
        self, execution_id: ExecutionId, after: int, *, max_events: int = 10_000, max_bytes: int = 1 << 20
    ) -> list[Segment]:
        self.read_after.append(after)
        if after == self.broken_after:
            raise JournalUnavailable("the disk is gone")
        return super().read(execution_id, after, max_events=max_events, max_bytes=max_bytes)


@pytest.fixture
def journal() -> CountingJournal:
    return CountingJournal()


@pytest.fixture
def execution(journal: CountingJournal) -> ExecutionId:
    execution = journal.create(a_new_execution())[0]
    for number in range(READS * READ_BYTES // CHUNK_BYTES):
        first = number * CHUNK_EVENTS + 1
        journal.append([a_batch(execution, CHUNK_EVENTS, first_producer_seq=first)])
    return execution


@pytest.fixture
async def reads(journal: CountingJournal) -> AsyncIterator[SharedReads]:
    clock = SystemClock()
    async with Tails(journal, MemoryHintBus(), clock) as tails:
        yield SharedReads(journal, tails, clock)


async def soon(predicate: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not predicate():
            await asyncio.sleep(0.001)


async def page_after(reads: SharedReads, execution: ExecutionId, after: int) -> Page:
    page = reads.held_page(execution, after, inflated=True)
    page = page or await reads.page(execution, SimpleFramer(execution, "flow"), after, inflated=True)
    assert page is not None
    return page


async def test_what_follows_is_there_before_it_is_asked_for(
    reads: SharedReads, journal: CountingJournal, execution: ExecutionId
) -> None:
    first = await page_after(reads, execution, 0)
    await soon(lambda: reads.held_page(execution, first.read_upto, inflated=True) is not None)
    following = await page_after(reads, execution, first.read_upto)
    assert following.chunk.after == first.read_upto
    assert journal.read_after.count(first.read_upto) == 1


async def test_nothing_is_read_behind_the_end(
    reads: SharedReads, journal: CountingJournal, execution: ExecutionId
) -> None:
    page, last = await page_after(reads, execution, 0), journal.heads([execution])[execution].last_seq
    while page.read_upto < last:
        page = await page_after(reads, execution, page.read_upto)
    assert max(journal.read_after) < last


async def test_a_read_that_fails_beforehand_is_told_to_whoever_needs_it(
    reads: SharedReads, journal: CountingJournal, execution: ExecutionId
) -> None:
    journal.broken_after = broken = journal.read(execution, 0, max_bytes=READ_BYTES)[-1].last_seq
    assert (await page_after(reads, execution, 0)).read_upto == broken
    await soon(lambda: broken in journal.read_after)
    with pytest.raises(JournalUnavailable):  # by the read that is under way, or by its own
        await page_after(reads, execution, broken)
    journal.broken_after = -1
    assert (await page_after(reads, execution, broken)).chunk.after == broken
