"""A scope that remembers what is emitted and runs steps on the spot, without an engine."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from headway.domain import events as e
from headway.domain.identifiers import ExecutionId
from headway.ports import RunnableStep, Wait, current_scope


class RecordingScope:
    """One for a workflow body; `inside` gives the scope of a step. All share what was recorded."""

    def __init__(self, step_name: str | None = None, *, parent: "RecordingScope | None" = None) -> None:
        self.execution_id = parent.execution_id if parent else ExecutionId("0" * 26)
        self.step_name = step_name
        self.step_id = f"{step_name}#1" if step_name else None
        self.cancelled = False
        self.is_crowded = parent.is_crowded if parent else False
        self.events: list[e.EventData] = parent.events if parent else []
        self.ran: list[tuple[str, tuple[Any, ...], tuple[int, ...]]] = parent.ran if parent else []
        self.outputs: dict[str, tuple[bytes, str]] = parent.outputs if parent else {}
        self.waited: list[Wait] = parent.waited if parent else []
        self.replies: list[Any] = parent.replies if parent else []  # what the next waits end in
        self.path: tuple[int, ...] = parent.path if parent else ()

    def emit(self, data: e.EventData) -> None:
        self.events.append(data)

    async def run_step(self, step: RunnableStep, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.ran.append((step.options.name, args, self.path))
        with self._inside(step):
            result = step.function(*args, **kwargs)
            return await result if step.is_async else result

    def run_step_blocking(self, step: RunnableStep, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.ran.append((step.options.name, args, self.path))
        with self._inside(step):
            result = step.function(*args, **kwargs)
            return asyncio.run(result) if step.is_async else result

    async def map(
        self, step: RunnableStep, items: Sequence[Any], *, concurrency: int | None, return_exceptions: bool
    ) -> list[Any]:
        return [await self.run_step(step, (item,), {}) for item in items]

    def map_blocking(
        self, step: RunnableStep, items: Sequence[Any], *, concurrency: int | None, return_exceptions: bool
    ) -> list[Any]:
        return [self.run_step_blocking(step, (item,), {}) for item in items]

    async def wait(self, wanted: Wait) -> Any:
        self.waited.append(wanted)
        return self.replies.pop(0) if self.replies else None

    def wait_blocking(self, wanted: Wait) -> Any:
        self.waited.append(wanted)
        return self.replies.pop(0) if self.replies else None

    def branch(self, index: int) -> "RecordingScope":
        branch = RecordingScope(self.step_name, parent=self)
        branch.path = (*self.path, index)
        return branch

    def save_output(self, name: str, content: bytes, media_type: str) -> None:
        self.outputs[name] = (content, media_type)

    def of(self, kind: type[e.EventData]) -> list[Any]:
        return [data for data in self.events if isinstance(data, kind)]

    @property
    def lines(self) -> list[str]:
        return [data.message for data in self.of(e.Log)]

    @contextmanager
    def _inside(self, step: RunnableStep) -> Iterator[None]:
        with entered(RecordingScope(step.options.name, parent=self)):
            yield


@contextmanager
def entered(scope: RecordingScope) -> Iterator[RecordingScope]:
    """Run the block inside the scope."""
    token = current_scope.set(scope)
    try:
        yield scope
    finally:
        current_scope.reset(token)
