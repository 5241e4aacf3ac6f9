"""One attempt of a step, where its kind of function belongs: on the loop, in a thread, in a process.

Each kind is stopped as far as it can be: a task is cancelled, a process killed, a thread only asked; where it
does not listen, the log says so.
"""

import asyncio
import contextvars
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from headway.domain import events as e
from headway.errors import StepTimeout
from headway.ports import RunnableStep, StepOptions, current_scope
from headway.services.scopes import Attempt, EngineScope
from headway.services.threads import Outcome, Raised, Returned

if TYPE_CHECKING:
    from headway.services.running_execution import RunningExecution

RECANCEL_S = 0.5  # a task that swallowed its cancellation is cancelled again


async def run_attempt(
    execution: "RunningExecution",
    scope: EngineScope,
    attempt: Attempt,
    step: RunnableStep,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Run the function once and return what it returns.

    Raises:
        StepTimeout: It took longer than the step's `timeout_s`.
    """
    try:
        return await _run(execution, scope, attempt, step, args, kwargs)
    finally:
        execution.tools.scope_ended(scope)


async def _run(
    execution: "RunningExecution",
    scope: EngineScope,
    attempt: Attempt,
    step: RunnableStep,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    options = step.options
    if options.process:
        return await _in_process(execution, scope, attempt, step, args, kwargs)
    if not step.is_async:
        return await _in_thread(execution, scope, attempt, step, args, kwargs)
    if options.timeout_s is None:
        token = current_scope.set(scope)
        try:
            return await step.function(*args, **kwargs)
        finally:
            current_scope.reset(token)
    return await _in_task(scope, attempt, step, args, kwargs)


async def guarded(scope: EngineScope, call: Callable[[], Any]) -> Outcome:
    """Run asynchronous user code as a task that never raises: what it raised is its outcome."""
    current_scope.set(scope)
    try:
        return Returned(await call())
    except BaseException as error:  # noqa: BLE001 - SystemExit in a task would end the whole worker
        return Raised(error)


def unwrap(outcome: Outcome) -> Any:
    if isinstance(outcome, Raised):
        raise outcome.error
    return outcome.value


async def settles(future: "asyncio.Future[Outcome]", within_s: float) -> bool:
    """Wait for the end of what has been told to stop; being cancelled meanwhile changes nothing."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while not future.done() and (left_s := deadline - loop.time()) > 0:
        try:
            await asyncio.wait({future}, timeout=left_s)
        except asyncio.CancelledError:
            continue
    return future.done()


async def _in_task(
    scope: EngineScope,
    attempt: Attempt,
    step: RunnableStep,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    options = step.options
    task = asyncio.create_task(guarded(scope, partial(step.function, *args, **kwargs)))
    try:
        done, _ = await asyncio.wait({task}, timeout=options.timeout_s)
    except asyncio.CancelledError:
        attempt.cancelled = True
        await _cancel(task)
        raise
    if not done:
        attempt.cancelled = True
        await _cancel(task)
        raise _timeout(options)
    return unwrap(task.result())


async def _cancel(task: "asyncio.Task[Outcome]") -> None:
    while not task.done():
        task.cancel()
        await settles(task, RECANCEL_S)


async def _in_thread(
    execution: "RunningExecution",
    scope: EngineScope,
    attempt: Attempt,
    step: RunnableStep,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    context = contextvars.copy_context()
    context.run(current_scope.set, scope)
    future = execution.tools.threads.run(partial(context.run, step.function, *args, **kwargs))
    return await _watched(execution, scope, attempt, step.options, future, lambda: None)


async def _in_process(
    execution: "RunningExecution",
    scope: EngineScope,
    attempt: Attempt,
    step: RunnableStep,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    job = execution.tools.processes.job(step.function, args, kwargs, scope)
    future = execution.tools.threads.run(job.run)
    return await _watched(execution, scope, attempt, step.options, future, job.kill)


async def _watched(
    execution: "RunningExecution",
    scope: EngineScope,
    attempt: Attempt,
    options: StepOptions,
    future: "asyncio.Future[Outcome]",
    kill: Callable[[], None],
) -> Any:
    """Wait for a call off the loop, at most as long as the step may take."""
    try:
        done, _ = await asyncio.wait({future}, timeout=options.timeout_s)
    except asyncio.CancelledError:
        await _give_up(execution, scope, attempt, future, kill)
        raise
    if not done:
        await _give_up(execution, scope, attempt, future, kill)
        raise _timeout(options)
    return unwrap(future.result())


async def _give_up(
    execution: "RunningExecution",
    scope: EngineScope,
    attempt: Attempt,
    future: "asyncio.Future[Outcome]",
    kill: Callable[[], None],
) -> None:
    attempt.cancelled = True
    kill()
    if not await settles(future, execution.tools.thread_grace_s):
        execution.emit(
            e.Log(
                level="WARNING",
                message=f"{scope.step_id} could not be stopped: a thread cannot be killed, and it runs on "
                "until its function returns (check headway.current().cancelled in long loops, "
                "or declare the step with process=True)",
                step_id=scope.step_id,
                step=scope.step_name,
                logger="headway",
            )
        )


def _timeout(options: StepOptions) -> StepTimeout:
    return StepTimeout(
        f"{options.name} took longer than {options.timeout_s:g} s", timeout_s=options.timeout_s
    )
