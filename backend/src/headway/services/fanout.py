"""Fan-out: the log is the queue. Finds each viewer its execution and keeps every tail moving.

All on one event loop; the journal is read in a few threads. A viewer costs a cursor, not a queue: a slow one
costs its own time only, and one that stops reading is aborted.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self, TypeVar

from headway.domain.identifiers import ExecutionId, WorkflowId
from headway.domain.timestamps import timestamp
from headway.errors import (
    NotFound,
    PositionLost,
    TooManyConnections,
    UnavailableError,
)
from headway.ports import Clock, ExecutionRecord, Hint, HintBus, Journal
from headway.protocol.close_codes import CloseCode
from headway.protocol.frames import text_frame
from headway.protocol.simple import SimpleQuery, beat_text, idle_beat_text, where_to_start
from headway.services.states import load_state
from headway.services.subscription import Subscription, find_subscription
from headway.services.tail import PIECE_BYTES, RETRY_S, Chunk, Tail, read_chunk
from headway.services.viewer import Outlet, Viewer

RING_BYTES = 1 << 20  # of an execution
NODE_RING_BYTES = 256 << 20  # of all together
SWEEP_S = 1.0
STALL_S = 15.0  # a paused outlet that takes nothing for so long is aborted
MAX_VIEWERS = 20_000
LIVE_READERS = 2  # threads
CATCH_UP_READERS = 4  # threads; so many store reads at once, the others wait in order

_log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(slots=True)
class _Waiting:
    """Viewers that have seen everything of a workflow up to its execution `after`."""

    workflow_id: WorkflowId
    after: ExecutionId | None
    viewers: set[Viewer] = field(default_factory=set)


class Fanout:
    """Every viewer of this process; use it as an asynchronous context manager.

    Args:
        journal: Read in threads.
        hints: Say when to look; what they lose, a sweep finds within `SWEEP_S`.
        clock: Time.
        max_viewers: Further ones are refused.
        stall_s: How long a viewer's transport may take nothing.
    """

    def __init__(
        self,
        journal: Journal,
        hints: HintBus,
        clock: Clock,
        *,
        max_viewers: int = MAX_VIEWERS,
        stall_s: float = STALL_S,
        sweep_s: float = SWEEP_S,
    ) -> None:
        self._journal = journal
        self._hints = hints
        self._clock = clock
        self._max_viewers = max_viewers
        self._stall_s = stall_s
        self._sweep_s = sweep_s
        self._tails: dict[ExecutionId, Tail] = {}
        self._waiting: dict[tuple[WorkflowId, ExecutionId | None], _Waiting] = {}
        self._viewers: set[Viewer] = set()
        self._stalled: dict[Viewer, tuple[float, int]] = {}
        self._fetches: dict[tuple[ExecutionId, int], set[Viewer]] = {}
        self._live = ThreadPoolExecutor(LIVE_READERS, thread_name_prefix="tail")
        self._catch_up = ThreadPoolExecutor(CATCH_UP_READERS, thread_name_prefix="catch-up")
        self._tasks: set[asyncio.Task[None]] = set()
        self._look = asyncio.Event()
        self._closing = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._closing.callback(self._catch_up.shutdown)
        self._closing.callback(self._live.shutdown)
        self._closing.push_async_callback(self._end_tasks)
        self._closing.callback(self._hints.subscribe(self._receive_hints))
        self._spawn(self._sweep_for_ever())
        self._spawn(self._look_for_ever())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._closing.aclose()

    @property
    def viewers(self) -> int:
        """How many are attached."""
        return len(self._viewers)

    async def find(self, target: str, query: SimpleQuery) -> Subscription:
        """Find what a connection asks for, before it is accepted.

        Args:
            target: A workflow id or an execution id.
            query: Where to start.

        Raises:
            WorkflowNotFound: Neither defined nor ever run.
            ExecutionNotFound: No such execution, or of another workflow.
            InvalidMessage: The query contradicts the target.
            TooManyConnections: This server has as many viewers as it may.
        """
        if len(self._viewers) >= self._max_viewers:
            raise TooManyConnections(f"this server already has {self._max_viewers:,} viewers; try later")
        return await self._in_thread(find_subscription, self._journal, target, query)

    def attach(self, subscription: Subscription, outlet: Outlet) -> Viewer:
        """Begin to write to `outlet`. The caller must `detach` the viewer when the connection is gone."""
        now = self._clock.monotonic()
        viewer = Viewer(outlet, self, moves_on=subscription.moves_on, beat_s=subscription.beat_s, now=now)
        self._viewers.add(viewer)
        outlet.report_to(viewer)
        if subscription.opening:
            viewer.say(subscription.opening, now)
        if subscription.record is None:
            self._wait_for_next(viewer, subscription.workflow_id, None)
        else:
            viewer.follow(self._tail(subscription.record), subscription.after)
        return viewer

    def detach(self, viewer: Viewer) -> None:
        """The connection is gone; harmless to repeat."""
        self._viewers.discard(viewer)
        self._stalled.pop(viewer, None)
        self._leave(viewer)
        for key, group in list(self._waiting.items()):
            group.viewers.discard(viewer)
            if not group.viewers:
                del self._waiting[key]

    def fetch(self, viewer: Viewer, tail: Tail, after: int) -> None:
        """Read what has left the ring; viewers that want the same share one read."""
        key = (tail.execution_id, after)
        if key in self._fetches:
            self._fetches[key].add(viewer)
            return
        self._fetches[key] = {viewer}
        self._spawn(self._fetch(tail, after))

    def move_on(self, viewer: Viewer, tail: Tail) -> None:
        """Let the viewer wait for the workflow's next execution, which may be there already."""
        self._leave(viewer)
        viewer.spoken_at = max(viewer.spoken_at, tail.published_at)
        self._wait_for_next(viewer, tail.workflow_id, tail.execution_id)

    def paused(self, viewer: Viewer) -> None:
        """Watch over a viewer whose transport takes no more."""
        self._stalled[viewer] = (self._clock.monotonic(), viewer.outlet.pending_bytes())

    def resumed(self, viewer: Viewer) -> None:
        """It reads again."""
        self._stalled.pop(viewer, None)

    def _tail(self, record: ExecutionRecord) -> Tail:
        tail = self._tails.get(record.execution_id)
        if tail is None or tail.is_broken:
            head = record.head
            start = where_to_start(head.last_seq, head.trimmed_upto, None).seq
            tail = self._tails[record.execution_id] = Tail(
                self._journal,
                record.execution_id,
                record.workflow_id,
                start,
                is_closed=head.closed and start == head.last_seq,
                ring_bytes=self._ring_bytes,
                clock=self._clock,
                readers=self._live,
            )
        tail.notice(record.head.last_seq)
        return tail

    def _ring_bytes(self) -> int:
        """What one ring may hold, so that all of them stay within the node's share."""
        return min(RING_BYTES, NODE_RING_BYTES // max(1, len(self._tails)))

    def _leave(self, viewer: Viewer) -> None:
        forsaken = viewer.leave()
        if forsaken is not None:
            forsaken.stop()
            if self._tails.get(forsaken.execution_id) is forsaken:
                del self._tails[forsaken.execution_id]

    def _wait_for_next(self, viewer: Viewer, workflow_id: WorkflowId, after: ExecutionId | None) -> None:
        group = self._waiting.setdefault((workflow_id, after), _Waiting(workflow_id, after))
        group.viewers.add(viewer)
        self._look.set()

    def _receive_hints(self, hints: Sequence[Hint]) -> None:
        """Runs on any thread: wakes the loop only for what somebody watches."""
        wanted = [
            hint
            for hint in hints
            if (hint.topic == "events" and hint.execution_id in self._tails)
            or (hint.topic == "queue" and self._waiting)
        ]
        if wanted and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._follow_hints, wanted)

    def _follow_hints(self, hints: Sequence[Hint]) -> None:
        for hint in hints:
            if hint.topic == "queue":
                self._look.set()
            elif hint.execution_id is not None and hint.execution_id in self._tails:
                self._tails[hint.execution_id].notice(hint.last_seq)

    async def _fetch(self, tail: Tail, after: int) -> None:
        key = (tail.execution_id, after)
        read = partial(read_chunk, self._journal, tail.framer, tail.execution_id, after, PIECE_BYTES)
        piece: Chunk | None = None
        try:
            while piece is None and self._fetches[key]:
                try:
                    piece = await self._loop.run_in_executor(self._catch_up, read)
                except UnavailableError as error:
                    _log.warning("cannot read execution %s: %s", tail.execution_id, error)
                if piece is None:
                    await asyncio.sleep(RETRY_S)
        except (PositionLost, NotFound) as error:
            for viewer in self._fetches.pop(key):
                viewer.end(CloseCode.POSITION_LOST, str(error))
            return
        for viewer in self._fetches.pop(key):
            if piece is not None:
                viewer.take(tail, piece)

    async def _look_for_ever(self) -> None:
        while True:
            await self._look.wait()
            self._look.clear()
            for key in list(self._waiting):
                await self._guarded("look for the next execution", self._look_for_next(key))

    async def _look_for_next(self, key: tuple[WorkflowId, ExecutionId | None]) -> None:
        found = await self._in_thread(self._journal.follow, *key)
        if found is None:
            return
        record = await self._in_thread(self._journal.get, found)
        group = self._waiting.pop(key, None)
        for viewer in group.viewers if group else ():
            viewer.follow(self._tail(record), 0)

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._sweep_s)
            if self._waiting:
                self._look.set()
            self._reap()
            await self._guarded("look at the watched executions", self._sweep())
            await self._guarded("send the beats", self._beat())

    async def _sweep(self) -> None:
        """Find what lost hints did not tell."""
        watched = [tail.execution_id for tail in self._tails.values() if not tail.is_closed]
        if not watched:
            return
        heads = await self._in_thread(self._journal.heads, watched)
        for execution_id, head in heads.items():
            if execution_id in self._tails:
                self._tails[execution_id].notice(head.last_seq)

    def _reap(self) -> None:
        """Abort the outlets that have taken nothing for `stall_s`."""
        now = self._clock.monotonic()
        for viewer, (since, pending) in list(self._stalled.items()):
            left = viewer.outlet.pending_bytes()
            if left < pending:
                self._stalled[viewer] = (now, left)
            elif now - since >= self._stall_s:
                _log.info("a viewer took nothing for %.0f s; its connection is aborted", now - since)
                viewer.outlet.abort()
                self.detach(viewer)

    async def _beat(self) -> None:
        """Tell the silent viewers that wanted it that all is well."""
        silent: dict[tuple[WorkflowId, ExecutionId | None, int | None], list[Viewer]] = {}
        now = self._clock.monotonic()
        for viewer in self._viewers:
            if (tail := viewer.tail) is not None and viewer.is_silent(now):
                silent.setdefault((tail.workflow_id, tail.execution_id, tail.head), []).append(viewer)
        for group in self._waiting.values():
            for viewer in group.viewers:
                if viewer.is_silent(now):
                    silent.setdefault((group.workflow_id, group.after, None), []).append(viewer)
        for key, viewers in silent.items():
            frame = text_frame(await self._in_thread(self._beat_text, *key))
            for viewer in viewers:
                if viewer in self._viewers and viewer.is_silent(now):
                    viewer.say(frame, now)

    def _beat_text(
        self, workflow_id: WorkflowId, execution_id: ExecutionId | None, upto: int | None
    ) -> bytes:
        written_at = timestamp(self._clock.now_ns())
        if execution_id is None:
            return idle_beat_text(workflow_id, written_at)
        return beat_text(load_state(self._journal, execution_id, upto), written_at)

    async def _in_thread(self, call: Callable[..., T], *args: Any) -> T:
        return await self._loop.run_in_executor(self._catch_up, partial(call, *args))

    async def _guarded(self, what: str, work: Coroutine[Any, Any, None]) -> None:
        """One failure must not end the loop that it happens in: the next turn tries again."""
        try:
            await work
        except UnavailableError as error:
            _log.warning("cannot %s: %s", what, error)
        except Exception:  # noqa: BLE001 - the edge of a task that must go on
            _log.exception("cannot %s", what)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end_tasks(self) -> None:
        for tail in self._tails.values():
            tail.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
