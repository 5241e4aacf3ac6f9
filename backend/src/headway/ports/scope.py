"""Where user code is: its way to the running engine."""

from collections.abc import Awaitable, Sequence
from contextvars import ContextVar
from typing import Any, Protocol

from headway.domain.events import EventData
from headway.domain.identifiers import ExecutionId
from headway.ports.authored import RunnableStep
from headway.ports.waits import Wait


class Scope(Protocol):
    """Where user code is: inside which execution, and which step of it (if any).

    `emit` never blocks and never raises. `Scope` objects are cheap; one exists for the workflow body and one
    for each running attempt of a step.
    """

    @property
    def execution_id(self) -> ExecutionId: ...

    @property
    def step_id(self) -> str | None: ...

    @property
    def step_name(self) -> str | None: ...

    @property
    def cancelled(self) -> bool:
        """Plain functions look here to stop early; asynchronous ones are cancelled."""
        ...

    @property
    def is_crowded(self) -> bool:
        """True while much waits to be stored: a source that can be read later, like a pipe, is then left."""
        ...

    def emit(self, data: EventData) -> None: ...

    def run_step(self, step: RunnableStep, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Awaitable[Any]:
        """Run (or recall) a step from asynchronous code on the engine's loop."""
        ...

    def run_step_blocking(self, step: RunnableStep, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The same from a plain function, in its thread."""
        ...

    def map(
        self, step: RunnableStep, items: Sequence[Any], *, concurrency: int | None, return_exceptions: bool
    ) -> Awaitable[list[Any]]:
        """One step an item, in a group that shows done of total; results in the items' order."""
        ...

    def map_blocking(
        self, step: RunnableStep, items: Sequence[Any], *, concurrency: int | None, return_exceptions: bool
    ) -> list[Any]: ...

    def wait(self, wanted: Wait) -> Awaitable[Any]:
        """Wait (or recall how a wait ended); it goes on after a crash where it was."""
        ...

    def wait_blocking(self, wanted: Wait) -> Any:
        """The same from a plain function, in its thread."""
        ...

    def branch(self, index: int) -> "Scope":
        """The scope of one branch of a `gather`, so that its steps are found again after a crash."""
        ...

    def save_output(self, name: str, content: bytes, media_type: str) -> None:
        """Keep a file with the execution and emit `output`."""
        ...


current_scope: ContextVar[Scope | None] = ContextVar("headway_scope", default=None)
