"""One step from its call to its recorded result: recall, attempts, retries, timeout, cancellation.

How a function is run (task, thread, process) is `attempts.py`'s affair. Everything here runs on the engine's
loop, so the memo needs no lock.
"""

import asyncio
import random
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from headway.domain import events as e
from headway.errors import ResultTooLarge, WorkflowError
from headway.ports import RunnableStep
from headway.services.attempts import Call, run_attempt
from headway.services.failures import error_line, user_traceback
from headway.services.recovery import StepRecord
from headway.services.scopes import Attempt, EngineScope
from headway.services.values import digest, encode_result, preview

if TYPE_CHECKING:
    from headway.services.running_execution import RunningExecution

MAX_BACKOFF_S = 60.0


class StepRunner:
    """Runs the steps of one execution."""

    def __init__(self, execution: "RunningExecution") -> None:
        self._execution = execution

    async def run(
        self, scope: EngineScope, step: RunnableStep, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Recall the step's result, or do it; the result is durable when this returns."""
        execution = self._execution
        execution.check_running()
        options = step.options
        record = execution.memo.ask(digest(scope.path, options.name, (args, kwargs)), options.name)
        if record.ended == "completed" and record.result is not UNSET:
            return step.restore(msgspec.json.decode(record.result))
        record.parent = scope.step_id if record.parent is None else record.parent
        gate = execution.tools.gate(options)
        if gate is None:
            return await self._attempts(scope, record, step, args, kwargs)
        async with gate:
            return await self._attempts(scope, record, step, args, kwargs)

    async def _attempts(
        self,
        scope: EngineScope,
        record: StepRecord,
        step: RunnableStep,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        execution, options = self._execution, step.options
        had_failed = record.ended is not None
        while True:
            execution.check_running()
            record.attempt += 1
            began_s = execution.tools.clock.monotonic()
            execution.emit(
                e.StepStarted(
                    step=record.name,
                    step_id=record.step_id,
                    attempt=record.attempt,
                    key=record.key,
                    parent=record.parent,
                    weight=options.weight,
                )
            )
            attempt = Attempt()
            try:
                inner = scope.inner(attempt, record.step_id, record.name)
                value = await run_attempt(Call(execution, inner, attempt, step, args, kwargs))
                result = encode_result(value)
                break
            except asyncio.CancelledError as error:
                if execution.was_asked_to_stop():
                    self._cancelled(record)
                else:  # nobody cancelled this task: user code let the error out, a failure like any other
                    self._give_up(record, error, began_s, preview(step.function, args, kwargs))
                raise
            except (SystemExit, KeyboardInterrupt) as left:
                ending = WorkflowError(f"the step ended with {error_line(left)}")
                ending.__cause__ = left
                await self._fail(record, step, (args, kwargs), ending, began_s)
            except Exception as error:  # noqa: BLE001 - user code: its errors are told, then raised again
                await self._fail(record, step, (args, kwargs), error, began_s)
        if result is None:
            self._warn_unrecorded(record)
        await execution.commit(
            e.StepCompleted(
                step=record.name,
                step_id=record.step_id,
                attempt=record.attempt,
                key=record.key,
                duration_s=execution.seconds_since(began_s),
                result=UNSET if result is None else result,
            )
        )
        if had_failed:
            execution.memo.diverged = True
        return value

    def _warn_unrecorded(self, record: StepRecord) -> None:
        self._execution.emit(
            e.Log(
                level="WARNING",
                message=f"the result of {record.step_id} has no JSON form and was not recorded: "
                "after a crash the step is done again",
                step_id=record.step_id,
                step=record.name,
                logger="headway",
            )
        )

    async def _fail(
        self,
        record: StepRecord,
        step: RunnableStep,
        given: tuple[tuple[Any, ...], dict[str, Any]],
        error: Exception,
        began_s: float,
    ) -> None:
        """Tell of the attempt; returns when it is time for the next one, raises where there is none."""
        options = step.options
        if record.failures >= options.retries or isinstance(error, ResultTooLarge):
            self._give_up(record, error, began_s, preview(step.function, *given))
            raise error
        delay_s = random.uniform(0, min(MAX_BACKOFF_S, options.backoff_s * 2 ** min(record.failures, 30)))
        line = error_line(error)
        self._execution.emit(
            e.StepRetrying(
                step=record.name,
                step_id=record.step_id,
                attempt=record.attempt,
                max_attempts=record.attempt + options.retries - record.failures,
                backoff_s=round(delay_s, 3),
                message=f"{record.step_id} failed and is tried again in {delay_s:.1f} s: {line}",
                error=line,
                traceback=user_traceback(error),
            )
        )
        record.failures += 1
        try:
            await asyncio.sleep(delay_s)
        except asyncio.CancelledError:
            self._cancelled(record)
            raise

    def _give_up(self, record: StepRecord, error: BaseException, began_s: float, shown: str | None) -> None:
        line = error_line(error)
        self._execution.blame(error, record)
        self._execution.emit(
            e.StepFailed(
                step=record.name,
                step_id=record.step_id,
                attempt=record.attempt,
                message=f"{record.step_id} failed: {line}",
                error=line,
                traceback=user_traceback(error),
                duration_s=self._execution.seconds_since(began_s),
                input=shown,
            )
        )

    def _cancelled(self, record: StepRecord) -> None:
        self._execution.emit(
            e.StepCancelled(step=record.name, step_id=record.step_id, attempt=record.attempt)
        )
