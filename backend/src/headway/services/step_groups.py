"""`map`: one step over many items, as a group that shows how many are done."""

import asyncio
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from headway.domain import events as e
from headway.errors import WorkflowError
from headway.ports import RunnableStep
from headway.services.failures import error_line, user_traceback
from headway.services.recovery import StepRecord
from headway.services.scopes import Attempt, EngineScope
from headway.services.values import digest

if TYPE_CHECKING:
    from headway.services.running_execution import RunningExecution

ASYNC_CONCURRENCY = 100  # items at once where the caller gives no limit
THREAD_CONCURRENCY = min(32, (os.cpu_count() or 1) + 4)


class StepGroups:
    """Runs the groups of one execution."""

    def __init__(self, execution: "RunningExecution") -> None:
        self._execution = execution

    async def run(
        self,
        scope: EngineScope,
        step: RunnableStep,
        items: Sequence[Any],
        *,
        concurrency: int | None,
        return_exceptions: bool,
    ) -> list[Any]:
        """Run the step once an item; the first error cancels the others, unless exceptions are results."""
        execution = self._execution
        execution.check_running()
        name = step.options.name
        record = execution.memo.ask(digest(scope.path, f"{name}[]", items), name, group=True)
        is_recalled = record.ended == "completed"
        record.parent = scope.step_id if record.parent is None else record.parent
        began_s = execution.tools.clock.monotonic()
        if not is_recalled:
            self._start(record, step, len(items))
        group = _Group(execution, scope.inner(Attempt(), record.step_id, name), step, record, items)
        group.is_silent = is_recalled
        try:
            await group.run(concurrency or _default_concurrency(step), return_exceptions=return_exceptions)
        except BaseException as error:
            if not is_recalled:
                self._end(record, error)
            raise
        if not is_recalled:
            await execution.commit(
                e.StepCompleted(
                    step=name,
                    step_id=record.step_id,
                    attempt=record.attempt,
                    key=record.key,
                    duration_s=execution.seconds_since(began_s),
                )
            )
        return group.results

    def _start(self, record: StepRecord, step: RunnableStep, total: int) -> None:
        record.attempt += 1
        self._execution.emit(
            e.StepStarted(
                step=record.name,
                step_id=record.step_id,
                attempt=record.attempt,
                key=record.key,
                parent=record.parent,
                total=total,
                weight=step.options.weight,
            )
        )

    def _end(self, record: StepRecord, error: BaseException) -> None:
        if isinstance(error, asyncio.CancelledError):
            self._execution.emit(
                e.StepCancelled(step=record.name, step_id=record.step_id, attempt=record.attempt)
            )
            return
        line = error_line(error)
        self._execution.emit(
            e.StepFailed(
                step=record.name,
                step_id=record.step_id,
                attempt=record.attempt,
                message=f"{record.step_id} failed: {line}",
                error=line,
                traceback=user_traceback(error),
            )
        )


class _Group:
    """The items of one group while they are worked through."""

    def __init__(
        self,
        execution: "RunningExecution",
        scope: EngineScope,
        step: RunnableStep,
        record: StepRecord,
        items: Sequence[Any],
    ) -> None:
        self._execution, self._scope, self._step, self._record = execution, scope, step, record
        self._waiting = iter(enumerate(items))  # shared by the workers: items start in order
        self._total, self._done = len(items), 0
        self.results: list[Any] = [None] * len(items)
        self.is_silent = False

    async def run(self, concurrency: int, *, return_exceptions: bool) -> None:
        workers = [
            asyncio.create_task(self._work(return_exceptions)) for _ in range(min(concurrency, self._total))
        ]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self, return_exceptions: bool) -> None:
        for index, item in self._waiting:
            try:
                self.results[index] = await self._execution.steps.run(self._scope, self._step, (item,), {})
            except asyncio.CancelledError as error:
                if self._execution.was_asked_to_stop():
                    raise
                # gather() would take it for a cancellation of this worker and leave the others alone
                raise WorkflowError(f"an item ended with {error_line(error)}") from error
            except Exception as error:
                if not return_exceptions:
                    raise
                self.results[index] = error
            self._done += 1
            if not self.is_silent:
                self._execution.emit(
                    e.StepProgressed(
                        step=self._record.name,
                        step_id=self._record.step_id,
                        done=float(self._done),
                        total=float(self._total),
                    )
                )


def _default_concurrency(step: RunnableStep) -> int:
    if step.options.process:
        return os.cpu_count() or 1
    return ASYNC_CONCURRENCY if step.is_async else THREAD_CONCURRENCY
