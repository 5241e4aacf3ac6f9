"""Reading the log from SQLite, and trimming it.

Each function is the port's method of that name; one that takes a cursor runs in its transaction.
"""

import sqlite3
from collections.abc import Generator, Sequence

import msgspec

from headway.adapters.journal.segment_rows import from_row
from headway.adapters.journal.segments import cut_start, page
from headway.adapters.journal.sqlite_append import insert_segment
from headway.adapters.journal.sqlite_catalog import to_head
from headway.domain.identifiers import ExecutionId
from headway.errors import ConflictError, ExecutionNotFound, JournalCorrupt, PositionLost
from headway.ports import Head, Segment

_SEGMENTS_AFTER = """
SELECT first_seq, last_seq, tag_before, tag_after, encoding, body FROM segment
WHERE execution_id = :id AND first_seq >= coalesce(
    (SELECT max(first_seq) FROM segment WHERE execution_id = :id AND first_seq <= :after + 1), 0)
ORDER BY first_seq
"""
_HEADS = """
SELECT execution_id, epoch, last_seq, last_tag, closed, trimmed_upto FROM execution
WHERE execution_id IN (SELECT value FROM json_each(?))
"""
# The last one to write stands in the execution's row; `producer` has it once another one has written.
_PRODUCERS = """
SELECT count(*) FROM (
    SELECT producer_id FROM producer WHERE execution_id = :id
    UNION SELECT producer_id FROM execution WHERE execution_id = :id
) WHERE substr(producer_id, 1, length(:prefix)) = :prefix
"""
_encode = msgspec.json.Encoder().encode


def read(
    connection: sqlite3.Connection, execution_id: ExecutionId, after: int, *, max_events: int, max_bytes: int
) -> list[Segment]:
    stored = segments_after(connection, execution_id, after)
    segments = page(stored, after, max_events=max_events, max_bytes=max_bytes)
    stored.close()
    if not segments or segments[0].first_seq != after + 1:
        _explain_gap(head(connection, execution_id), execution_id, after, is_empty=not segments)
    return segments


def heads(connection: sqlite3.Connection, execution_ids: Sequence[ExecutionId]) -> dict[ExecutionId, Head]:
    rows = connection.execute(_HEADS, (_encode(list(execution_ids)).decode(),)).fetchall()
    return {ExecutionId(row[0]): to_head(row[1:]) for row in rows}


def head(connection: sqlite3.Connection, execution_id: ExecutionId) -> Head:
    found = heads(connection, [execution_id]).get(execution_id)
    if found is None:
        raise ExecutionNotFound(execution_id=execution_id)
    return found


def checkpoint(
    connection: sqlite3.Connection, execution_id: ExecutionId, at_most: int
) -> tuple[int, bytes] | None:
    row: tuple[int, bytes] | None = connection.execute(
        "SELECT seq, state FROM checkpoint WHERE execution_id = ? AND seq <= ? ORDER BY seq DESC LIMIT 1",
        (execution_id, at_most),
    ).fetchone()
    return row


def producers(connection: sqlite3.Connection, execution_id: ExecutionId, prefix: str) -> int:
    head(connection, execution_id)
    row = connection.execute(_PRODUCERS, {"id": execution_id, "prefix": prefix}).fetchone()
    return int(row[0])


def tag_at(connection: sqlite3.Connection, execution_id: ExecutionId, seq: int) -> int:
    at = head(connection, execution_id)
    if not at.trimmed_upto <= seq <= at.last_seq:
        raise PositionLost(trimmed_upto=at.trimmed_upto, last_seq=at.last_seq)
    if seq == at.last_seq:
        return at.last_tag
    stored = segments_after(connection, execution_id, seq)
    following = next(stored, None)
    stored.close()
    if following is None or following.first_seq > seq + 1:
        raise _missing(execution_id, seq + 1)
    return cut_start(following, seq).tag_before


def trim(cursor: sqlite3.Cursor, execution_id: ExecutionId, upto: int) -> None:
    at = head(cursor.connection, execution_id)
    if not at.closed:
        raise ConflictError(f"execution {execution_id} is still open")
    upto = min(upto, at.last_seq)
    if upto <= at.trimmed_upto:
        return
    stored = segments_after(cursor.connection, execution_id, upto)
    following = next(stored, None)
    stored.close()
    cursor.execute("DELETE FROM segment WHERE execution_id = ? AND first_seq <= ?", (execution_id, upto))
    if following is not None and following.first_seq <= upto < following.last_seq:
        insert_segment(cursor, execution_id, cut_start(following, upto))
    cursor.execute("DELETE FROM checkpoint WHERE execution_id = ? AND seq < ?", (execution_id, upto))
    cursor.execute("UPDATE execution SET trimmed_upto = ? WHERE execution_id = ?", (upto, execution_id))


def segments_after(
    connection: sqlite3.Connection, execution_id: ExecutionId, after: int
) -> Generator[Segment, None, None]:
    """Segments from the one that holds `after` + 1, one at a time: a row that nobody asks for is not read."""
    rows = connection.execute(_SEGMENTS_AFTER, {"id": execution_id, "after": after})
    try:
        for row in rows:
            if row[1] > after:  # its last seq
                yield from_row(*row)
    finally:
        rows.close()


def _explain_gap(at: Head, execution_id: ExecutionId, after: int, *, is_empty: bool) -> None:
    """Nothing follows `after` directly: that is the end of the log, or a reason to raise."""
    if after < at.trimmed_upto:
        raise PositionLost(trimmed_upto=at.trimmed_upto)
    if not is_empty:
        raise _missing(execution_id, after + 1)


def _missing(execution_id: ExecutionId, seq: int) -> JournalCorrupt:
    return JournalCorrupt(f"{execution_id}: event {seq} is missing", execution_id=execution_id)
