"""What many subscriptions read from the journal at the same time, read once for all of them.

Lives on the event loop; the reads themselves run in the threads of `Tails`.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar, cast

from headway.domain.identifiers import ExecutionId
from headway.ports import Clock, ExecutionRecord, Head, Journal
from headway.protocol.effects import Follow, Piece, ReadEvents
from headway.protocol.frames import SimpleFramer
from headway.services.feed_reads import (
    Page,
    Snapshot,
    Target,
    find_target,
    holds,
    read_conflated,
    read_end,
    read_inflated_pages,
    read_pages,
    read_snapshot,
)
from headway.services.tails import Tails

PAGES_BYTES = 16 << 20  # of chunks kept for those who catch up
SNAPSHOT_AGE_S = 0.5  # a snapshot serves who joins so soon after it was asked for
SNAPSHOT_DISTANCE = 1_000  # events that such a viewer then gets one by one
HEADS_AT_ONCE = 500
READS_BEFOREHAND = 2  # at once: who waits for a read goes before who will

T = TypeVar("T")


class SharedReads:
    """Reads for all subscriptions of this process; every method may raise what `feed_reads` says."""

    def __init__(self, journal: Journal, tails: Tails, clock: Clock) -> None:
        self._journal, self._tails, self._clock = journal, tails, clock
        self._under_way: dict[Hashable, asyncio.Future[Any]] = {}
        self._pages: OrderedDict[tuple[ExecutionId, int], Page] = OrderedDict()
        self._page_bytes = 0
        self._snapshots: dict[tuple[ExecutionId, int], tuple[int, float, asyncio.Future[Snapshot]]] = {}
        self._next_heads: tuple[set[ExecutionId], asyncio.Future[dict[ExecutionId, Head]]] | None = None
        self._heads_lock = asyncio.Lock()

    async def find(self, request: Follow) -> Target | None:
        """See `find_target`; read afresh for each."""
        return await self._tails.read(find_target, self._journal, request)

    async def holds(self, execution_id: ExecutionId, seq: int, tag: int) -> bool:
        """The log has this tag at this seq."""
        return await self._tails.read(holds, self._journal, execution_id, seq, tag)

    async def confirm(self, record: ExecutionRecord) -> None:
        """Forget what was read of an execution unless its log, as it is now, goes on from there."""
        execution_id, now = record.execution_id, record.head
        for known in {page.head for key, page in self._pages.items() if key[0] == execution_id}:
            if known == now:
                continue
            is_longer = known.epoch == now.epoch and known.last_seq <= now.last_seq
            if not (is_longer and await self.holds(execution_id, known.last_seq, known.last_tag)):
                self.forget(execution_id)
                return

    async def snapshot(self, execution_id: ExecutionId, upto: int, tail: int) -> Snapshot:
        """The state at `upto`, or somewhat before it: the one that others have asked for just now."""
        key, now = (execution_id, tail), self._clock.monotonic()
        known = self._snapshots.get(key)
        if known is not None and _serves(known[0], upto) and now - known[1] < SNAPSHOT_AGE_S:
            return await asyncio.shield(known[2])
        for old in [old for old, entry in self._snapshots.items() if now - entry[1] >= SNAPSHOT_AGE_S]:
            del self._snapshots[old]
        reading = self._start(read_snapshot, self._journal, execution_id, upto, tail)
        self._snapshots[key] = (upto, now, reading)
        return await asyncio.shield(reading)

    def held_page(self, execution_id: ExecutionId, after: int, *, inflated: bool) -> Page | None:
        """A page that somebody has read a moment ago; what follows is then read while this is sent."""
        page = self._pages.get((execution_id, after))
        if page is not None:
            self._pages.move_to_end((execution_id, after))
            self._read_beforehand(execution_id, page, inflated=inflated)
        return page

    async def page(
        self, execution_id: ExecutionId, framer: SimpleFramer, after: int, *, inflated: bool
    ) -> Page | None:
        """The chunk behind `after`, and with it those behind it; `None` at the end of the log."""
        await self._pages_after(execution_id, framer, after, inflated=inflated)
        return self.held_page(execution_id, after, inflated=inflated)

    async def end(self, execution_id: ExecutionId, after: int) -> Piece:
        """See `read_end`."""
        return await self._once(("end", execution_id, after), read_end, self._journal, execution_id, after)

    async def conflated(self, request: ReadEvents) -> Piece:
        """See `read_conflated`; viewers that lag at the same place with the same wishes share it."""
        key = (
            request.execution_id,
            request.after,
            request.max_events,
            request.max_bytes,
            request.tail,
        )
        return await self._once(key, read_conflated, self._journal, request)

    async def heads(self, execution_ids: Iterable[ExecutionId]) -> dict[ExecutionId, Head]:
        """Heads read after this call, together with those that others ask for meanwhile."""
        if self._next_heads is None:
            wanted: set[ExecutionId] = set()
            self._next_heads = (wanted, _observed(asyncio.ensure_future(self._read_heads(wanted))))
        self._next_heads[0].update(execution_ids)
        return await asyncio.shield(self._next_heads[1])

    def forget(self, execution_id: ExecutionId) -> None:
        """What was read of this execution may be of a history that is gone."""
        for key in [key for key in self._pages if key[0] == execution_id]:
            self._page_bytes -= self._pages.pop(key).chunk.held_bytes
        for other in [other for other in self._snapshots if other[0] == execution_id]:
            del self._snapshots[other]

    def _pages_after(
        self, execution_id: ExecutionId, framer: SimpleFramer, after: int, *, inflated: bool
    ) -> asyncio.Future[list[Page]]:
        def keep(done: asyncio.Future[list[Page]]) -> None:
            if not done.cancelled() and done.exception() is None:  # else who needs it asks again, and is told
                for read in done.result():
                    self._keep(execution_id, read)

        key = ("page", execution_id, after)
        read = read_inflated_pages if inflated else read_pages
        return self._once(key, read, self._journal, framer, execution_id, after, then=keep)

    def _read_beforehand(self, execution_id: ExecutionId, page: Page, *, inflated: bool) -> None:
        after = page.read_upto
        if (
            (execution_id, after) in self._pages
            or after >= page.head.last_seq
            or ("page", execution_id, after) in self._under_way
            or len(self._under_way) >= READS_BEFOREHAND
        ):
            return
        _observed(self._pages_after(execution_id, page.chunk.framer, after, inflated=inflated))

    async def _read_heads(self, wanted: set[ExecutionId]) -> dict[ExecutionId, Head]:
        async with self._heads_lock:
            self._next_heads = None  # who asks from now on is owed a later read
            heads: dict[ExecutionId, Head] = {}
            ids = list(wanted)
            for start in range(0, len(ids), HEADS_AT_ONCE):
                heads |= await self._tails.read(self._journal.heads, ids[start : start + HEADS_AT_ONCE])
            return heads

    def _once(
        self,
        key: Hashable,
        call: Callable[..., T],
        *args: Any,
        then: Callable[[asyncio.Future[T]], None] | None = None,
    ) -> asyncio.Future[T]:
        """The call that is under way for this key, or a new one; `then` comes before whoever waits."""

        def forget(done: asyncio.Future[T]) -> None:
            if self._under_way.get(key) is done:
                del self._under_way[key]

        reading = self._under_way.get(key)
        if reading is None or reading.done():  # what is done answers nobody who asks after it
            reading = self._under_way[key] = self._start(call, *args)
            reading.add_done_callback(forget)
            if then is not None:
                reading.add_done_callback(then)
        return asyncio.shield(cast("asyncio.Future[T]", reading))

    def _start(self, call: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        return _observed(asyncio.ensure_future(self._tails.read(call, *args)))

    def _keep(self, execution_id: ExecutionId, page: Page) -> None:
        key = (execution_id, page.chunk.after)
        known = self._pages.pop(key, None)
        self._pages[key] = page
        self._page_bytes += page.chunk.held_bytes - (known.chunk.held_bytes if known else 0)
        while self._page_bytes > PAGES_BYTES and len(self._pages) > 1:
            self._page_bytes -= self._pages.popitem(last=False)[1].chunk.held_bytes


def _serves(made_for: int, upto: int) -> bool:
    """A snapshot for `made_for` serves a viewer that joins at `upto`; from the start means from the start."""
    return made_for == upto or 0 < made_for <= upto <= made_for + SNAPSHOT_DISTANCE


def _observed(future: asyncio.Future[T]) -> asyncio.Future[T]:
    """Its failure counts as seen, even if whoever asked is gone by then."""
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future
