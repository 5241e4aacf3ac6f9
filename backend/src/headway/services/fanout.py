"""Fan-out: the log is the queue. Finds each viewer its execution and keeps every tail moving.

All on one event loop; the journal is read in a few threads. A viewer costs a cursor, not a queue: a slow one
costs its own time only, and one that stops reading is aborted.
"""

import asyncio
import logging
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Self

from headway.domain.identifiers import ExecutionId, WorkflowId
from headway.domain.timestamps import timestamp
from headway.errors import NotFound, PositionLost, TooManyConnections, UnavailableError
from headway.ports import Clock, HintBus, Journal
from headway.protocol.close_codes import CloseCode
from headway.protocol.frames import text_frame
from headway.protocol.simple import SimpleQuery, beat_text, idle_beat_text
from headway.services.chunk import SimplePiece, read_chunk
from headway.services.ring import PIECE_BYTES
from headway.services.states import load_state
from headway.services.subscription import Subscription, find_subscription
from headway.services.tail import RETRY_S, Tail
from headway.services.tails import SWEEP_S, Tails, Tasks, guarded
from headway.services.viewer import Outlet, Viewer

STALL_S = 15.0  # a paused outlet that takes nothing for so long is aborted
REAPED_AT_ONCE = 8  # with a pause between, so that those who read do not wait for it
REAP_PAUSE_S = 0.02
TAKERS_AT_ONCE = 16  # are given what was fetched for them all, before the live ones have a turn
MAX_VIEWERS = 20_000

_log = logging.getLogger(__name__)


class Fanout:
    """Every simple-mode viewer of this process; use it as an asynchronous context manager.

    Args:
        journal: Read in threads.
        hints: Say when to look; what they lose, a sweep finds within `sweep_s`.
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
        self.tails = Tails(journal, hints, clock, sweep_s=sweep_s)
        self._journal = journal
        self._clock = clock
        self._max_viewers = max_viewers
        self._stall_s = stall_s
        self._sweep_s = sweep_s
        self._viewers: set[Viewer] = set()
        self._stalled: dict[Viewer, tuple[float, int]] = {}
        self._fetches: dict[tuple[ExecutionId, int], set[Viewer]] = {}
        self._tasks = Tasks()
        self._closing = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._closing.enter_async_context(self.tails)
        self._closing.push_async_callback(self._tasks.end)
        self._tasks.spawn(self._watch_for_ever())
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
        return await self.tails.read(find_subscription, self._journal, target, query)

    def attach(self, subscription: Subscription, outlet: Outlet) -> Viewer:
        """Begin to write to `outlet`. The caller must `detach` the viewer when the connection is gone."""
        now = self._clock.monotonic()
        viewer = Viewer(outlet, self, moves_on=subscription.moves_on, beat_s=subscription.beat_s, now=now)
        self._viewers.add(viewer)
        outlet.report_to(viewer)
        if subscription.opening:
            viewer.say(subscription.opening, now)
        if subscription.record is None:
            self.tails.await_next(viewer, subscription.workflow_id, None)
        else:
            viewer.follow(self.tails.open(subscription.record), subscription.after)
        return viewer

    def detach(self, viewer: Viewer) -> None:
        """The connection is gone; harmless to repeat."""
        self._viewers.discard(viewer)
        self._stalled.pop(viewer, None)
        self._leave(viewer)
        self.tails.forget(viewer)

    def fetch(self, viewer: Viewer, tail: Tail, after: int) -> None:
        """Read what has left the ring; viewers that want the same share one read."""
        key = (tail.execution_id, after)
        if key in self._fetches:
            self._fetches[key].add(viewer)
            return
        self._fetches[key] = {viewer}
        self._tasks.spawn(self._fetch(tail, after))

    def move_on(self, viewer: Viewer, tail: Tail) -> None:
        """Let the viewer wait for the workflow's next execution, which may be there already."""
        self._leave(viewer)
        viewer.spoken_at = max(viewer.spoken_at, tail.published_at)
        self.tails.await_next(viewer, tail.workflow_id, tail.execution_id)

    def paused(self, viewer: Viewer) -> None:
        """Watch over a viewer whose transport takes no more."""
        self._stalled[viewer] = (self._clock.monotonic(), viewer.outlet.pending_bytes())

    def resumed(self, viewer: Viewer) -> None:
        """It reads again."""
        self._stalled.pop(viewer, None)

    def _leave(self, viewer: Viewer) -> None:
        forsaken = viewer.leave()
        if forsaken is not None:
            self.tails.release(forsaken)

    async def _fetch(self, tail: Tail, after: int) -> None:
        key = (tail.execution_id, after)
        piece: SimplePiece | None = None
        try:
            while piece is None and self._fetches[key]:
                try:
                    piece = await self.tails.read(self._read_piece, tail, after)
                except UnavailableError as error:
                    _log.warning("cannot read execution %s: %s", tail.execution_id, error)
                if piece is None:
                    await asyncio.sleep(RETRY_S)
        except (PositionLost, NotFound) as error:
            for viewer in self._fetches.pop(key):
                viewer.end(CloseCode.POSITION_LOST, str(error))
            return
        waiting = self._fetches.pop(key)
        if piece is None:
            return
        for number, viewer in enumerate(waiting, 1):
            viewer.take(tail, piece)
            if number % TAKERS_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _read_piece(self, tail: Tail, after: int) -> SimplePiece | None:
        read = partial(read_chunk, self._journal, tail.framer, tail.execution_id)
        chunk = read(after, max_bytes=PIECE_BYTES)
        return chunk.simple_piece() if chunk is not None else None

    async def _watch_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._sweep_s)
            await guarded("end the stalled connections", self._reap())
            await guarded("send the beats", self._beat())

    async def _reap(self) -> None:
        """Abort the outlets that have taken nothing for `stall_s`, a few at a time."""
        reaped = 0
        for viewer in list(self._stalled):
            if not self._is_dead(viewer):
                continue
            viewer.outlet.abort()
            self.detach(viewer)
            reaped += 1
            if reaped % REAPED_AT_ONCE == 0:
                await asyncio.sleep(REAP_PAUSE_S)
        if reaped:
            _log.info(
                "%d viewers took nothing for %.0f s; their connections are aborted", reaped, self._stall_s
            )

    def _is_dead(self, viewer: Viewer) -> bool:
        """It is paused, and has taken nothing for `stall_s`."""
        if viewer not in self._stalled:  # it went on, or went, while others were aborted
            return False
        now, left = self._clock.monotonic(), viewer.outlet.pending_bytes()
        since, pending = self._stalled[viewer]
        if left < pending:
            self._stalled[viewer] = (now, left)
        return left >= pending and now - since >= self._stall_s

    async def _beat(self) -> None:
        """Tell the silent viewers that wanted it that all is well."""
        silent: dict[tuple[WorkflowId, ExecutionId | None, int | None], list[Viewer]] = {}
        now = self._clock.monotonic()
        for viewer in self._viewers:
            if (tail := viewer.tail) is not None and viewer.is_silent(now):
                silent.setdefault((tail.workflow_id, tail.execution_id, tail.head), []).append(viewer)
        for group in self.tails.waiting:
            for waiter in group.waiters:
                if isinstance(waiter, Viewer) and waiter.is_silent(now):
                    silent.setdefault((group.workflow_id, group.after, None), []).append(waiter)
        for key, viewers in silent.items():
            frame = text_frame(await self.tails.read(self._beat_text, *key))
            for viewer in viewers:
                if viewer in self._viewers and viewer.is_silent(now):
                    viewer.say(frame, now)

    def _beat_text(
        self, workflow_id: WorkflowId, execution_id: ExecutionId | None, upto: int | None
    ) -> bytes:
        written_at = timestamp(self._clock.now_ns())
        if execution_id is not None:
            with suppress(NotFound):  # retention has removed it under those who still look at it
                return beat_text(load_state(self._journal, execution_id, upto), written_at)
        return idle_beat_text(workflow_id, written_at)
