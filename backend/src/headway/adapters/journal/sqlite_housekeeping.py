"""Compaction and retention on SQLite: each step is one short transaction, off the append path.

Each function is the port's method of that name, but for `plan` and `carry_out`, which are `compact`: what
takes long is done before the transaction.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

from headway.adapters.journal.admission import CHECKPOINT_SPACING
from headway.adapters.journal.segment_rows import PLAIN, packed
from headway.adapters.journal.segments import join
from headway.adapters.journal.sqlite_log import head, segments_after, trim
from headway.domain.identifiers import ExecutionId
from headway.errors import ConflictError
from headway.ports import Segment

# What a joined segment holds at most: as much as viewers are sent at a time, so that it need not be cut.
JOINED_BYTES, JOINED_EVENTS = 48 << 10, 256
MIN_RUN = 8  # rows: fewer of an open execution are left, so that a slow one is not rewritten again and again
PASSED_ROWS = 500  # that may be passed over in one step
FORGET_ROWS = 256  # segments removed in one step
SPARSE_SPACING = 16 * CHECKPOINT_SPACING  # events between the states kept of a closed execution's past
_ROWS_AFTER = """
SELECT first_seq, last_seq, encoding, length(body) FROM segment
WHERE execution_id = ? AND first_seq > ? ORDER BY first_seq
"""
_PUT_SEGMENT = """
INSERT INTO segment (execution_id, first_seq, last_seq, tag_before, tag_after, encoding, body)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
# Of the states whose predecessor lies in the same stretch of `spacing` events.
_THIN_CHECKPOINTS = """
DELETE FROM checkpoint AS one WHERE execution_id = :id AND seq BETWEEN :first AND :last AND seq / :spacing = (
    SELECT max(before.seq) FROM checkpoint AS before
    WHERE before.execution_id = :id AND before.seq < one.seq) / :spacing
"""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of a compaction puts in the place of what.

    Args:
        run: `first_seq` of the rows to replace; empty for none.
        joined: What replaces them, with its encoding and stored body.
        upto: Where the next step goes on after; `None` at the end.
        finishes: The execution is closed and this is its last step.
        thins: The execution is closed: up to this seq few of its stored states are kept.
    """

    execution_id: ExecutionId
    run: tuple[int, ...]
    joined: Segment | None
    encoding: int
    body: bytes
    upto: int | None
    finishes: bool
    thins: int = 0


def uncompacted(connection: sqlite3.Connection, limit: int) -> list[ExecutionId]:
    rows = connection.execute(
        "SELECT execution_id FROM execution WHERE closed = 1 AND compacted = 0 ORDER BY number LIMIT ?",
        (max(0, limit),),
    )
    return [ExecutionId(row[0]) for row in rows.fetchall()]


def plan(connection: sqlite3.Connection, execution_id: ExecutionId, after: int) -> Step:
    at = head(connection, execution_id)
    rows = connection.execute(_ROWS_AFTER, (execution_id, after))
    run, seen = _next_run(rows, after, closed=at.closed)
    rows.close()
    is_last = seen >= at.last_seq or seen == after
    upto, finishes = (None if is_last else seen), at.closed and is_last
    if not run:
        return Step(execution_id, (), None, PLAIN, b"", upto, finishes)
    stored = segments_after(connection, execution_id, run[0] - 1)
    joined = join(list(takewhile(lambda segment: segment.first_seq <= run[-1], stored)))
    stored.close()
    encoding, body = packed(joined) if at.closed else (PLAIN, joined.body)
    return Step(
        execution_id,
        tuple(run),
        joined,
        encoding,
        body,
        upto,
        finishes,
        # Those near the end are what late viewers begin from.
        at.last_seq - 2 * CHECKPOINT_SPACING if at.closed else 0,
    )


def carry_out(cursor: sqlite3.Cursor, step: Step) -> None:
    if step.joined is not None:
        cursor.execute(
            "DELETE FROM segment WHERE execution_id = ? AND first_seq BETWEEN ? AND ?",
            (step.execution_id, step.run[0], step.run[-1]),
        )
        if cursor.rowcount != len(step.run):
            raise ConflictError(f"execution {step.execution_id} was trimmed while it was compacted")
        joined = step.joined
        cursor.execute(
            _PUT_SEGMENT,
            (
                *(step.execution_id, joined.first_seq, joined.last_seq),
                *(joined.tag_before, joined.tag_after, step.encoding, step.body),
            ),
        )
        thin = {"id": step.execution_id, "first": joined.first_seq, "spacing": SPARSE_SPACING}
        cursor.execute(_THIN_CHECKPOINTS, thin | {"last": min(joined.last_seq, step.thins)})
    if step.finishes:
        cursor.execute("UPDATE execution SET compacted = 1 WHERE execution_id = ?", (step.execution_id,))


def ended(connection: sqlite3.Connection, before: str, limit: int) -> list[ExecutionId]:
    rows = connection.execute(
        """
        SELECT e.execution_id FROM execution AS e JOIN request AS r ON r.execution_id = e.execution_id
        WHERE e.closed = 1 AND coalesce(e.ended_at, r.created_at) < ? AND EXISTS (
            SELECT 1 FROM execution AS later
            WHERE later.workflow_id = e.workflow_id AND later.number > e.number)
        ORDER BY e.number LIMIT ?
        """,
        (before, max(0, limit)),
    )
    return [ExecutionId(row[0]) for row in rows.fetchall()]


def forget(cursor: sqlite3.Cursor, execution_id: ExecutionId) -> bool:
    row = cursor.execute("SELECT closed FROM execution WHERE execution_id = ?", (execution_id,)).fetchone()
    if row is None:
        return True
    if not row[0]:
        raise ConflictError(f"execution {execution_id} is still open")
    more = cursor.execute(
        "SELECT last_seq FROM segment WHERE execution_id = ? ORDER BY first_seq LIMIT 1 OFFSET ?",
        (execution_id, FORGET_ROWS),
    ).fetchone()
    if more is not None:
        trim(cursor, execution_id, more[0])
        return False
    for table in ("segment", "checkpoint", "producer", "request", "idempotency_key", "execution"):
        cursor.execute(f"DELETE FROM {table} WHERE execution_id = ?", (execution_id,))
    return True


def used_bytes(connection: sqlite3.Connection) -> int:
    size, pages, free = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_size", "page_count", "freelist_count")
    )
    return int(size) * (int(pages) - int(free))


def _next_run(
    rows: Iterable[tuple[int, int, int, int]], after: int, *, closed: bool
) -> tuple[list[int], int]:
    """The first rows worth joining, and the last seq that this settles or passes over."""
    run: list[int] = []
    size, seen, passed = 0, after, 0
    for first_seq, last_seq, encoding, stored_bytes in rows:
        is_full = bool(run) and (size + stored_bytes > JOINED_BYTES or last_seq - run[0] >= JOINED_EVENTS)
        if encoding != PLAIN or is_full:
            passed += len(run) + 1
            if _is_worth(run, closed=closed) or passed > PASSED_ROWS:
                break
            run, size = [], 0
        if encoding == PLAIN:
            run.append(first_seq)
            size += stored_bytes
        seen = last_seq
    return (run if _is_worth(run, closed=closed) else []), seen


def _is_worth(run: list[int], *, closed: bool) -> bool:
    return len(run) >= (1 if closed else MIN_RUN)
