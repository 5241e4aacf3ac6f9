"""One attempt of a step, where its kind of function belongs: on the loop, in a thread, in a process.

Each kind is stopped as far as it can be: a task is cancelled, a process killed, a thread only asked; where it
does not listen, the log says so.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from headway.domain import events as e
from headway.errors import StepTimeout
from headway.ports import RunnableStep, current_scope
from headway.services.scopes import Attempt, EngineScope
from headway.services.threads import Outcome, Raised, Returned

if TYPE_CHECKING:
    from headway.services.running_execution import RunningExecution

RECANCEL_S = 0.5  # a task that swallowed its cancellation is cancelled again
HALT_S = 5.0  # and so on, for so long


class Call(msgspec.Struct, frozen=True, eq=False):
    """What is run in one attempt: the step's function with its arguments, in the attempt's scope."""

    execution: "RunningExecution"
    scope: EngineScope
    attempt: Attempt
    step: RunnableStep
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @property
    def function(self) -> Callable[[], Any]:
        """The function with its arguments bound."""
        return partial(self.step.function, *self.args, **self.kwargs)


async def run_attempt(call: Call) -> Any:
    """Run the function once and return what it returns.

    Raises:
        StepTimeout: It took longer than the step's `timeout_s`.
    """
    tools, step = call.execution.tools, call.step
    tools.scope_begins(call.scope)
    try:
        if step.options.process:
            return await _in_process(call)
        if not step.is_async:
            return await _in_thread(call)
        if step.options.timeout_s is not None:
            return await _in_task(call)
        token = current_scope.set(call.scope)
        try:  # in place, and here: most steps are of this kind, and each frame of a coroutine costs
            return await step.function(*call.args, **call.kwargs)
        finally:
            current_scope.reset(token)
    finally:
        tools.scope_ended(call.scope)


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


async def _in_task(call: Call) -> Any:
    task = asyncio.create_task(guarded(call.scope, call.function))
    return await _watched(call, task, partial(_cancel, call, task))


async def _in_thread(call: Call) -> Any:
    context = contextvars.copy_context()
    context.run(current_scope.set, call.scope)
    future = call.execution.tools.threads.run(partial(context.run, call.function))
    return await _watched(call, future, partial(_let_go, call, future))


async def _in_process(call: Call) -> Any:
    tools = call.execution.tools
    job = tools.processes.job(call.step.function, call.args, call.kwargs, call.scope)
    future = tools.threads.run(job.run)

    async def kill() -> None:
        job.kill()
        await _let_go(call, future)

    return await _watched(call, future, kill)


async def _watched(call: Call, future: "asyncio.Future[Outcome]", stop: Callable[[], Awaitable[None]]) -> Any:
    """Wait for the end, at most as long as the step may take; `stop` is for when it is to end before."""
    timeout_s = call.step.options.timeout_s
    try:
        done, _ = await asyncio.wait({future}, timeout=timeout_s)
    except asyncio.CancelledError:
        call.attempt.cancelled = True
        await stop()
        raise
    if not done:
        call.attempt.cancelled = True
        await stop()
        raise StepTimeout(f"{call.step.options.name} took longer than {timeout_s:g} s", timeout_s=timeout_s)
    return unwrap(future.result())


async def _cancel(call: Call, task: "asyncio.Task[Outcome]") -> None:
    loop = call.execution.loop
    deadline = loop.time() + HALT_S
    while not task.done() and loop.time() < deadline:
        task.cancel()
        await settles(task, RECANCEL_S)
    if not task.done():
        _tell_stuck(call, "it goes on in spite of its cancellation")


async def _let_go(call: Call, future: "asyncio.Future[Outcome]") -> None:
    if not await settles(future, call.execution.tools.thread_grace_s):
        _tell_stuck(
            call,
            "a thread cannot be killed, and it runs on until its function returns "
            "(look at headway.current().cancelled in long loops, or declare the step with process=True)",
        )


def _tell_stuck(call: Call, why: str) -> None:
    scope = call.scope
    call.execution.emit(
        e.Log(
            level="WARNING",
            message=f"{scope.step_id} could not be stopped: {why}",
            step_id=scope.step_id,
            step=scope.step_name,
            logger="headway",
        )
    )
