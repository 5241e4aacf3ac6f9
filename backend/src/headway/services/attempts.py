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
HALT_S = 5.0  # and so on, for so long


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
    return await _in_task(execution, scope, attempt, step, args, kwargs)


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
    execution: "RunningExecution",
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
        await _cancel(execution, scope, attempt, task)
        raise
    if not done:
        await _cancel(execution, scope, attempt, task)
        raise _timeout(options)
    return unwrap(task.result())


async def _cancel(
    execution: "RunningExecution", scope: EngineScope, attempt: Attempt, task: "asyncio.Task[Outcome]"
) -> None:
    attempt.cancelled = True
    deadline = execution.loop.time() + HALT_S
    while not task.done() and execution.loop.time() < deadline:
        task.cancel()
        await settles(task, RECANCEL_S)
    if not task.done():
        _tell_stuck(execution, scope, "it goes on in spite of its cancellation")


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
        _tell_stuck(
            *(execution, scope),
            "a thread cannot be killed, and it runs on until its function returns "
            "(look at headway.current().cancelled in long loops, or declare the step with process=True)",
        )


def _tell_stuck(execution: "RunningExecution", scope: EngineScope, why: str) -> None:
    execution.emit(
        e.Log(
            level="WARNING",
            message=f"{scope.step_id} could not be stopped: {why}",
            step_id=scope.step_id,
            step=scope.step_name,
            logger="headway",
        )
    )


def _timeout(options: StepOptions) -> StepTimeout:
    return StepTimeout(
        f"{options.name} took longer than {options.timeout_s:g} s", timeout_s=options.timeout_s
    )
