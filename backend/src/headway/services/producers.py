"""Log lines from outside: each program that works on an execution numbers its own, in a lane of its own.

A batch that is sent again under the same numbers adds nothing, so a program that writes down what it sends
before it sends it loses and repeats nothing, whatever dies in between. Only log lines come in this way: what
changes the execution itself goes through its workflow, by signals and approvals.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from headway.domain import events as e
from headway.domain.identifiers import ExecutionId
from headway.domain.masking import Masks
from headway.domain.position import Cursor
from headway.domain.timestamps import timestamp
from headway.errors import (
    AppendConflict,
    ClientError,
    ExecutionNotFound,
    IdempotencyConflict,
    TooManyProducers,
)
from headway.ports import Appended, Batch, Clock, Hint, HintBus, Journal
from headway.services.states import events_between

MAX_LINES = 500
MAX_PRODUCERS = 1_000  # of one execution: each is remembered for as long as its log
_OUTSIDE = "outside:"
_NOWHERE = -1  # no log is at this seq: a batch that is not stored already is refused
_PRODUCER_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Line:
    """One line to log; `step_id` says which step of the execution it belongs to."""

    message: str
    level: e.Level = "INFO"
    step_id: str | None = None


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """Where a batch is in the log, and the number that the producer's next line has."""

    first_seq: int
    last_seq: int
    cursor: str
    next: int
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Producers:
    """Takes the lines of programs outside; blocking, on the journal."""

    journal: Journal
    hints: HintBus
    clock: Clock
    masks: Masks

    def append(self, execution_id: ExecutionId, producer_id: str, first: int, lines: Sequence[Line]) -> Taken:
        """Store lines, durably and in this order, or none of them.

        Args:
            execution_id: Whose log.
            producer_id: Who writes: 1 to 64 letters, digits, `_`, `.` and `-`; the log shows it as `logger`.
            first: The number of the first line: 1 at first, then one more than the last one sent.
            lines: 1 to 500 of them; a message above 64 KiB is cut and says so.

        Raises:
            ExecutionNotFound: There is no such execution.
            ExecutionClosed: It has ended; only a batch that is stored already is still answered.
            ProducerGap: `first` is not the next number; `expected` is.
            IdempotencyConflict: The last batch had these numbers and other lines.
            TooManyProducers: The execution has lines of 1,000 others already.
        """
        if not _PRODUCER_ID.fullmatch(producer_id):
            raise ClientError(
                "a producer's id has 1 to 64 letters, digits, '_', '.' and '-'", field="producer_id"
            )
        if not 0 < len(lines) <= MAX_LINES:
            raise ClientError(f"a batch has 1 to {MAX_LINES} lines, not {len(lines):,}", field="lines")
        logs = [self.masks.event(_log(line, producer_id)) for line in lines]
        now = timestamp(self.clock.now_ns())
        # Whoever is new begins at 1; so does a first request that is sent again.
        is_full = first == 1 and self.journal.producers(execution_id, _OUTSIDE) >= MAX_PRODUCERS
        batch = Batch(
            execution_id=execution_id,
            producer_id=f"{_OUTSIDE}{producer_id}",
            first_producer_seq=first,
            bodies=[e.encode_body(log, now) for log in logs],
            expected_last_seq=_NOWHERE if is_full else None,
        )
        (outcome,) = self.journal.append([batch])
        if isinstance(outcome, AppendConflict):
            raise TooManyProducers(execution_id=execution_id, limit=MAX_PRODUCERS)
        if isinstance(outcome, Exception):
            raise outcome
        taken = self._taken(execution_id, outcome, first + len(logs))
        if taken.duplicate:
            self._check_repeated(execution_id, taken, logs)
        else:
            self.hints.publish([Hint("events", execution_id, taken.last_seq)])
        return taken

    def _taken(self, execution_id: ExecutionId, stored: Appended, following: int) -> Taken:
        head = self.journal.heads([execution_id]).get(execution_id)
        if head is None:  # retention removed it in between
            raise ExecutionNotFound(execution_id=execution_id)
        return Taken(
            first_seq=stored.first_seq,
            last_seq=stored.last_seq,
            cursor=str(Cursor(head.epoch, stored.last_seq, stored.last_tag)),
            next=following,
            duplicate=stored.duplicate,
        )

    def _check_repeated(self, execution_id: ExecutionId, taken: Taken, logs: Sequence[e.Log]) -> None:
        """Tell a producer that has lost its count; by its numbers alone its lines would vanish unnoticed."""
        stored = events_between(self.journal, execution_id, taken.first_seq - 1, taken.last_seq)
        if [event.data for event in stored] != list(logs):
            raise IdempotencyConflict(
                f"the numbers up to {taken.next - 1} stand for other lines; go on from {taken.next}",
                execution_id=execution_id,
                expected=taken.next,
            )


def _log(line: Line, producer_id: str) -> e.Log:
    message, length = e.cut_message(line.message)
    return e.Log(level=line.level, message=message, step_id=line.step_id, logger=producer_id, length=length)
