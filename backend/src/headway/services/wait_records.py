"""What an execution has waited for, read from its events: pure.

A wait is found again as a step is: by its key (place, kind, what for) and the order in which equal keys were
asked for.
"""

from collections import deque
from dataclasses import dataclass

import msgspec

from headway.domain import events as e
from headway.domain.timestamps import unix_ns

Ending = e.WaitEnded | e.ApprovalAnswered


@dataclass(slots=True, kw_only=True)
class WaitRecord:
    """One wait: as the log tells it, or new.

    Args:
        until_ns: When it ends by itself, as it was first stated.
        is_asked: A question that people can see.
        ending: How it ended, unless the code gave it up.
    """

    wait_id: str
    key: str | None
    until_ns: int | None = None
    is_asked: bool = False
    ending: Ending | None = None


class WaitMemo(msgspec.Struct, eq=False):
    """The waits of an execution, and the signals that have come."""

    untaken: dict[str, deque[e.SignalReceived]] = {}
    _received: dict[str, e.SignalReceived] = {}
    _records: dict[str, WaitRecord] = {}
    _waiting: dict[str, deque[WaitRecord]] = {}
    _numbers: dict[str, int] = {}

    def ask(self, key: str, kind: str) -> WaitRecord:
        """The record of the wait that the code comes to now."""
        waiting = self._waiting.get(key)
        if waiting:
            return waiting.popleft()
        return WaitRecord(wait_id=f"{kind}-{self._count(kind)}", key=key)

    def received(self, signal_id: str) -> e.SignalReceived:
        """A signal of the log that was read, taken or not."""
        return self._received[signal_id]

    def observe(self, data: e.EventData) -> None:
        """Take an event of the log into account; `finish` follows the last one."""
        match data:
            case e.WaitStarted():
                self._begin(data.wait_id, data.key, data.until)
            case e.ApprovalRequested():
                self._begin(data.approval_id, data.key, data.deadline).is_asked = True
            case e.ApprovalAnswered() if data.approval_id in self._records:
                record = self._records[data.approval_id]
                record.ending = record.ending or data
            case e.WaitEnded():
                self._end(data)
            case e.SignalReceived():
                self._received[data.signal_id] = data
            case _:
                return

    def finish(self) -> None:
        """The log is read: what it holds waits to be asked for."""
        taken = {
            record.ending.signal_id
            for record in self._records.values()
            if isinstance(record.ending, e.WaitEnded)
        }
        for signal in self._received.values():
            if signal.signal_id not in taken:
                self.untaken.setdefault(signal.name, deque()).append(signal)
        for record in self._records.values():
            if record.key is not None:
                self._waiting.setdefault(record.key, deque()).append(record)

    def _begin(self, wait_id: str, key: str | None, until: str | None) -> WaitRecord:
        record = self._records.get(wait_id)
        if record is None:
            record = self._records[wait_id] = WaitRecord(wait_id=wait_id, key=key)
            kind, _, number = wait_id.rpartition("-")
            if number.isdigit():
                self._numbers[kind] = max(self._numbers.get(kind, 0), int(number))
        if until is not None and record.until_ns is None:
            record.until_ns = unix_ns(until)
        return record

    def _end(self, data: e.WaitEnded) -> None:
        record = self._begin(data.wait_id, data.key, None)
        if data.outcome == "cancelled":
            record.is_asked = False  # the code that comes to it again asks anew
        else:
            record.ending = record.ending or data

    def _count(self, kind: str) -> int:
        number = self._numbers[kind] = self._numbers.get(kind, 0) + 1
        return number
