"""An older copy of a journal in memory, put back under whoever watches."""

import copy

from tests.support.authored import AuthoredExecution

from headway.adapters.journal.memory import MemoryJournal


class Restorable:
    """An execution whose journal can be put back to an older copy, as from a backup."""

    def __init__(self, journal: MemoryJournal, execution: AuthoredExecution) -> None:
        self._journal, self.execution = journal, execution
        self._logs = copy.deepcopy(journal._logs)
        self._written = execution._state.copy(), execution._number

    def restore(self) -> None:
        with self._journal._lock:
            self._journal._logs = copy.deepcopy(self._logs)
        state, number = self._written
        self.execution._state, self.execution._number = state.copy(), number
