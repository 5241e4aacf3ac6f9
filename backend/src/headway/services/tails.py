"""The tails of this process: one for each watched execution, moved by hints and made sure of by a sweep.

All on one event loop; the journal is read in a few threads.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, Self, TypeVar

from headway.domain.identifiers import ExecutionId, WorkflowId
from headway.errors import UnavailableError
from headway.ports import Clock, ExecutionRecord, Head, Hint, HintBus, Journal
from headway.protocol.simple import where_to_start
from headway.services.tail import Tail

RING_BYTES = 1 << 20  # of an execution
NODE_RING_BYTES = 256 << 20  # of all together
SWEEP_S = 1.0
LIVE_READERS = 2  # threads
CATCH_UP_READERS = 4  # threads; so many store reads at once, the others wait in order

_log = logging.getLogger(__name__)
T = TypeVar("T")


class Waiter(Protocol):
    """Whoever has seen everything of a workflow so far."""

    def follow(self, tail: Tail, after: int) -> None:
        """The workflow's next execution is there: go on with it, from its start."""
        ...


@dataclass(slots=True)
class Waiting:
    """Those who have seen everything of a workflow up to its execution `after`."""

    workflow_id: WorkflowId
    after: ExecutionId | None
    waiters: set[Waiter] = field(default_factory=set)


class Tails:
    """Every tail of this process; use it as an asynchronous context manager.

    Args:
        journal: Read in threads.
        hints: Say when to look; what they lose, a sweep finds within `sweep_s`.
        clock: Time.
        sweep_s: Between two looks at all that is watched.
    """

    def __init__(self, journal: Journal, hints: HintBus, clock: Clock, *, sweep_s: float = SWEEP_S) -> None:
        self._journal = journal
        self._hints = hints
        self._clock = clock
        self._sweep_s = sweep_s
        self._tails: dict[ExecutionId, Tail] = {}
        self._waiting: dict[tuple[WorkflowId, ExecutionId | None], Waiting] = {}
        self._live = ThreadPoolExecutor(LIVE_READERS, thread_name_prefix="tail")
        self._catch_up = ThreadPoolExecutor(CATCH_UP_READERS, thread_name_prefix="catch-up")
        self._tasks = Tasks()
        self._look = asyncio.Event()
        self._closing = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self.loop = asyncio.get_running_loop()
        self._closing.callback(self._catch_up.shutdown)
        self._closing.callback(self._live.shutdown)
        self._closing.push_async_callback(self._end)
        self._closing.callback(self._hints.subscribe(self._receive_hints))
        self._tasks.spawn(self._sweep_for_ever())
        self._tasks.spawn(self._look_for_ever())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._closing.aclose()

    @property
    def waiting(self) -> Iterator[Waiting]:
        """Groups of those who wait for an execution."""
        return iter(self._waiting.values())

    def get(self, execution_id: ExecutionId) -> Tail | None:
        """The tail of an execution that is watched."""
        tail = self._tails.get(execution_id)
        return None if tail is None or tail.is_broken else tail

    def open(self, record: ExecutionRecord) -> Tail:
        """The tail of this execution, new if nobody watches it yet; join it before the next `await`."""
        tail = self.get(record.execution_id)
        if tail is None:
            head = record.head
            start = where_to_start(head.last_seq, head.trimmed_upto, None).seq
            tail = self._tails[record.execution_id] = Tail(
                self._journal,
                record.execution_id,
                record.workflow_id,
                head.epoch,
                start,
                is_closed=head.closed and start == head.last_seq,
                ring_bytes=self._ring_bytes,
                clock=self._clock,
                readers=self._live,
            )
        tail.notice(record.head.last_seq)
        return tail

    def release(self, tail: Tail) -> None:
        """Nobody watches it any more."""
        tail.stop()
        if self._tails.get(tail.execution_id) is tail:
            del self._tails[tail.execution_id]

    def await_next(self, waiter: Waiter, workflow_id: WorkflowId, after: ExecutionId | None) -> None:
        """Have `waiter.follow` called once the workflow has an execution after this one."""
        group = self._waiting.setdefault((workflow_id, after), Waiting(workflow_id, after))
        group.waiters.add(waiter)
        self._look.set()

    def forget(self, waiter: Waiter) -> None:
        """It waits no more; harmless if it does not."""
        for key, group in list(self._waiting.items()):
            group.waiters.discard(waiter)
            if not group.waiters:
                del self._waiting[key]

    async def read(self, call: Callable[..., T], *args: Any) -> T:
        """Call it in one of the threads that read for those who catch up."""
        return await self.loop.run_in_executor(self._catch_up, partial(call, *args))

    def _ring_bytes(self) -> int:
        """What one ring may hold, so that all of them stay within the node's share."""
        return min(RING_BYTES, NODE_RING_BYTES // max(1, len(self._tails)))

    def _receive_hints(self, hints: Sequence[Hint]) -> None:
        """Runs on any thread: wakes the loop only for what somebody watches."""
        wanted = [
            hint
            for hint in hints
            if (hint.topic == "events" and hint.execution_id in self._tails)
            or (hint.topic == "queue" and self._waiting)
        ]
        if wanted and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._follow_hints, wanted)

    def _follow_hints(self, hints: Sequence[Hint]) -> None:
        for hint in hints:
            if hint.topic == "queue":
                self._look.set()
            elif hint.execution_id is not None and hint.execution_id in self._tails:
                self._tails[hint.execution_id].notice(hint.last_seq)

    async def _look_for_ever(self) -> None:
        while True:
            await self._look.wait()
            self._look.clear()
            for key in list(self._waiting):
                await guarded("look for the next execution", self._look_for_next(key))

    async def _look_for_next(self, key: tuple[WorkflowId, ExecutionId | None]) -> None:
        found = await self.read(self._journal.follow, *key)
        if found is None:
            return
        record = await self.read(self._journal.get, found)
        group = self._waiting.pop(key, None)
        for waiter in group.waiters if group else ():
            waiter.follow(self.open(record), 0)

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._sweep_s)
            if self._waiting:
                self._look.set()
            await guarded("look at the watched executions", self._sweep())

    async def _sweep(self) -> None:
        """Find what lost hints did not tell, and what the log does not hold any more."""
        watched = {tail: tail.head for tail in self._tails.values() if not tail.is_closed}
        if not watched:
            return
        heads = await self.read(self._journal.heads, [tail.execution_id for tail in watched])
        for tail, published in watched.items():
            head = heads.get(tail.execution_id)
            if head is None or tail.is_broken:
                continue
            if is_replaced(tail, published, head):
                tail.fail("the log was replaced by another history")
            else:
                tail.notice(head.last_seq)

    async def _end(self) -> None:
        for tail in self._tails.values():
            tail.stop()
        await self._tasks.end()


def is_replaced(tail: Tail, published: int, head: Head) -> bool:
    """A head read after `tail` had published up to `published` contradicts it: an older copy is there."""
    if head.epoch != tail.epoch or head.last_seq < published:
        return True
    return head.last_seq == tail.head and tail.tag not in (None, head.last_tag)


class Tasks:
    """Tasks that end with their owner."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def guarded(what: str, work: Coroutine[Any, Any, None]) -> None:
    """One failure must not end the loop that it happens in: the next turn tries again."""
    try:
        await work
    except UnavailableError as error:
        _log.warning("cannot %s: %s", what, error)
    except Exception:  # noqa: BLE001 - the edge of a task that must go on
        _log.exception("cannot %s", what)
