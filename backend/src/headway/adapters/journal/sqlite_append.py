"""The append path on SQLite: all batches of a call in few statements, in the caller's transaction.

Each call into SQLite gives up the interpreter for a moment, so the batches are read, decided on and written
together. A row that this process wrote last is not read again: the UPDATE asks whether it is still as it was
left, and where it is not, the caller begins anew (`Overtaken`).
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from headway.adapters.journal.admission import (
    CHECKPOINT_SPACING,
    ProducerMark,
    Standing,
    admit,
    mark_of,
    overlooks,
    seal,
)
from headway.domain.identifiers import ExecutionId
from headway.errors import AppendConflict, ExecutionNotFound
from headway.ports import Appended, Batch, Lease, Segment, Summary

_STANDINGS = """
SELECT execution_id, number, last_seq, last_tag, closed, lease_owner, lease_epoch, crashes,
    producer_id, producer_epoch, last_producer_seq, producer_first_seq, producer_size, producer_tag
FROM execution
"""
_STANDING = f"{_STANDINGS} WHERE execution_id = ?"
_STANDINGS_OF = f"{_STANDINGS} WHERE execution_id IN (SELECT value FROM json_each(?))"
_INSERT_SEGMENT = """
INSERT INTO segment (execution_id, first_seq, last_seq, tag_before, tag_after, body) VALUES (?, ?, ?, ?, ?, ?)
"""
_ADVANCE = """
UPDATE execution SET last_seq = ?, last_tag = ?, producer_id = ?, producer_epoch = ?, last_producer_seq = ?,
    producer_first_seq = ?, producer_size = ?, producer_tag = ?
WHERE number = ?
"""
# Position, tag and lease together say that nobody has written since: a tag stands for one history.
_FOLLOW = """
UPDATE execution SET last_seq = ?1, last_tag = ?2, last_producer_seq = last_producer_seq + ?3,
    producer_first_seq = last_seq + 1, producer_size = ?3, producer_tag = ?2,
    progress = ?4, indeterminate = ?5
WHERE number = ?6 AND last_seq = ?7 AND last_tag = ?8 AND closed = 0
    AND lease_owner = ?9 AND lease_epoch = ?10
"""
_DESCRIBE = """
UPDATE execution SET status = ?, phase = ?, progress = ?, indeterminate = ?, attempt = ?,
    started_at = ?, ended_at = ?, message = ?, error = ?, error_code = ?, questions = ?
WHERE number = ?
"""
# Apart from the other columns: `closed` is in an index, which would be written with each append.
_CLOSE = "UPDATE execution SET closed = 1 WHERE number = ?"
_FORGET_CRASHES = "UPDATE execution SET crashes = 0 WHERE number = ?"
_SELECT_PRODUCER = """
SELECT producer_id, producer_epoch, last_producer_seq, first_seq, size, tag
FROM producer WHERE execution_id = ? AND producer_id = ?
"""
_FOLLOWING = "SELECT first_seq, body FROM segment WHERE execution_id = ? AND first_seq > ? ORDER BY first_seq"
_PUT_PRODUCER = "INSERT OR REPLACE INTO producer VALUES (?, ?, ?, ?, ?, ?, ?)"
_PUT_CHECKPOINT = "INSERT INTO checkpoint (execution_id, seq, state) VALUES (?, ?, ?)"
_LAST_CHECKPOINTS = "SELECT seq FROM checkpoint WHERE execution_id = ? ORDER BY seq DESC LIMIT 2"
_DELETE_CHECKPOINT = "DELETE FROM checkpoint WHERE execution_id = ? AND seq = ?"

_encode = msgspec.json.Encoder().encode

MAX_LEFT = 20_000  # rows that are remembered


class Overtaken(Exception):
    """Others have written to an execution since this process did: nothing of the call may be kept."""


class _Row(NamedTuple):
    """What the table says of an execution that a batch is for."""

    number: int
    standing: Standing
    crashes: int
    last: ProducerMark


class _Left(msgspec.Struct, gc=False):
    """A row as this process left it when it last appended to the execution as its runner."""

    number: int
    crashes: int
    last_seq: int
    last_tag: int
    lease: Lease
    producer_id: str
    producer_epoch: int
    last_producer_seq: int
    summary: Summary

    def precedes(self, batch: Batch) -> bool:
        """Whether the batch is what comes next, so that it is taken if the row is still like this."""
        return (
            batch.first_producer_seq == self.last_producer_seq + 1
            and batch.expected_last_seq == self.last_seq
            and (batch.lease is self.lease or batch.lease == self.lease)
            and batch.producer_id == self.producer_id
            and batch.producer_epoch == self.producer_epoch
            and batch.summary is not None
            and len(batch.bodies) > 0
        )


class Appender:
    """Stores batches; belongs to whoever holds the writer's lock.

    It remembers the rows of the executions that it appends to as their runner. That is never believed, only
    tried: a row that is no longer so is not written to.
    """

    def __init__(self) -> None:
        self._left: dict[ExecutionId, _Left] = {}

    def forget(self) -> None:
        """Read every row anew."""
        self._left.clear()

    def append(self, cursor: sqlite3.Cursor, batches: Sequence[Batch]) -> list[Appended | Exception]:
        """Store the batches in order; of each one, where it is now, or why not and nothing of it is stored.

        Raises:
            Overtaken: Undo the transaction, `forget`, and try again.
        """
        outcomes: list[Appended | Exception] = []
        for some in _without_repeats(batches):
            lefts = [self._left_before(batch) for batch in some]
            unread = [batch.execution_id for batch, left in zip(some, lefts, strict=True) if left is None]
            rows = _read_rows(cursor, unread) if unread else {}
            writes = _Writes()
            for batch, left in zip(some, lefts, strict=True):
                if left is not None:
                    outcomes.append(self._follow(cursor, batch, left, writes))
                else:
                    outcomes.append(self._store(cursor, batch, rows.get(batch.execution_id), writes))
            writes.carry_out(cursor)
        return outcomes

    def _left_before(self, batch: Batch) -> _Left | None:
        """Only where the batch would be taken: a refusal has to be what the table says."""
        left = self._left.get(batch.execution_id)
        return left if left is not None and left.precedes(batch) else None

    def _follow(self, cursor: sqlite3.Cursor, batch: Batch, left: _Left, writes: "_Writes") -> Appended:
        """Store what comes next of a run that goes on here."""
        segment = seal(batch, left.last_seq, left.last_tag)
        writes.follow(left, batch, segment)
        return self._stored(cursor, batch, segment, left.number, left.crashes)

    def _store(
        self, cursor: sqlite3.Cursor, batch: Batch, row: _Row | None, writes: "_Writes"
    ) -> Appended | Exception:
        if row is None:
            return ExecutionNotFound(execution_id=batch.execution_id)
        is_same = row.last.producer_id == batch.producer_id
        verdict = admit(batch, row.standing, row.last if is_same else _producer(cursor, batch, row.last))
        if isinstance(verdict, AppendConflict) and batch.overlooks and _is_overlooked(cursor, batch):
            verdict = None
        if verdict is not None:
            return verdict
        segment = seal(batch, row.standing.last_seq, row.standing.last_tag)
        writes.add(row, batch, segment)
        return self._stored(cursor, batch, segment, row.number, row.crashes)

    def _stored(
        self, cursor: sqlite3.Cursor, batch: Batch, segment: Segment, number: int, crashes: int
    ) -> Appended:
        if batch.checkpoint is not None:
            _put_checkpoint(cursor, batch.execution_id, segment.last_seq, batch.checkpoint)
        if batch.closes or batch.lease is None or batch.summary is None:
            self._left.pop(batch.execution_id, None)
        else:
            if len(self._left) >= MAX_LEFT:
                self._left.clear()  # of runs that went on elsewhere: who runs here is soon back
            self._left[batch.execution_id] = _Left(
                number,
                0 if batch.progressed else crashes,
                segment.last_seq,
                segment.tag_after,
                batch.lease,
                batch.producer_id,
                batch.producer_epoch,
                batch.first_producer_seq + len(batch.bodies) - 1,
                batch.summary,
            )
        return Appended(segment.first_seq, segment.last_seq, segment.tag_after)


def summary_columns(summary: Summary) -> tuple[Any, ...]:
    """In the order of the table's columns, `status` to `questions`."""
    return (
        summary.status,
        summary.phase,
        summary.progress,
        summary.indeterminate,
        summary.attempt,
        summary.started_at,
        summary.ended_at,
        summary.message,
        summary.error,
        summary.error_code,
        summary.questions,
    )


def insert_segment(cursor: sqlite3.Cursor, execution_id: str, segment: Segment) -> None:
    cursor.execute(_INSERT_SEGMENT, _segment_columns(execution_id, segment))


class _Writes:
    """Rows of the batches that are taken, to be written in one statement a kind."""

    def __init__(self) -> None:
        self._segments: list[tuple[Any, ...]] = []
        self._advances: list[tuple[Any, ...]] = []
        self._follows: list[tuple[Any, ...]] = []
        self._descriptions: list[tuple[Any, ...]] = []
        self._producers: list[tuple[Any, ...]] = []
        self._closed: list[tuple[int]] = []
        self._settled: list[tuple[int]] = []

    def follow(self, left: _Left, batch: Batch, segment: Segment) -> None:
        """What comes next of a run, whose row has to be as it was left."""
        summary = batch.summary
        assert summary is not None
        self._follows.append(
            (
                segment.last_seq,
                segment.tag_after,
                len(batch.bodies),
                summary.progress,
                summary.indeterminate,
                left.number,
                left.last_seq,
                left.last_tag,
                left.lease.owner,
                left.lease.epoch,
            )
        )
        if summary != left.summary and not _only_advances(left.summary, summary):
            self._descriptions.append((*summary_columns(summary), left.number))
        self._add(batch, segment, left.number, left.crashes)

    def add(self, row: _Row, batch: Batch, segment: Segment) -> None:
        """A batch that the row, just read, lets in."""
        mark = mark_of(batch, segment)
        self._advances.append((segment.last_seq, segment.tag_after, *mark, row.number))
        if row.last.producer_id != batch.producer_id:
            self._producers.append((batch.execution_id, *row.last))
        if batch.summary is not None:
            self._descriptions.append((*summary_columns(batch.summary), row.number))
        self._add(batch, segment, row.number, row.crashes)

    def _add(self, batch: Batch, segment: Segment, number: int, crashes: int) -> None:
        self._segments.append(_segment_columns(batch.execution_id, segment))
        if batch.closes:
            self._closed.append((number,))
        if batch.progressed and crashes:
            self._settled.append((number,))

    def carry_out(self, cursor: sqlite3.Cursor) -> None:
        if self._follows:
            cursor.executemany(_FOLLOW, self._follows)
            if cursor.rowcount != len(self._follows):
                raise Overtaken
        for statement, rows in (
            (_INSERT_SEGMENT, self._segments),
            (_PUT_PRODUCER, self._producers),
            (_ADVANCE, self._advances),
            (_DESCRIBE, self._descriptions),
            (_CLOSE, self._closed),
            (_FORGET_CRASHES, self._settled),
        ):
            if rows:
                cursor.executemany(statement, rows)


def _only_advances(left: Summary, summary: Summary) -> bool:
    """Whether nothing but the progress has changed, as with most appends of a running execution."""
    advanced = msgspec.structs.replace(left, progress=summary.progress, indeterminate=summary.indeterminate)
    return advanced == summary


def _without_repeats(batches: Sequence[Batch]) -> Iterator[Sequence[Batch]]:
    """Runs of batches of different executions: a second one of the same builds on the first."""
    if len({batch.execution_id for batch in batches}) == len(batches):
        yield batches
        return
    some: dict[str, Batch] = {}
    for batch in batches:
        if batch.execution_id in some:
            yield list(some.values())
            some = {}
        some[batch.execution_id] = batch
    yield list(some.values())


def _read_rows(cursor: sqlite3.Cursor, execution_ids: list[ExecutionId]) -> dict[ExecutionId, _Row]:
    if len(execution_ids) == 1:  # one step after the other: what that costs is waited for
        found = cursor.execute(_STANDING, execution_ids).fetchall()
    else:
        found = cursor.execute(_STANDINGS_OF, (_encode(execution_ids).decode(),)).fetchall()
    return {
        each[0]: _Row(each[1], Standing._make(each[2:7]), each[7], ProducerMark._make(each[8:]))
        for each in found
    }


def _segment_columns(execution_id: str, segment: Segment) -> tuple[Any, ...]:
    return (
        execution_id,
        segment.first_seq,
        segment.last_seq,
        segment.tag_before,
        segment.tag_after,
        segment.body,
    )


def _producer(cursor: sqlite3.Cursor, batch: Batch, last: ProducerMark) -> ProducerMark | None:
    """What the producer of the batch, who is not the last one, has stored."""
    if last.first_seq == 1:
        return None  # the log begins with the last one's batch: nobody came before
    row = cursor.execute(_SELECT_PRODUCER, (batch.execution_id, batch.producer_id)).fetchone()
    return ProducerMark._make(row) if row else None


def _is_overlooked(cursor: sqlite3.Cursor, batch: Batch) -> bool:
    """Of an open execution, whose segments are plain; one that was joined since is not looked into."""
    after = batch.expected_last_seq
    assert after is not None
    rows = cursor.execute(_FOLLOWING, (batch.execution_id, after)).fetchall()
    return bool(rows) and rows[0][0] == after + 1 and overlooks(batch, (body for _, body in rows))


def _put_checkpoint(cursor: sqlite3.Cursor, execution_id: str, seq: int, state: bytes) -> None:
    kept = [row[0] for row in cursor.execute(_LAST_CHECKPOINTS, (execution_id,)).fetchall()]
    if kept and seq - (kept[1] if len(kept) > 1 else 0) <= CHECKPOINT_SPACING:
        cursor.execute(_DELETE_CHECKPOINT, (execution_id, kept[0]))
    cursor.execute(_PUT_CHECKPOINT, (execution_id, seq, state))
