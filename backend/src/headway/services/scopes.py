"""Where user code is: the engine's side of `ports.Scope`, one for the body and one for each attempt."""

import asyncio
import concurrent.futures
from collections.abc import Awaitable, Coroutine, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from headway.domain import events as e
from headway.domain.identifiers import ExecutionId
from headway.ports import RunnableStep, Wait

if TYPE_CHECKING:
    from headway.services.running_execution import RunningExecution


# Structs, like all that is made for every attempt: at a fraction of what a class costs to make.


class Attempt(msgspec.Struct, eq=False):
    """One try of a step (or the body), shared by its branches; `cancelled` once it is given up."""

    cancelled: bool = False


class EngineScope(msgspec.Struct, eq=False):
    """See `ports.Scope`. `path` names the place in the code for keys: a step's id and the branches in it."""

    _execution: "RunningExecution"
    _attempt: Attempt
    path: str = ""
    step_id: str | None = None
    step_name: str | None = None

    @property
    def execution_id(self) -> ExecutionId:
        return self._execution.execution_id

    @property
    def cancelled(self) -> bool:
        return self._attempt.cancelled or self._execution.stopping

    @property
    def is_crowded(self) -> bool:
        return self._execution.lane.is_crowded

    def emit(self, data: e.EventData) -> None:
        if self._attempt.cancelled and type(data) is not e.Log:
            return  # a thread that runs on after its attempt ended may still talk, but reports nothing
        self._execution.lane.emit(data)

    def run_step(
        self, step: RunnableStep, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Coroutine[Any, Any, Any]:
        return self._execution.steps.run(self, step, args, kwargs)

    def run_step_blocking(self, step: RunnableStep, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self._block(self._execution.steps.run(self, step, args, kwargs))

    def map(
        self, step: RunnableStep, items: Sequence[Any], *, concurrency: int | None, return_exceptions: bool
    ) -> Awaitable[list[Any]]:
        return self._execution.groups.run(
            self, step, items, concurrency=concurrency, return_exceptions=return_exceptions
        )

    def map_blocking(
        self, step: RunnableStep, items: Sequence[Any], *, concurrency: int | None, return_exceptions: bool
    ) -> list[Any]:
        work = self._execution.groups.run(
            self, step, items, concurrency=concurrency, return_exceptions=return_exceptions
        )
        results: list[Any] = self._block(work)
        return results

    def wait(self, wanted: Wait) -> Coroutine[Any, Any, Any]:
        return self._execution.waits.run(self, wanted)

    def wait_blocking(self, wanted: Wait) -> Any:
        return self._block(self._execution.waits.run(self, wanted, holds_thread=True))

    def branch(self, index: int) -> "EngineScope":
        path = f"{self.path}/{index}"
        return EngineScope(self._execution, self._attempt, path, self.step_id, self.step_name)

    def inner(self, attempt: Attempt, step_id: str, name: str) -> "EngineScope":
        """The scope of an attempt of a step that is called here."""
        return EngineScope(self._execution, attempt, step_id, step_id, name)

    def save_output(self, name: str, content: bytes, media_type: str) -> None:
        self._execution.outputs.save(self.execution_id, name, content)
        self.emit(
            e.Output(
                name=name,
                media_type=media_type,
                size=len(content),
                sha256=sha256(content).hexdigest(),
                message=f"output {name} ({len(content):,} bytes)",
                step_id=self.step_id,
            )
        )

    def _block(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Have the engine's loop do it while this thread waits."""
        if self.cancelled:
            work.close()
            raise asyncio.CancelledError
        waiting = asyncio.run_coroutine_threadsafe(self._execution.tracked(work), self._execution.loop)
        try:
            return waiting.result()
        except concurrent.futures.CancelledError:
            # An asyncio.CancelledError is no Exception: user code that catches those does not swallow it.
            raise asyncio.CancelledError from None
