"""The append path on SQLite: one SELECT, one INSERT and one UPDATE a batch, in the caller's transaction."""

import sqlite3
from typing import Any

from headway.adapters.journal.admission import (
    CHECKPOINT_SPACING,
    ProducerMark,
    Standing,
    admit,
    mark_of,
    seal,
)
from headway.errors import ExecutionNotFound
from headway.ports import Appended, Batch, Segment, Summary

_SELECT = """
SELECT number, last_seq, last_tag, closed, lease_owner, lease_epoch,
    producer_id, producer_epoch, last_producer_seq, producer_first_seq, producer_size, producer_tag
FROM execution WHERE execution_id = ?
"""
_INSERT_SEGMENT = """
INSERT INTO segment (execution_id, first_seq, last_seq, tag_before, tag_after, body) VALUES (?, ?, ?, ?, ?, ?)
"""
_ADVANCE = """
last_seq = ?, last_tag = ?, producer_id = ?, producer_epoch = ?, last_producer_seq = ?,
producer_first_seq = ?, producer_size = ?, producer_tag = ?
"""
_SUMMARY = """
status = ?, phase = ?, progress = ?, indeterminate = ?, attempt = ?,
started_at = ?, ended_at = ?, message = ?, error = ?, error_code = ?
"""
_UPDATE = f"UPDATE execution SET {_ADVANCE} WHERE number = ?"
_UPDATE_WITH_SUMMARY = f"UPDATE execution SET {_ADVANCE}, {_SUMMARY} WHERE number = ?"
# Apart from the other columns: `closed` is in an index, which would be written with each append.
_CLOSE = "UPDATE execution SET closed = 1 WHERE number = ?"
_FORGET_CRASHES = "UPDATE execution SET crashes = 0 WHERE number = ? AND crashes > 0"
_SELECT_PRODUCER = """
SELECT producer_id, producer_epoch, last_producer_seq, first_seq, size, tag
FROM producer WHERE execution_id = ? AND producer_id = ?
"""
_PUT_PRODUCER = "INSERT OR REPLACE INTO producer VALUES (?, ?, ?, ?, ?, ?, ?)"
_PUT_CHECKPOINT = "INSERT INTO checkpoint (execution_id, seq, state) VALUES (?, ?, ?)"
_LAST_CHECKPOINTS = "SELECT seq FROM checkpoint WHERE execution_id = ? ORDER BY seq DESC LIMIT 2"
_DELETE_CHECKPOINT = "DELETE FROM checkpoint WHERE execution_id = ? AND seq = ?"


def append_batch(cursor: sqlite3.Cursor, batch: Batch) -> Appended | Exception:
    """Store the batch, or say why not and leave everything as it was."""
    row = cursor.execute(_SELECT, (batch.execution_id,)).fetchone()
    if row is None:
        return ExecutionNotFound(execution_id=batch.execution_id)
    number, standing, last = row[0], Standing._make(row[1:6]), ProducerMark._make(row[6:])
    mark: ProducerMark | None = last
    if last.producer_id != batch.producer_id:
        mark = _producer(cursor, batch)
    verdict = admit(batch, standing, mark)
    if verdict is not None:
        return verdict
    if last.producer_id != batch.producer_id:
        cursor.execute(_PUT_PRODUCER, (batch.execution_id, *last))
    segment = seal(batch, standing.last_seq, standing.last_tag)
    _store(cursor, number, batch, segment)
    return Appended(segment.first_seq, segment.last_seq, segment.tag_after)


def summary_columns(summary: Summary) -> tuple[Any, ...]:
    """In the order of the table's columns, `status` to `error_code`."""
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
    )


def insert_segment(cursor: sqlite3.Cursor, execution_id: str, segment: Segment) -> None:
    cursor.execute(
        _INSERT_SEGMENT,
        (
            execution_id,
            segment.first_seq,
            segment.last_seq,
            segment.tag_before,
            segment.tag_after,
            segment.body,
        ),
    )


def _store(cursor: sqlite3.Cursor, number: int, batch: Batch, segment: Segment) -> None:
    insert_segment(cursor, batch.execution_id, segment)
    advance = (segment.last_seq, segment.tag_after, *mark_of(batch, segment))
    if batch.summary is None:
        cursor.execute(_UPDATE, (*advance, number))
    else:
        cursor.execute(_UPDATE_WITH_SUMMARY, (*advance, *summary_columns(batch.summary), number))
    if batch.closes:
        cursor.execute(_CLOSE, (number,))
    if batch.progressed:
        cursor.execute(_FORGET_CRASHES, (number,))
    if batch.checkpoint is not None:
        _put_checkpoint(cursor, batch.execution_id, segment.last_seq, batch.checkpoint)


def _producer(cursor: sqlite3.Cursor, batch: Batch) -> ProducerMark | None:
    row = cursor.execute(_SELECT_PRODUCER, (batch.execution_id, batch.producer_id)).fetchone()
    return ProducerMark._make(row) if row else None


def _put_checkpoint(cursor: sqlite3.Cursor, execution_id: str, seq: int, state: bytes) -> None:
    kept = [row[0] for row in cursor.execute(_LAST_CHECKPOINTS, (execution_id,)).fetchall()]
    if kept and seq - (kept[1] if len(kept) > 1 else 0) <= CHECKPOINT_SPACING:
        cursor.execute(_DELETE_CHECKPOINT, (execution_id, kept[0]))
    cursor.execute(_PUT_CHECKPOINT, (execution_id, seq, state))
