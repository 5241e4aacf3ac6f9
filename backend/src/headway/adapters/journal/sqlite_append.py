"""The append path on SQLite: all batches of a call in few statements, in the caller's transaction.

Each call into SQLite gives up the interpreter for a moment, so the batches are read, decided on and written
together.
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
    seal,
)
from headway.domain.identifiers import ExecutionId
from headway.errors import ExecutionNotFound
from headway.ports import Appended, Batch, Segment, Summary

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
last_seq = ?, last_tag = ?, producer_id = ?, producer_epoch = ?, last_producer_seq = ?,
producer_first_seq = ?, producer_size = ?, producer_tag = ?
"""
_SUMMARY = """
status = ?, phase = ?, progress = ?, indeterminate = ?, attempt = ?,
started_at = ?, ended_at = ?, message = ?, error = ?, error_code = ?, questions = ?
"""
_UPDATE = f"UPDATE execution SET {_ADVANCE} WHERE number = ?"
_UPDATE_WITH_SUMMARY = f"UPDATE execution SET {_ADVANCE}, {_SUMMARY} WHERE number = ?"
# Apart from the other columns: `closed` is in an index, which would be written with each append.
_CLOSE = "UPDATE execution SET closed = 1 WHERE number = ?"
_FORGET_CRASHES = "UPDATE execution SET crashes = 0 WHERE number = ?"
_SELECT_PRODUCER = """
SELECT producer_id, producer_epoch, last_producer_seq, first_seq, size, tag
FROM producer WHERE execution_id = ? AND producer_id = ?
"""
_PUT_PRODUCER = "INSERT OR REPLACE INTO producer VALUES (?, ?, ?, ?, ?, ?, ?)"
_PUT_CHECKPOINT = "INSERT INTO checkpoint (execution_id, seq, state) VALUES (?, ?, ?)"
_LAST_CHECKPOINTS = "SELECT seq FROM checkpoint WHERE execution_id = ? ORDER BY seq DESC LIMIT 2"
_DELETE_CHECKPOINT = "DELETE FROM checkpoint WHERE execution_id = ? AND seq = ?"

_encode = msgspec.json.Encoder().encode


class _Row(NamedTuple):
    """What the table says of an execution that a batch is for."""

    number: int
    standing: Standing
    crashes: int
    last: ProducerMark


def append_batches(cursor: sqlite3.Cursor, batches: Sequence[Batch]) -> list[Appended | Exception]:
    """Store the batches in order; of each one, where it is now, or why not and nothing of it is stored."""
    outcomes: list[Appended | Exception] = []
    for some in _without_repeats(batches):
        rows = _rows(cursor, [batch.execution_id for batch in some])
        writes = _Writes()
        outcomes += [_append(cursor, batch, rows.get(batch.execution_id), writes) for batch in some]
        writes.carry_out(cursor)
    return outcomes


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
        self._advances_with_summary: list[tuple[Any, ...]] = []
        self._producers: list[tuple[Any, ...]] = []
        self._closed: list[tuple[int]] = []
        self._settled: list[tuple[int]] = []

    def add(self, row: _Row, batch: Batch, segment: Segment) -> None:
        self._segments.append(_segment_columns(batch.execution_id, segment))
        if row.last.producer_id != batch.producer_id:
            self._producers.append((batch.execution_id, *row.last))
        advance = (segment.last_seq, segment.tag_after, *mark_of(batch, segment))
        if batch.summary is None:
            self._advances.append((*advance, row.number))
        else:
            self._advances_with_summary.append((*advance, *summary_columns(batch.summary), row.number))
        if batch.closes:
            self._closed.append((row.number,))
        if batch.progressed and row.crashes:
            self._settled.append((row.number,))

    def carry_out(self, cursor: sqlite3.Cursor) -> None:
        for statement, rows in (
            (_INSERT_SEGMENT, self._segments),
            (_PUT_PRODUCER, self._producers),
            (_UPDATE, self._advances),
            (_UPDATE_WITH_SUMMARY, self._advances_with_summary),
            (_CLOSE, self._closed),
            (_FORGET_CRASHES, self._settled),
        ):
            if rows:
                cursor.executemany(statement, rows)


def _without_repeats(batches: Sequence[Batch]) -> Iterator[list[Batch]]:
    """Runs of batches of different executions: a second one of the same builds on the first."""
    some: dict[str, Batch] = {}
    for batch in batches:
        if batch.execution_id in some:
            yield list(some.values())
            some = {}
        some[batch.execution_id] = batch
    yield list(some.values())


def _rows(cursor: sqlite3.Cursor, execution_ids: list[ExecutionId]) -> dict[ExecutionId, _Row]:
    if len(execution_ids) == 1:  # one step after the other: what that costs is waited for
        found = cursor.execute(_STANDING, execution_ids).fetchall()
    else:
        found = cursor.execute(_STANDINGS_OF, (_encode(execution_ids).decode(),)).fetchall()
    return {
        each[0]: _Row(each[1], Standing._make(each[2:7]), each[7], ProducerMark._make(each[8:]))
        for each in found
    }


def _append(cursor: sqlite3.Cursor, batch: Batch, row: _Row | None, writes: _Writes) -> Appended | Exception:
    if row is None:
        return ExecutionNotFound(execution_id=batch.execution_id)
    is_same = row.last.producer_id == batch.producer_id
    verdict = admit(batch, row.standing, row.last if is_same else _producer(cursor, batch, row.last))
    if verdict is not None:
        return verdict
    segment = seal(batch, row.standing.last_seq, row.standing.last_tag)
    writes.add(row, batch, segment)
    if batch.checkpoint is not None:
        _put_checkpoint(cursor, batch.execution_id, segment.last_seq, batch.checkpoint)
    return Appended(segment.first_seq, segment.last_seq, segment.tag_after)


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


def _put_checkpoint(cursor: sqlite3.Cursor, execution_id: str, seq: int, state: bytes) -> None:
    kept = [row[0] for row in cursor.execute(_LAST_CHECKPOINTS, (execution_id,)).fetchall()]
    if kept and seq - (kept[1] if len(kept) > 1 else 0) <= CHECKPOINT_SPACING:
        cursor.execute(_DELETE_CHECKPOINT, (execution_id, kept[0]))
    cursor.execute(_PUT_CHECKPOINT, (execution_id, seq, state))
