"""`current`: where this code runs."""

from dataclasses import dataclass

from headway.ports import Scope, current_scope


@dataclass(frozen=True, slots=True)
class Current:
    """Names of the execution and, inside a step, of the step."""

    execution_id: str
    step_id: str | None
    _scope: Scope

    @property
    def cancelled(self) -> bool:
        """True once the execution is to stop: a long plain loop looks here and returns early."""
        return self._scope.cancelled


def current() -> Current | None:
    """Where this code runs, or `None` outside a workflow."""
    scope = current_scope.get()
    return None if scope is None else Current(scope.execution_id, scope.step_id, scope)
