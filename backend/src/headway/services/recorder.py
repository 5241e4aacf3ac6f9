"""Writes down what running executions emit: one thread a process, one transaction a flush.

Commit first, then tell: answers and hints go out when the events are durable. It knows lanes, batches and the
journal, but not what runs.
"""

import asyncio
import contextlib
import logging
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from headway.domain import events as e
from headway.domain.execution import State
from headway.domain.identifiers import ExecutionId
from headway.domain.masking import Masks
from headway.domain.progress import Rollup
from headway.errors import (
    AppendConflict,
    ExecutionClosed,
    ExecutionNotFound,
    HeadwayError,
    JournalUnavailable,
    LeaseLost,
)
from headway.ports import Appended, Clock, Hint, HintBus, Journal, Lease
from headway.services.inbox import MAX_CHARS, MAX_EVENTS, Inbox, Item
from headway.services.lane import PRODUCER, Draft, Lane, Stamps, Waiter
from headway.services.states import events_between, load_state

WINDOW_S = 0.005  # between two flushes, unless somebody waits
SWEEP_S = 1.0  # looks for events of others whose hint was lost
HELD_S = 0.050  # progress that was held back is looked at again
BACKOFF_S, MAX_BACKOFF_S = 0.05, 2.0  # while the journal cannot be written
_EXPECTED = (LeaseLost, ExecutionClosed, ExecutionNotFound)

_logger = logging.getLogger("headway")
_T = TypeVar("_T")


class Recorder:
    """Stores the events of every lane, in the order each lane got them.

    Call `start` before the first event and `close` at the end.

    Args:
        masks: What no event may say.
    """

    def __init__(
        self,
        journal: Journal,
        hints: HintBus,
        clock: Clock,
        *,
        masks: Masks | None = None,
        max_events: int = MAX_EVENTS,
        max_chars: int = MAX_CHARS,
    ) -> None:
        self._journal, self._hints, self._clock = journal, hints, clock
        self._inbox = Inbox(clock.now_ns, max_events=max_events, max_chars=max_chars)
        self._stamp = Stamps()
        self._masks = masks or Masks()
        self._lanes: dict[ExecutionId, Lane] = {}
        self._holding: set[Lane] = set()  # lanes with progress that was held back
        self._pokes: set[ExecutionId] = set()
        self._barriers: list[threading.Event] = []
        self._untold: dict[ExecutionId, Hint] = {}
        self._told_at = self._flushed_at = self._swept_at = clock.monotonic()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="headway-recorder", daemon=True)

    def start(self) -> None:
        """Begin to record; does nothing the second time."""
        if not self._thread.is_alive():
            self._thread.start()

    def open(
        self,
        *,
        lease: Lease,
        state: State,
        rollup: Rollup,
        on_foreign: Callable[[Sequence[e.Event]], None],
        on_lost: Callable[[HeadwayError], None],
        producer: str = PRODUCER,
        secrets: Sequence[str] = (),
    ) -> Lane:
        """Begin to record an execution; see `Lane` for the arguments. `secrets` are masked in it too."""
        lane = Lane(
            *(self._inbox, self._stamp),
            lease=lease,
            state=state,
            rollup=rollup,
            masks=self._masks.also(secrets),
            producer=producer,
            on_foreign=on_foreign,
            on_lost=on_lost,
        )
        self._lanes[lane.execution_id] = lane
        return lane

    def forget(self, lane: Lane) -> None:
        """Store nothing more of this lane; what it has emitted and nobody flushed is gone."""
        lane.detach()
        if self._lanes.get(lane.execution_id) is lane:
            del self._lanes[lane.execution_id]

    def poke(self, execution_id: ExecutionId, last_seq: int) -> None:
        """Somebody says the log reaches `last_seq`: look, if that is news. Quick, on any thread."""
        lane = self._lanes.get(execution_id)
        if lane is not None and last_seq > lane.seq:
            self._pokes.add(execution_id)
            self._inbox.urge()

    def flush(self, within_s: float = 5.0) -> bool:
        """Wait until all that was emitted before is durable; false if that takes longer."""
        barrier = threading.Event()
        self._barriers.append(barrier)
        self._inbox.urge()
        return barrier.wait(within_s)

    def close(self, within_s: float = 5.0) -> None:
        """Store what is left, if the journal takes it in time, and end the thread."""
        if self._thread.is_alive():
            self.flush(within_s)
            self._closing.set()
            self._inbox.urge()
            self._thread.join(within_s)

    def _run(self) -> None:
        while not self._closing.is_set():
            now = self._clock.monotonic()
            self._inbox.wait(self._flushed_at + WINDOW_S - now, self._until_due(now))
            try:
                self._turn()
            except Exception:
                _logger.exception("the recorder could not finish a turn")
        late, _ = self._inbox.take()
        self._answer(_waiters(late), JournalUnavailable("the recorder has ended"))
        self._release_barriers(self._barriers)

    def _until_due(self, now: float) -> float:
        due = self._swept_at + SWEEP_S
        if self._untold:
            due = min(due, self._told_at + WINDOW_S)
        if self._holding:
            due = min(due, self._flushed_at + HELD_S)
        return due - now

    def _turn(self) -> None:
        barriers, self._barriers = self._barriers, []
        self._flush(force=bool(barriers))
        for _ in range(self._inbox.turns if barriers else 0):
            self._flush(force=True)
        self._listen()
        self._tell(at_once=bool(barriers))
        self._release_barriers(barriers)

    def _flush(self, *, force: bool) -> None:
        items, dropped = self._inbox.take()
        heard: dict[Lane, list[Item]] = defaultdict(list)
        for item in items:
            heard[item[1]].append(item)
        for lane in (*self._holding, *dropped):
            heard.setdefault(lane, [])
        drafts: list[tuple[Lane, Draft]] = []
        now_ns = self._clock.now_ns()
        for lane, entries in heard.items():
            if self._lanes.get(lane.execution_id) is not lane:
                self._holding.discard(lane)
                self._answer(_waiters(entries), ExecutionClosed())
                continue
            try:
                draft = lane.draft(entries, dropped.get(lane), now_ns, force=force)
            except Exception as error:  # noqa: BLE001 - this lane's end, and no other's
                self._lose(lane, _waiters(entries), error)
                continue
            if lane.holds_progress:
                self._holding.add(lane)
            else:
                self._holding.discard(lane)
            for waiter, refusal in draft.refused:
                self._answer([waiter], refusal)
            if draft.bodies:
                drafts.append((lane, draft))
        if drafts:
            self._store(drafts)
        self._flushed_at = self._clock.monotonic()

    def _store(self, drafts: list[tuple[Lane, Draft]]) -> None:
        """Append the drafts in one transaction; those that met others' events go once more."""
        while drafts:
            now = self._clock.monotonic()
            batches = [lane.prepare(draft, now) for lane, draft in drafts]
            try:
                outcomes = self._insist(partial(self._journal.append, batches))
            except Exception as error:  # noqa: BLE001 - told to each lane, and logged there
                outcomes = [error] * len(batches)
            conflicted = []
            answered: list[Waiter] = []
            for (lane, draft), outcome in zip(drafts, outcomes, strict=True):
                if isinstance(outcome, Appended):
                    self._stored(lane, draft)
                    answered.extend(draft.waiters)
                elif isinstance(outcome, AppendConflict) and self._rebase(lane, draft):
                    conflicted.append((lane, draft))
                elif not isinstance(outcome, AppendConflict):
                    self._lose(lane, draft.waiters, outcome)
            self._answer(answered, None)
            drafts = conflicted

    def _stored(self, lane: Lane, draft: Draft) -> None:
        lane.stored(draft)
        self._untold[lane.execution_id] = Hint("events", lane.execution_id, lane.seq)
        if draft.closes:
            self._told_at = 0.0  # nobody should wait for the end
            self.forget(lane)

    def _rebase(self, lane: Lane, draft: Draft) -> bool:
        """Put others' events before the draft; false if they have ended the execution."""
        before = lane.seq
        try:
            state = self._insist(lambda: load_state(self._journal, lane.execution_id))
            foreign = self._insist(
                lambda: list(events_between(self._journal, lane.execution_id, before, state.seq))
            )
        except Exception as error:  # noqa: BLE001 - this lane's end, and no other's
            self._lose(lane, draft.waiters, error)
            return False
        if state.closed:
            self._lose(lane, draft.waiters, ExecutionClosed())
            return False
        lane.rebase(state, draft)
        lane.on_foreign(foreign)
        return True

    def _lose(self, lane: Lane, waiters: Iterable[Waiter], error: Exception) -> None:
        """Nothing of this lane can be stored any more."""
        if not isinstance(error, _EXPECTED):
            _logger.error("execution %s can no longer be recorded: %r", lane.execution_id, error)
        self.forget(lane)
        known = error if isinstance(error, HeadwayError) else HeadwayError(f"{type(error).__name__}: {error}")
        lane.on_lost(known)
        self._answer(waiters, known)

    def _listen(self) -> None:
        """Read what others have appended: after hints, and now and then by ourselves."""
        now = self._clock.monotonic()
        asked, self._pokes = self._pokes, set()
        if now - self._swept_at >= SWEEP_S:
            self._swept_at = now
            asked = set(self._lanes.copy())
        if not asked:
            return
        try:
            heads = self._journal.heads(list(asked))
            for execution_id, head in heads.items():
                lane = self._lanes.get(execution_id)
                if lane is not None and head.last_seq > lane.seq:
                    self._hear(lane, head.last_seq)
        except JournalUnavailable as error:
            _logger.debug("cannot look for news: %s", error)  # the next sweep looks again

    def _hear(self, lane: Lane, upto: int) -> None:
        foreign = list(events_between(self._journal, lane.execution_id, lane.seq, upto))
        lane.follow(foreign)
        lane.on_foreign(foreign)
        if lane.state.closed:
            self._lose(lane, (), ExecutionClosed())

    def _insist(self, call: Callable[[], _T]) -> _T:
        """Try until the journal answers, or the recorder has to close."""
        wait_s = 0.0
        while True:
            try:
                answer = call()
            except JournalUnavailable as error:
                if wait_s == 0.0:
                    _logger.warning("the journal is unavailable, trying again: %s", error)
                wait_s = min(MAX_BACKOFF_S, wait_s * 2 or BACKOFF_S)
                if self._closing.wait(wait_s * random.uniform(0.5, 1.0)):
                    raise
            else:
                if wait_s:
                    _logger.info("the journal is available again")
                return answer

    def _tell(self, *, at_once: bool) -> None:
        now = self._clock.monotonic()
        if not self._untold or not (at_once or now - self._told_at >= WINDOW_S):
            return
        hints, self._untold = list(self._untold.values()), {}
        self._told_at = now
        self._hints.publish(hints)

    def _answer(self, waiters: Iterable[Waiter], error: Exception | None) -> None:
        """Resolve futures on their own loops: one call a loop, however many wait."""
        by_loop: dict[asyncio.AbstractEventLoop, list[Waiter]] = defaultdict(list)
        for waiter in waiters:
            by_loop[waiter.get_loop()].append(waiter)
        for loop, waiting in by_loop.items():
            with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
                loop.call_soon_threadsafe(_resolve, waiting, error)

    @staticmethod
    def _release_barriers(barriers: Iterable[threading.Event]) -> None:
        for barrier in barriers:
            barrier.set()


def _waiters(items: Iterable[Item]) -> Iterator[Waiter]:
    return (waiter for *_, waiter in items if waiter is not None)


def _resolve(waiters: Iterable[Waiter], error: Exception | None) -> None:
    for waiter in waiters:
        if waiter.done():
            continue
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)
            waiter.exception()  # retrieved: who was cancelled while waiting does not ask for it
