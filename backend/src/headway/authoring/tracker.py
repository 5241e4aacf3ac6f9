"""How far a loop is, as throttled progress of the step (or workflow) it runs in; loops may nest."""

import time
from contextvars import ContextVar

from headway.domain.events import StepProgressed, cut_message
from headway.ports import Scope, current_scope

INTERVAL_S = 0.05

_innermost: ContextVar["Tracker | None"] = ContextVar("headway_tracker", default=None)


class Tracker:
    """Counts one loop. The outermost of a scope speaks; an inner one moves it on by its fraction.

    Args:
        total: How many there are to do, where known.
        unit: What is counted, like `page`.
        message: What is being done.
    """

    __slots__ = (
        "_ended",
        "_inner",
        "_next_at",
        "_parent",
        "_scope",
        "_step",
        "done",
        "message",
        "total",
        "unit",
    )

    def __init__(
        self, total: float | None = None, unit: str | None = None, message: str | None = None
    ) -> None:
        self.total, self.unit, self.message = total, unit, message
        self.done: float = 0
        self._scope: Scope | None = current_scope.get()
        self._step = _address(self._scope)
        self._parent = self._enclosing()
        self._inner: dict[int, float] = {}  # inner loops by identity: how much of each is done
        self._next_at = 0.0
        self._ended = False
        _innermost.set(self)
        self._report(message, now=True)

    def advance_to(self, done: float) -> None:
        """So many are done; shown at most 20 times a second."""
        self.done = done
        self._inner.clear()
        self._report(self.message)

    def end(self) -> None:
        """The loop is over, finished or not; its last count is always shown."""
        if self._ended:
            return
        self._ended = True
        if _innermost.get() is self:
            _innermost.set(self._parent)
        if self._parent is None:
            self._report(self.message, now=True)

    def _enclosing(self) -> "Tracker | None":
        """The running loop around this one, in the same step of the same execution."""
        outer = _innermost.get()
        while outer is not None and (outer._ended or outer._step != self._step):
            outer = outer._parent
        return outer

    def _report(self, message: str | None, *, now: bool = False) -> None:
        if self._scope is None:
            return
        if self._parent is not None:
            self._parent._move_inside(id(self), self._fraction(), message)
            return
        at = time.monotonic()
        if now or at >= self._next_at:
            self._next_at = at + INTERVAL_S
            self._emit(self._scope, message)

    def _move_inside(self, inner: int, fraction: float, message: str | None) -> None:
        self._inner[inner] = fraction
        self._report(message or self.message)

    def _fraction(self) -> float:
        return min(1.0, self._whole() / self.total) if self.total else 0.0

    def _whole(self) -> float:
        """Done, and the part of the item in work that its inner loops have done."""
        if not self._inner or not self.total:
            return self.done
        return min(self.total, self.done + sum(self._inner.values()) / len(self._inner))

    def _emit(self, scope: Scope, message: str | None) -> None:
        scope.emit(
            StepProgressed(
                step=scope.step_name,
                step_id=scope.step_id,
                done=self._whole(),
                total=self.total,
                unit=self.unit,
                message=message and cut_message(message)[0],
            )
        )


def _address(scope: Scope | None) -> tuple[str, str | None] | None:
    return None if scope is None else (scope.execution_id, scope.step_id)
