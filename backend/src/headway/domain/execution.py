"""The state of an execution as a fold over its events: pure, total, monotonic.

`fold` is the definition; `State.apply` is its in-place form for an owner that shares the state with nobody.
The same fold stands in `frontend/src/core/fold.ts`; both are held to `protocol/fixtures/fold/*.json`.
"""

from collections.abc import Iterable
from typing import Any, assert_never

import msgspec
from msgspec import UNSET, Raw, UnsetType

from headway.domain import events as e
from headway.domain.waiting import Waiting

MAX_STEPS = 1_000  # finished steps beyond it leave the state, oldest first; `counts` keeps them
MAX_CONTROLS = 100  # effective ones beyond it leave the state, oldest first


class StepState(msgspec.Struct, omit_defaults=True, kw_only=True, gc=False):
    step_id: str
    name: str
    status: str
    attempt: int = 1
    parent: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    done: int | float | None = None
    total: int | float | None = None
    unit: str | None = None
    message: str | None = None
    error: str | None = None


class Counts(msgspec.Struct, gc=False):
    events: int = 0
    logs: int = 0
    errors: int = 0
    dropped: int = 0
    steps: int = 0
    steps_completed: int = 0
    steps_failed: int = 0


class ControlState(msgspec.Struct, omit_defaults=True, kw_only=True, gc=False):
    control_id: str
    control: str
    stage: str  # requested, delivered, effective
    by: str | None = None
    requested_at: str | None = None
    force: bool = False


class OutputState(msgspec.Struct, gc=False):
    name: str
    media_type: str
    size: int


class State(msgspec.Struct, kw_only=True):
    """Everything a late viewer needs, without the log lines.

    `closed` is final: after it nothing changes. Times are RFC 3339 UTC.
    """

    execution_id: str
    workflow_id: str
    seq: int = 0
    status: str = "running"
    phase: str = "queued"
    progress: float = 0.0
    indeterminate: bool = False
    done: int | float | None = None  # as the workflow's body says it, outside any step
    total: int | float | None = None
    unit: str | None = None
    attempt: int = 0
    message: str | None = None
    step: str | None = None
    step_id: str | None = None
    error: str | None = None
    error_code: str | None = None
    traceback: str | None = None
    input: Raw = msgspec.field(default_factory=e.null)
    output: Raw = msgspec.field(default_factory=e.null)
    by: str | None = None
    worker: str | None = None
    retry_of: str | None = None
    from_step: str | None = None
    queued_at: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    updated_at: str | None = None
    plan: list[e.PlannedStep] = msgspec.field(default_factory=list)
    steps: dict[str, StepState] = msgspec.field(default_factory=dict)
    controls: dict[str, ControlState] = msgspec.field(default_factory=dict)
    outputs: dict[str, OutputState] = msgspec.field(default_factory=dict)
    waiting: Waiting = msgspec.field(default_factory=Waiting)
    counts: Counts = msgspec.field(default_factory=Counts)
    totals: e.Totals | None = None
    closed: bool = False

    def apply(self, event: e.Event) -> None:  # noqa: C901 - one arm a kind, none of them deep
        """Apply the next event in place; duplicates, old seqs and anything after the end change nothing."""
        if event.seq <= self.seq or self.closed:
            return
        self.seq = event.seq
        self.updated_at = at = event.timestamp
        counts = self.counts
        counts.events += 1
        match event.data:
            case e.Log() as data:
                counts.logs += 1
                if data.level in e.ERROR_LEVELS:
                    counts.errors += 1
            case e.StepStarted() as data:
                self._start_step(data, at)
            case e.StepCompleted() as data:
                self._end_step(data.step, data.step_id, e.StepStatus.COMPLETED, at, data.message)
                counts.steps_completed += 1
                self._advance(data.progress, data.indeterminate)
            case e.StepProgressed() as data:
                self._progress_step(data)
            case e.StepRetrying() as data:
                counts.logs += 1
                counts.errors += 1
                step = self._step(data.step, data.step_id, at)
                step.status, step.attempt, step.error = e.StepStatus.RETRYING, data.attempt, data.error
            case e.StepFailed() as data:
                counts.logs += 1
                counts.errors += 1
                counts.steps_failed += 1
                step = self._end_step(data.step, data.step_id, e.StepStatus.FAILED, at, None)
                step.error = data.error
            case e.StepSkipped() as data:
                self._end_step(data.step, data.step_id, e.StepStatus.SKIPPED, at, data.message)
            case e.StepCancelled() as data:
                self._end_step(data.step, data.step_id, e.StepStatus.CANCELLED, at, data.message)
            case e.ExecutionQueued() as data:
                self.input, self.by, self.queued_at = data.input, data.by, at
                self.retry_of, self.from_step, self.plan = data.retry_of, data.from_step, data.plan
            case e.ExecutionStarted() | e.ExecutionResumed() as data:
                self.started_at = self.started_at or at
                self.phase, self.attempt, self.worker = e.Phase.RUNNING, data.attempt, data.worker
                if data.plan or isinstance(data, e.ExecutionStarted):
                    self.plan = data.plan
                self.waiting.forget_waits()
                self._settle_phase()
                self._advance(data.progress, data.indeterminate)
            case e.ExecutionCompleted() as data:
                self.progress, self.output, self.message = 100.0, data.result.output, data.message
                self._close(e.Status.COMPLETED, data.totals, at)
            case e.ExecutionFailed() as data:
                self.error, self.error_code, self.traceback = data.error, data.code, data.traceback
                self.step, self.step_id = data.step or self.step, data.step_id or self.step_id
                self._close(e.Status.FAILED, data.totals, at)
            case e.ExecutionCancelled() as data:
                self.message = data.message
                self._close(e.Status.CANCELLED, data.totals, at)
            case e.ControlRequested() as data:
                self._control(data, "requested", at)
                self.phase = data.phase or self.phase
            case e.ControlDelivered() as data:
                self._control(data, "delivered", at)
            case e.ControlEffective() as data:
                self._control(data, "effective", at)
            case e.ApprovalRequested() as data:
                self.waiting.request(data, at)
                self.message = data.message
                self._settle_phase()
            case e.ApprovalAnswered() as data:
                self.waiting.answer(data, at)
                self._settle_phase()
            case e.WaitStarted() as data:
                self.waiting.start(data, at)
                self.message = data.message or self.message
                self._settle_phase()
            case e.WaitEnded() as data:
                self.waiting.end(data)
                self._settle_phase()
            case e.SignalReceived() as data:
                self.waiting.receive(data)
            case e.Output() as data:
                counts.logs += 1
                self.outputs[data.name] = OutputState(data.name, data.media_type, data.size)
            case e.Gap() as data:
                counts.logs += 1
                counts.dropped += data.dropped
            case other:
                assert_never(other)  # type: ignore[arg-type]  # EventData is open to the checker, closed by KINDS

    def copy(self) -> "State":
        """A state of its own: no step, control or count is shared with this one."""
        twin = msgspec.structs.replace(self)
        twin.steps = {key: msgspec.structs.replace(step) for key, step in self.steps.items()}
        twin.controls = {key: msgspec.structs.replace(control) for key, control in self.controls.items()}
        twin.outputs = dict(self.outputs)
        twin.waiting = self.waiting.copy()
        twin.counts = msgspec.structs.replace(self.counts)
        return twin

    def sealed_totals(self, *, logs: int = 0, errors: int = 0, dropped: int = 0) -> e.Totals:
        """Totals the terminal event carries when it is the next event."""
        counts = self.counts
        return e.Totals(self.seq + 1, counts.logs + logs, counts.errors + errors, counts.dropped + dropped)

    def _start_step(self, data: e.StepStarted, at: str) -> None:
        known = self.steps.get(data.step_id)
        if known is None:
            self.counts.steps += 1
            self._make_room()
        self.steps[data.step_id] = StepState(
            step_id=data.step_id,
            name=data.step,
            status=e.StepStatus.RUNNING,
            attempt=data.attempt,
            parent=data.parent,
            started_at=known.started_at if known else at,
            total=data.total,
            unit=data.unit,
            message=data.message,
        )
        self.step, self.step_id = data.step, data.step_id
        self.message = data.message or self.message

    def _progress_step(self, data: e.StepProgressed) -> None:
        self._advance(data.progress, data.indeterminate)
        self.message = data.message or self.message
        if data.step_id is None:
            self._count(self, data)
        elif data.step is not None and (step := self.steps.get(data.step_id)) is not None:
            # Progress makes no step: so an earlier one may be left out where a later one says it all.
            self._count(step, data)
            step.message = data.message or step.message

    @staticmethod
    def _count(counting: "State | StepState", data: e.StepProgressed) -> None:
        if data.done is not None:
            counting.done = data.done
        if data.total is not None:
            counting.total = data.total
        counting.unit = data.unit or counting.unit

    def _end_step(self, name: str, step_id: str, status: str, at: str, message: str | None) -> StepState:
        step = self._step(name, step_id, at)
        step.status, step.ended_at = status, at
        step.message = message or step.message
        return step

    def _step(self, name: str, step_id: str, at: str) -> StepState:
        """The step, made where its start fell out of the state or was never seen."""
        step = self.steps.get(step_id)
        if step is None:
            self._make_room()
            step = StepState(step_id=step_id, name=name, status=e.StepStatus.RUNNING, started_at=at)
            self.steps[step_id] = step
        return step

    def _make_room(self) -> None:
        if len(self.steps) < MAX_STEPS:
            return
        for step_id, step in self.steps.items():
            if step.ended_at is not None:
                del self.steps[step_id]
                return
        del self.steps[next(iter(self.steps))]

    def _advance(self, progress: float | UnsetType, indeterminate: bool) -> None:
        if progress is not UNSET and progress > self.progress:
            self.progress = progress
        self.indeterminate = indeterminate

    def _settle_phase(self) -> None:
        """Running and waiting follow from what is waited for; the other phases do not."""
        if self.phase in (e.Phase.RUNNING, e.Phase.WAITING):
            self.phase = e.Phase.WAITING if self.waiting.is_open else e.Phase.RUNNING

    def _control(self, data: e.Control, stage: str, at: str) -> None:
        known = self.controls.get(data.control_id)
        if known is None and len(self.controls) >= MAX_CONTROLS:
            done = (key for key, control in self.controls.items() if control.stage == "effective")
            del self.controls[next(done, next(iter(self.controls)))]
        self.controls[data.control_id] = ControlState(
            control_id=data.control_id,
            control=data.control,
            stage=stage,
            by=data.by or (known.by if known else None),
            requested_at=known.requested_at if known else at,
            force=data.force or (known is not None and known.force),
        )

    def _close(self, status: e.Status, totals: e.Totals, at: str) -> None:
        """End every step that still runs: nobody is left to run it."""
        self.status, self.phase = status, status
        self.indeterminate = self.indeterminate and status != e.Status.COMPLETED
        self.totals, self.ended_at, self.closed = totals, at, True
        self.waiting.close()
        for step in self.steps.values():
            if step.ended_at is None:
                step.status, step.ended_at = e.StepStatus.CANCELLED, at


def fold(state: State, event: e.Event) -> State:
    """The state after `event`; `state` itself is left as it was."""
    twin = state.copy()
    twin.apply(event)
    return twin


def fold_all(state: State, events: Iterable[e.Event]) -> State:
    twin = state.copy()
    for event in events:
        twin.apply(event)
    return twin


def status_fields(state: State) -> dict[str, Any]:
    """The `data` of a folded `status` frame: what a naive client reads, from the whole history."""
    fields: dict[str, Any] = {
        "status": state.status,
        "phase": state.phase,
        "progress": state.progress,
        "indeterminate": state.indeterminate,
    }
    optional = {"message": state.message, "step": state.step, "step_id": state.step_id, "error": state.error}
    return fields | {name: value for name, value in optional.items() if value is not None}
