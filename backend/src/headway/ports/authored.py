"""A user's steps and workflows as the engine sees them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from headway.domain.workflow import WorkflowDefinition


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOptions:
    """How a step runs; see `headway.step`."""

    name: str
    retries: int = 0
    backoff_s: float = 1.0
    timeout_s: float | None = None
    weight: float = 1.0
    process: bool = False
    max_concurrency: int | None = None


class RunnableStep(Protocol):
    """A user's function as a step."""

    @property
    def options(self) -> StepOptions: ...

    @property
    def function(self) -> Callable[..., Any]: ...

    @property
    def is_async(self) -> bool: ...

    def restore(self, value: Any) -> Any:
        """Make a recorded JSON result what the function's return annotation says."""
        ...


class RunnableWorkflow(Protocol):
    """A user's function as a workflow."""

    @property
    def definition(self) -> WorkflowDefinition: ...

    @property
    def function(self) -> Callable[..., Any]: ...

    @property
    def is_async(self) -> bool: ...

    def arguments(self, input: Mapping[str, Any]) -> dict[str, Any]:
        """Validate the input and make it what the type hints say.

        Raises:
            InvalidInput: Naming each field.
        """
        ...
