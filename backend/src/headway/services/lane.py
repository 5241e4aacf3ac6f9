"""One running execution's way into the journal: emits on one side, drafts of batches on the other.

`emit`, `commit` and `close` are called by user code and the engine; everything else only by the recorder's
thread. The state is folded before the batch is stored: that is cheap, and right as long as nobody else
appends; where somebody has, `rebase` folds anew.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence

import msgspec

from headway.domain import events as e
from headway.domain.execution import State
from headway.domain.identifiers import ExecutionId
from headway.domain.masking import Masks
from headway.domain.progress import Rollup
from headway.errors import HeadwayError
from headway.ports import Batch, Lease
from headway.services.inbox import Dropped, Entry, Inbox, Item, Latest, Seal
from headway.services.states import encode_state, summary_of

SECOND_NS = 1_000_000_000
PROGRESS_SPACING_NS = 50_000_000  # of one step's progress events; in between, the last one counts
CHECKPOINT_EVENTS = 1_000
CHECKPOINT_S = 1.0
CLOSING_EVENTS = 100  # a log that ends so soon is folded faster than its last state is stored
PRODUCER = "worker"  # numbers start anew with each lease, which is its epoch
_ENDS = (e.StepCompleted, e.StepFailed, e.StepCancelled, e.StepRetrying, e.StepSkipped)

Waiter = asyncio.Future[None]


class Stamps:
    """Unix nanoseconds as RFC 3339 text; the second is formatted once."""

    __slots__ = ("_prefix", "_second_ns")

    def __init__(self) -> None:
        self._second_ns, self._prefix = 0, ""

    def __call__(self, unix_ns: int) -> str:
        rest_ns = unix_ns - self._second_ns
        if not 0 <= rest_ns < SECOND_NS or not self._prefix:
            rest_ns = unix_ns % SECOND_NS
            self._second_ns = unix_ns - rest_ns
            self._prefix = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(self._second_ns // SECOND_NS))
        # The leading 1 keeps the zeros: less than a format with a width takes.
        return f"{self._prefix}{str(1_000_000 + rest_ns // 1_000)[1:]}Z"


class Draft(msgspec.Struct, eq=False):
    """Events of one lane on their way to the journal, oldest first."""

    entries: list[tuple[e.EventData | Seal, str]] = []
    bodies: list[bytes] = []
    waiters: list[Waiter] = []
    refused: list[tuple[Waiter, Exception]] = []
    progressed: bool = False
    closes: bool = False


class Lane:
    """Where one execution's events go in.

    Args:
        state: The fold up to the last stored event; the lane's own from now on.
        masks: What no event may say; applied before it is folded and stored.
        on_foreign: Told (on the recorder's thread) of events that others have appended.
        on_lost: Told (likewise) that nothing more will be stored, and why.
    """

    def __init__(
        self,
        inbox: Inbox,
        stamp: Stamps,
        *,
        lease: Lease,
        state: State,
        rollup: Rollup,
        masks: Masks,
        producer: str = PRODUCER,
        on_foreign: Callable[[Sequence[e.Event]], None],
        on_lost: Callable[[HeadwayError], None],
    ) -> None:
        self.execution_id = ExecutionId(state.execution_id)
        self.state = state
        self.seq = state.seq
        self.on_foreign, self.on_lost = on_foreign, on_lost
        self.is_open = True
        self.batch: Batch | None = None  # of the draft that is being stored
        self._inbox, self._stamp, self._lease, self._rollup = inbox, stamp, lease, rollup
        self._masks = masks
        self._producer, self._producer_seq = producer, 0
        self._latest: dict[str | None, Latest] = {}
        self._held: dict[str | None, tuple[int, e.StepProgressed]] = {}
        self._progress_at: dict[str | None, int] = {}
        self._checkpoint_seq, self._checkpoint_at = state.seq, math.inf  # no time until a first batch

    def emit(self, data: e.EventData) -> None:
        """Leave an event to be stored soon; never blocks and never raises, on any thread."""
        if not self.is_open:
            return
        if type(data) is e.StepProgressed:
            self._emit_progress(data)
            return
        if self._latest:
            self._latest.clear()
        self._inbox.put(self, data)

    @property
    def is_crowded(self) -> bool:
        """True while the recorder is so far behind that what comes faster would soon be dropped."""
        return self.is_open and self._inbox.is_crowded

    def commit(self, data: e.EventData) -> Waiter:
        """Leave an event and wait: the future of the running loop is done when it is durable.

        It fails with `LeaseLost` where another worker has the execution now, `ExecutionClosed` where it has
        ended.
        """
        return self._put_waiting(data)

    def close(self, build: Callable[[e.Totals], e.EventData]) -> Waiter:
        """End the log with the event that `build` makes of the totals; later emits go nowhere."""
        waiter = self._put_waiting(Seal(build))
        self.is_open = False
        return waiter

    def detach(self) -> None:
        """Take nothing more; the execution goes on elsewhere."""
        self.is_open = False

    def _emit_progress(self, data: e.StepProgressed) -> None:
        latest = self._latest.get(data.step_id)
        if latest is not None:
            latest.data = data
            if self._latest.get(data.step_id) is latest:
                return  # else the recorder may have read it before: leave it once more
        self._latest[data.step_id] = latest = Latest(data)
        self._inbox.put(self, latest)

    def _put_waiting(self, entry: Entry) -> Waiter:
        waiter: Waiter = asyncio.get_running_loop().create_future()
        self._latest.clear()
        self._inbox.put_waiting(self, entry, waiter)
        return waiter

    def forget_latest(self, latest: Latest) -> None:
        """Newer progress goes into an entry of its own."""
        step_id = latest.data.step_id
        if self._latest.get(step_id) is latest:
            self._latest.pop(step_id, None)

    @property
    def holds_progress(self) -> bool:
        return bool(self._held)

    def draft(self, heard: Iterable[Item], dropped: Dropped | None, now_ns: int, *, force: bool) -> Draft:
        """Turn what was emitted into events, and fold them; with `force` no progress is held back."""
        draft = Draft()
        if dropped is not None:
            self._add(draft, now_ns, _gap(dropped))
        for at_ns, _, entry, waiter in heard:
            if type(entry) is Latest:
                self.forget_latest(entry)
                self._hear_progress(draft, at_ns, entry.data)
                continue
            if draft.closes:
                continue  # another thread was still emitting when the end was written
            if self._progress_at:
                self._release_before(draft, entry)
            self._add(draft, at_ns, entry, waiter)
        if self._held:
            for step_id in [key for key in self._held if force or self._is_due(key, now_ns)]:
                self._release(draft, step_id)
        return draft

    def prepare(self, draft: Draft, monotonic_s: float) -> Batch:
        """The draft as a batch; the same one as long as it has to be tried again."""
        state = self.state
        self._checkpoint_at = min(self._checkpoint_at, monotonic_s)
        due = (
            state.seq - self._checkpoint_seq >= (CLOSING_EVENTS if draft.closes else CHECKPOINT_EVENTS)
            or monotonic_s - self._checkpoint_at >= CHECKPOINT_S
        )
        if due:
            self._checkpoint_seq, self._checkpoint_at = state.seq, monotonic_s
        self.batch = Batch(
            execution_id=self.execution_id,
            producer_id=self._producer,
            producer_epoch=self._lease.epoch,
            first_producer_seq=self._producer_seq + 1,
            bodies=draft.bodies,
            lease=self._lease,
            expected_last_seq=self.seq,
            closes=draft.closes,
            summary=summary_of(state),
            checkpoint=encode_state(state) if due else None,
            progressed=draft.progressed,
        )
        return self.batch

    def stored(self, draft: Draft) -> None:
        """The draft is durable."""
        self.seq = self.state.seq
        self._producer_seq += len(draft.bodies)
        self.batch = None

    def rebase(self, state: State, draft: Draft) -> None:
        """Fold the draft anew onto a log that others have appended to."""
        self.state, self.seq = state, state.seq
        for index, (entry, timestamp) in enumerate(draft.entries):
            data = self._written(entry)
            if isinstance(entry, Seal):
                data = self._masks.event(data)
                draft.bodies[index] = e.encode_body(data, timestamp)
            state.apply(e.Event(state.seq + 1, timestamp, data))

    def follow(self, foreign: Sequence[e.Event]) -> None:
        """Fold what others have appended while nothing of ours was under way."""
        for event in foreign:
            self.state.apply(event)
        self.seq = self.state.seq

    def _add(self, draft: Draft, at_ns: int, entry: e.EventData | Seal, waiter: Waiter | None = None) -> None:
        state, timestamp = self.state, self._stamp(at_ns)
        try:
            data = self._masks.event(self._written(entry))
            body = e.encode_body(data, timestamp)
        except Exception as error:  # noqa: BLE001 - one event that cannot be encoded must not stop the others
            if waiter is not None:
                draft.refused.append((waiter, error))
            entry = data = _unrecordable(entry, error)
            body = e.encode_body(data, timestamp)
        else:
            if not isinstance(entry, Seal):
                entry = data  # as it is stored, so that it is folded so once more
            if waiter is not None:
                draft.waiters.append(waiter)
        if data.terminal:
            draft.closes = True
        elif type(data) is e.StepCompleted:
            draft.progressed = True
        draft.entries.append((entry, timestamp))
        draft.bodies.append(body)
        state.apply(e.Event(state.seq + 1, timestamp, data))

    def _written(self, entry: e.EventData | Seal) -> e.EventData:
        """The event with what only the recorder knows: the totals, the roll-up."""
        data = entry.build(self.state.sealed_totals()) if isinstance(entry, Seal) else entry
        if type(data) is not e.Log:
            self._rollup.observe(data)
            self._rollup.complete(data)
        return data

    def _hear_progress(self, draft: Draft, at_ns: int, data: e.StepProgressed) -> None:
        last = self._progress_at.get(data.step_id)
        if last is not None and at_ns - last < PROGRESS_SPACING_NS:
            self._held[data.step_id] = (at_ns, data)
            return
        self._held.pop(data.step_id, None)
        self._progress_at[data.step_id] = at_ns
        self._add(draft, at_ns, data)

    def _is_due(self, step_id: str | None, now_ns: int) -> bool:
        return now_ns - self._progress_at[step_id] >= PROGRESS_SPACING_NS

    def _release(self, draft: Draft, step_id: str | None) -> None:
        at_ns, data = self._held.pop(step_id)
        self._progress_at[step_id] = at_ns
        self._add(draft, at_ns, data)

    def _release_before(self, draft: Draft, entry: e.EventData | Seal) -> None:
        """A step's last progress comes before its end, and everything before the end of all."""
        if isinstance(entry, Seal):
            for step_id in list(self._held):
                self._release(draft, step_id)
        elif isinstance(entry, _ENDS):
            if entry.step_id in self._held:
                self._release(draft, entry.step_id)
            self._progress_at.pop(entry.step_id, None)


def _gap(dropped: Dropped) -> e.Gap:
    both = dropped.logs + dropped.progress
    return e.Gap(
        dropped=both,
        logs=dropped.logs,
        progress=dropped.progress,
        message=f"{both:,} events were dropped here: they came faster than they could be stored "
        f"({dropped.logs:,} log lines, {dropped.progress:,} progress figures)",
    )


def _unrecordable(entry: e.EventData | Seal, error: Exception) -> e.Log:
    what = "the end" if isinstance(entry, Seal) else f"a {entry.kind} event"
    return e.Log(
        level="ERROR", message=f"{what} could not be recorded: {type(error).__name__}", logger="headway"
    )
