"""One execution while this worker runs it: from taking it up to its last event."""

import asyncio
import contextlib
import contextvars
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import msgspec

from headway.domain import events as e
from headway.domain.identifiers import ExecutionId
from headway.errors import (
    CodeChanged,
    ExecutionTimeout,
    HeadwayError,
)
from headway.ports import (
    SUSPECT_CRASHES,
    Clock,
    OutputStore,
    RunnableWorkflow,
    Scope,
    StepOptions,
    current_scope,
)
from headway.services.attempts import HALT_S, RECANCEL_S, guarded, settles
from headway.services.claims import Claim
from headway.services.failures import causes, error_code, error_line, user_traceback
from headway.services.lane import Lane
from headway.services.processes import Processes
from headway.services.recovery import StepRecord
from headway.services.scopes import Attempt, EngineScope
from headway.services.step_groups import StepGroups
from headway.services.step_runner import StepRunner
from headway.services.threads import Outcome, Raised, Returned, Threads
from headway.services.values import NULL, encode_output
from headway.services.waits import Waits

_Stage = TypeVar("_Stage", e.ControlDelivered, e.ControlEffective)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What the executions of a worker share.

    Args:
        thread_grace_s: How long a thread that has been told to stop may take before the log says it did not.
        scope_begins: Told of each body and attempt before it runs.
        scope_ended: Told of each body and attempt that has ended, before its end is recorded.
    """

    outputs: OutputStore
    clock: Clock
    owner: str
    thread_grace_s: float
    scope_begins: Callable[[Scope], None] = lambda _: None
    scope_ended: Callable[[Scope], None] = lambda _: None
    threads: Threads = field(default_factory=lambda: Threads("headway-step"))
    processes: Processes = field(default_factory=Processes)
    gates: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    parked: set[ExecutionId] = field(default_factory=set)  # they only wait, and take up no place
    made_room: Callable[[], None] = lambda: None

    def park(self, execution_id: ExecutionId, is_parked: bool) -> None:
        if is_parked and execution_id not in self.parked:
            self.parked.add(execution_id)
            self.made_room()
        elif not is_parked:
            self.parked.discard(execution_id)

    def gate(self, options: StepOptions) -> asyncio.Semaphore | None:
        """What keeps a step to its `max_concurrency` in this worker."""
        if options.max_concurrency is None:
            return None
        return self.gates.setdefault(options.name, asyncio.Semaphore(options.max_concurrency))


class RunningExecution:
    """Runs one claimed execution; `drive` returns when it has ended or is left to another worker.

    Everything but `emit` belongs to the engine's loop.
    """

    lane: Lane  # set by the engine, before `drive`

    def __init__(self, claim: Claim, workflow: RunnableWorkflow, tools: Tools) -> None:
        self.execution_id = claim.record.execution_id
        self.memo = claim.memo
        self.tools, self.outputs = tools, tools.outputs
        self.loop = asyncio.get_running_loop()
        self.steps, self.groups, self.waits = StepRunner(self), StepGroups(self), Waits(self)
        self.stopping = False  # user code is to end
        self.is_suspect = claim.record.crashes >= SUSPECT_CRASHES  # until a step of it is done
        self.lost: HeadwayError | None = None  # why nothing more can be recorded
        self._is_left = False
        self._input, self._attempt = claim.record.real_input, claim.state.attempt
        self._workflow = workflow
        self._cancel: e.ControlRequested | None = claim.memo.cancel
        self._is_halted = False  # the body is to end
        self._turn: asyncio.Future[None] = self.loop.create_future()  # done with that, or with the body
        self._blocking: set[asyncio.Task[Any]] = set()  # steps that a plain body waits for
        self._fault: tuple[BaseException, StepRecord] | None = None

    def emit(self, data: e.EventData) -> None:
        self.lane.emit(data)

    async def commit(self, data: e.EventData) -> None:
        """Record and wait until it is durable; where that is no longer ours to do, the code is stopped."""
        try:
            await self.lane.commit(data)
        except HeadwayError:
            raise asyncio.CancelledError from None  # `lose` has been told why
        if self.is_suspect:
            self.is_suspect = False
            self.tools.made_room()

    def seconds_since(self, began_s: float) -> float:
        """On the monotonic clock, to the microsecond."""
        # By way of an integer: `round(x, 6)` takes ten times as long.
        return round((self.tools.clock.monotonic() - began_s) * 1e6) / 1e6

    def check_running(self) -> None:
        """No step starts in an execution that is being stopped."""
        if self.stopping:
            raise asyncio.CancelledError

    def was_asked_to_stop(self) -> bool:
        """Whether a CancelledError in the running task has been asked for."""
        task = asyncio.current_task()
        return self.stopping or (task is not None and task.cancelling() > 0)

    def blame(self, error: BaseException, record: StepRecord) -> None:
        """Remember at which step the error came up."""
        self._fault = error, record

    async def tracked(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do work that a thread waits for, so that stopping the execution stops it too."""
        task = asyncio.current_task()
        assert task is not None
        self._blocking.add(task)
        try:
            return await work
        finally:
            self._blocking.discard(task)

    def hear(self, foreign: Sequence[e.Event]) -> None:
        """Follow controls that others have put into the log."""
        for event in foreign:
            data = event.data
            if isinstance(data, e.ControlRequested):
                self.memo.controls[data.control_id] = data
                self._deliver(data)
                if data.control == "cancel" and self._cancel is None:
                    self._cancel = data
                    self._interrupt()
            elif isinstance(data, e.ApprovalAnswered | e.SignalReceived):
                self.waits.hear(data)

    def take_effect(self, control_id: str | None) -> None:
        """What was asked for under this receipt has happened; tells it once."""
        control = self.memo.controls.pop(control_id, None) if control_id is not None else None
        if control is not None:
            self.emit(_told(e.ControlEffective, control))

    def lose(self, error: HeadwayError) -> None:
        """The recorder can store nothing more of this execution."""
        self.lost = error
        self.leave()

    def leave(self) -> None:
        """Stop without a word: another worker goes on, or somebody else has ended it."""
        self._is_left = True
        self.lane.detach()
        self._interrupt()

    def _interrupt(self) -> None:
        self._is_halted = True
        self._wake()

    def _wake(self, _: object = None) -> None:
        if not self._turn.done():
            self._turn.set_result(None)

    async def drive(self) -> None:
        """Run it to its end, or until it is left."""
        for control_id, control in self.memo.controls.items():
            if control_id not in self.memo.delivered:
                self._deliver(control)
        if self._cancel is None:
            self._begin()
        outcome = Returned(None) if self._cancel is not None else await self._run_body()
        if not self._is_left:
            with contextlib.suppress(HeadwayError):  # `lose` has been told why
                await self._end(outcome)

    def _begin(self) -> None:
        plan = list(self._workflow.definition.plan)
        attempt, worker, reused = self._attempt + 1, self.tools.owner, self.memo.completed
        begun = e.ExecutionResumed if self.memo.started else e.ExecutionStarted
        self.emit(begun(attempt=attempt, worker=worker, reused_steps=reused, plan=plan))
        for control in list(self.memo.controls.values()):
            if control.control == "retry":
                self.take_effect(control.control_id)

    async def _run_body(self) -> Outcome:
        try:
            arguments = self._workflow.arguments(msgspec.json.decode(self._input))
        except Exception as error:  # noqa: BLE001 - a user's validator may raise anything
            return Raised(error)
        scope = EngineScope(self, Attempt())
        self.tools.scope_begins(scope)
        body = self._start_body(scope, arguments)
        timeout_s = self._workflow.definition.timeout_s
        try:
            body.add_done_callback(self._wake)
            if timeout_s is None:
                await self._turn
            else:
                await asyncio.wait({self._turn}, timeout=timeout_s)
            if body.done() and self._cancel is None:
                return body.result()
            await self._halt(body)
            if self._is_halted:
                return body.result() if body.done() else Returned(None)
            return Raised(ExecutionTimeout(f"the execution took longer than {timeout_s:g} s"))
        finally:
            self.tools.scope_ended(scope)

    def _start_body(self, scope: EngineScope, arguments: dict[str, Any]) -> "asyncio.Future[Outcome]":
        call: Callable[[], Any] = partial(self._workflow.function, **arguments)
        if self._workflow.is_async:
            return asyncio.create_task(guarded(scope, call))
        context = contextvars.copy_context()
        context.run(current_scope.set, scope)
        return self.tools.threads.run(partial(context.run, call))

    async def _halt(self, body: "asyncio.Future[Outcome]") -> None:
        """Bring the user's code to an end, as far as that can be done."""
        self.stopping = True
        deadline = self.loop.time() + HALT_S
        while self.loop.time() < deadline:
            tasks = [*self._blocking, *([body] if isinstance(body, asyncio.Task) and not body.done() else [])]
            if not tasks:
                break
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=RECANCEL_S)
        if isinstance(body, asyncio.Task):
            if not body.done():
                self._tell("the workflow could not be stopped: it runs on in spite of its cancellation")
        elif not await settles(body, self.tools.thread_grace_s):
            self._tell("the workflow could not be stopped: a thread cannot be killed, and it runs on")

    def _deliver(self, control: e.ControlRequested) -> None:
        self.emit(_told(e.ControlDelivered, control))

    def _tell(self, message: str) -> None:
        self.emit(e.Log(level="WARNING", message=message, logger="headway"))

    async def _end(self, outcome: Outcome) -> None:
        cancel = self._cancel
        if cancel is not None:
            for control in list(self.memo.controls.values()):
                if control.control == "cancel":  # it may have been asked for again, with force
                    self.take_effect(control.control_id)
            await self.lane.close(partial(self._cancelled, cancel.by))
            return
        if isinstance(outcome, Returned):
            outcome = self._checked(outcome.value)
        if isinstance(outcome, Returned):
            await self.lane.close(partial(self._completed, outcome.value))
        else:
            await self.lane.close(partial(self.failure, outcome.error))

    def _checked(self, value: Any) -> Outcome:
        """The encoded output, unless the run did not fit what is recorded."""
        forgotten = next(self.memo.unclaimed(), None)
        if forgotten is not None:
            return Raised(
                CodeChanged(
                    f"{forgotten.step_id} was done before the restart, but the code no longer asks for it: "
                    "the workflow was changed, or depends on time or chance outside its steps; run it again",
                    step_id=forgotten.step_id,
                )
            )
        unused = self.memo.unused()
        if unused:
            self._tell(
                f"{len(unused)} results of the execution that this one does over were of no use, as the code "
                f"asked for something else: {', '.join(unused[:5])}"
            )
        try:
            return Returned(encode_output(value))
        except HeadwayError as error:
            return Raised(error)

    def _completed(self, output: msgspec.Raw, totals: e.Totals) -> e.ExecutionCompleted:
        return e.ExecutionCompleted(totals=totals, result=self._result("completed", totals, output=output))

    def _cancelled(self, by: str | None, totals: e.Totals) -> e.ExecutionCancelled:
        return e.ExecutionCancelled(by=by, totals=totals, result=self._result("cancelled", totals))

    def failure(self, error: BaseException, totals: e.Totals) -> e.ExecutionFailed:
        line = error_line(error)
        record = self._step_at_fault(error)
        is_ours = isinstance(error, HeadwayError) and error.__traceback__ is None
        return e.ExecutionFailed(
            error=line,
            code=error_code(error),
            traceback=None if is_ours else user_traceback(error),
            step=record.name if record else None,
            step_id=record.step_id if record else None,
            totals=totals,
            result=self._result("failed", totals, error=line),
        )

    def _step_at_fault(self, error: BaseException) -> StepRecord | None:
        if self._fault is None:
            return None
        blamed, record = self._fault
        return record if any(cause is blamed for cause in causes(error)) else None

    def _result(
        self, status: str, totals: e.Totals, *, output: msgspec.Raw = NULL, error: str | None = None
    ) -> e.ExecutionResult:
        return e.ExecutionResult(
            execution_id=self.execution_id, status=status, output=output, error=error, totals=totals
        )


def _told(stage: type[_Stage], control: e.ControlRequested) -> _Stage:
    return stage(control=control.control, control_id=control.control_id, by=control.by, force=control.force)
