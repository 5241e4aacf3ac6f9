"""Ids of executions as one process makes them; knows no clock and no randomness."""

from threading import Lock

from headway.domain.identifiers import ExecutionId, execution_id


class ExecutionIds:
    """Makes ids that sort in the order they are asked for also within a millisecond; from any thread.

    Not after a clock that was set back, nor over processes: the order of creation is the journal's alone.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._last = (-1, 0)

    def next(self, unix_ms: int, entropy: int) -> ExecutionId:
        """An id of this time; `entropy` counts for the first of its millisecond."""
        with self._lock:
            last_ms, last = self._last
            self._last = (unix_ms, last + 1 if unix_ms == last_ms else entropy)
            return execution_id(*self._last)
