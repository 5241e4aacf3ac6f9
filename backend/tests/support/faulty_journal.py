"""A journal that fails on demand, in the ways a disk does."""

import threading
from collections.abc import Sequence

from headway.adapters.journal.memory import MemoryJournal
from headway.errors import JournalUnavailable
from headway.ports import Appended, Batch


class FaultyJournal(MemoryJournal):
    """The journal in memory, with faults in `append`.

    `unavailable` refuses before storing, `forgetful` stores and then loses the answer; `gate` holds an append
    until it is set.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unavailable = False
        self.forgetful = 0
        self.gate = threading.Event()
        self.gate.set()
        self.waiting = threading.Event()  # an append has come to the gate
        self.calls: list[list[Batch]] = []
        self.answers: list[Appended | Exception] = []

    def append(self, batches: Sequence[Batch]) -> list[Appended | Exception]:
        self.waiting.set()
        self.gate.wait(10)
        self.calls.append(list(batches))
        if self.unavailable:
            raise JournalUnavailable("the disk is full")
        outcomes = super().append(batches)
        self.answers += outcomes
        if self.forgetful:
            self.forgetful -= 1
            raise JournalUnavailable("the answer was lost")
        return outcomes
