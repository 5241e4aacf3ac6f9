"""How a worker treats an execution that may be what takes workers down: it runs with nothing new beside it.

When a worker dies, each of its executions may be the cause. One that was there several times runs alone for a
while: if the worker dies again it was the cause, and else it is cleared, however long its step takes.
"""

from collections.abc import Callable

from headway.domain.identifiers import ExecutionId
from headway.ports import SUSPECT_CRASHES, ExecutionRecord

FIRST_S, MAX_S = 10.0, 600.0  # doubled with each time it is taken up: slow killers show themselves too


class Probation:
    """At most one suspect at a time."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self.suspect: ExecutionId | None = None
        self._ends_at = 0.0

    def begin(self, record: ExecutionRecord) -> None:
        """A suspect has been taken up; does nothing for any other."""
        if record.crashes >= SUSPECT_CRASHES:
            times = max(0, record.lease_epoch - SUSPECT_CRASHES - 1)
            self.suspect = record.execution_id
            self._ends_at = self._monotonic() + min(MAX_S, FIRST_S * 2 ** min(times, 30))

    @property
    def is_over(self) -> bool:
        """It has survived long enough."""
        return self._monotonic() >= self._ends_at

    def end(self) -> None:
        self.suspect = None
