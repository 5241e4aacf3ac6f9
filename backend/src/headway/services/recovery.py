"""What an execution has already done, read from its events: pure.

A step is found again by its key (place, name, arguments) and the order in which equal keys were asked for, so
the same code asks for the same records whatever ran beside it.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec
from msgspec import UNSET, Raw, UnsetType

from headway.domain import events as e
from headway.services.wait_records import WaitMemo

Ended = Literal["completed", "failed", "cancelled"]


class StepRecord(msgspec.Struct, kw_only=True):
    """One step of an execution: as the log tells it, or new.

    Args:
        attempt: The last one that began; 0 before the first.
        failures: Attempts that failed and were to be tried again.
        ended: How it ended, or `None` while it has not.
        result: What it returned; absent where it could not be encoded.
        reused: Copied from another execution: its input may differ, so the code need not ask for it.
    """

    step_id: str
    name: str
    key: str | None = None
    parent: str | None = None
    attempt: int = 0
    failures: int = 0
    ended: Ended | None = None
    result: Raw | UnsetType = UNSET
    reused: bool = False

    @property
    def is_group(self) -> bool:
        return self.step_id.startswith(f"{self.name}[]#")


class Memo(msgspec.Struct, eq=False):
    """The steps of an execution: those of its log wait to be asked for, new ones get the next number.

    Args:
        cancel: The first that was asked for: from then on no user code is run.
        controls: Asked for by others and not yet in effect, by receipt; those in `delivered` are known to be.
    """

    started: bool = False
    cancel: e.ControlRequested | None = None
    diverged: bool = False  # a step that had failed went well this time: the code may take another way
    waits: WaitMemo = msgspec.field(default_factory=WaitMemo)
    controls: dict[str, e.ControlRequested] = {}
    delivered: set[str] = set()
    _steps: dict[str, StepRecord] = {}
    _waiting: dict[str, deque[StepRecord]] = {}
    _numbers: dict[str, int] = {}

    @classmethod
    def of(cls, events: Iterable[e.Event]) -> "Memo":
        """Read the log of an execution; only steps, starts, controls and waits matter."""
        memo = cls()
        for event in events:
            memo._observe(event.data)
        memo.waits.finish()
        for record in memo._steps.values():
            if record.key is not None:
                memo._waiting.setdefault(record.key, deque()).append(record)
        return memo

    @property
    def completed(self) -> int:
        """How many steps need not be done again."""
        return sum(
            record.ended == "completed" and not record.is_group and record.result is not UNSET
            for record in self._steps.values()
        )

    def ask(self, key: str, name: str, *, group: bool = False) -> StepRecord:
        """The record of the step the code asks for now."""
        waiting = self._waiting.get(key)
        if waiting:
            return waiting.popleft()
        label = f"{name}[]" if group else name
        # The lowest that is free: an item that is done over among copied ones keeps its number.
        number = self._numbers.get(label, 0) + 1
        while (step_id := f"{label}#{number}") in self._steps:
            number += 1
        self._numbers[label] = number
        return StepRecord(step_id=step_id, name=name, key=key)

    def unclaimed(self) -> Iterator[StepRecord]:
        """Steps with a result that the code has not asked for.

        Steps inside another step are not among them: where the outer one is recalled nobody asks for them.
        """
        if self.diverged:
            return
        for waiting in self._waiting.values():
            for record in waiting:
                if record.ended == "completed" and not record.reused and not self._is_nested(record):
                    yield record

    def unused(self) -> list[str]:
        """Steps with a copied result that the code has not asked for."""
        left = (record for waiting in self._waiting.values() for record in waiting)
        return [record.step_id for record in left if record.reused and not self._is_nested(record)]

    def _is_nested(self, record: StepRecord) -> bool:
        parent = record.parent
        while parent is not None:
            outer = self._steps.get(parent)
            if outer is None or not outer.is_group:
                return True
            parent = outer.parent
        return False

    def _observe(self, data: e.EventData) -> None:
        match data:
            case e.ExecutionStarted() | e.ExecutionResumed():
                self.started = True
            case e.StepStarted():
                self._begin(data)
            case e.StepRetrying() if data.step_id in self._steps:
                self._steps[data.step_id].failures += 1
            case e.StepCompleted() if data.step_id in self._steps:
                record = self._steps[data.step_id]
                record.ended, record.result, record.reused = "completed", data.result, data.reused
            case e.StepFailed() if data.step_id in self._steps:
                record = self._steps[data.step_id]
                record.ended, record.failures = "failed", 0
            case e.StepCancelled() if data.step_id in self._steps:
                self._steps[data.step_id].ended = "cancelled"
            case e.ControlRequested() | e.ControlDelivered() | e.ControlEffective():
                self._follow(data)
            case _:
                self.waits.observe(data)

    def _follow(self, data: e.ControlRequested | e.ControlDelivered | e.ControlEffective) -> None:
        match data:
            case e.ControlRequested():
                self.controls[data.control_id] = data
                if data.control == "cancel" and self.cancel is None:
                    self.cancel = data
            case e.ControlDelivered():
                self.delivered.add(data.control_id)
            case e.ControlEffective():
                self.controls.pop(data.control_id, None)

    def _begin(self, data: e.StepStarted) -> None:
        record = self._steps.get(data.step_id)
        if record is None:
            record = StepRecord(step_id=data.step_id, name=data.step, key=data.key, parent=data.parent)
            self._steps[data.step_id] = record
        if self.started:  # what comes before was copied: nothing of it was tried here
            record.attempt = max(record.attempt, data.attempt)
        if record.ended != "completed":
            record.ended = None
