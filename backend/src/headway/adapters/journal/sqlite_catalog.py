"""Executions and definitions as rows of SQLite.

Each function is the port's method of that name; those that take a cursor run in its transaction.
"""

import sqlite3
import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from headway.adapters.journal.admission import QUEUED, mark_of, queued_batch, seal
from headway.adapters.journal.sqlite_append import insert_segment, summary_columns
from headway.domain.identifiers import ExecutionId, WorkflowId
from headway.domain.position import initial_tag
from headway.domain.workflow import SourceFile, WorkflowDefinition
from headway.errors import ConflictError, ExecutionNotFound, IdempotencyConflict
from headway.ports import ExecutionFilter, ExecutionRecord, Head, NewExecution, Run, Summary

_RECORD = """
SELECT e.execution_id, e.workflow_id, e.epoch, e.last_seq, e.last_tag, e.closed, e.trimmed_upto,
    e.status, e.phase, e.progress, e.indeterminate, e.attempt,
    e.started_at, e.ended_at, e.message, e.error, e.error_code, e.questions,
    r.input, r.created_at, r.requested_by, r.retry_of, e.lease_owner, e.lease_epoch, e.crashes,
    r.private_input
FROM execution AS e JOIN request AS r ON r.execution_id = e.execution_id
"""
_INSERT_EXECUTION = """
INSERT INTO execution (
    execution_id, workflow_id, epoch, last_seq, last_tag,
    producer_id, producer_epoch, last_producer_seq, producer_first_seq, producer_size, producer_tag,
    status, phase, progress, indeterminate, attempt, started_at, ended_at, message, error, error_code,
    questions
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_ASKING = "e.closed = 0 AND e.questions > 0"  # as its index has it
_encode = msgspec.json.Encoder().encode
_decode_definition = msgspec.json.Decoder(WorkflowDefinition).decode
_decode_source = msgspec.json.Decoder(SourceFile).decode


def create(cursor: sqlite3.Cursor, new: NewExecution, epoch: str) -> tuple[ExecutionId, bool]:
    if new.idempotency_key is not None:
        first = known(cursor.connection, new.workflow_id, new.idempotency_key)
        if first is not None:
            if first[1] != new.request_digest:
                raise IdempotencyConflict(execution_id=first[0])
            return first[0], False
        cursor.execute(
            "INSERT INTO idempotency_key VALUES (?, ?, ?, ?)",
            (new.workflow_id, new.idempotency_key, new.request_digest, new.execution_id),
        )
    batch = queued_batch(new)
    segment = seal(batch, 0, initial_tag(epoch))
    position = (epoch, segment.last_seq, segment.tag_after, *mark_of(batch, segment))
    try:
        cursor.execute(
            _INSERT_EXECUTION, (new.execution_id, new.workflow_id, *position, *summary_columns(QUEUED))
        )
    except sqlite3.IntegrityError as error:
        raise ConflictError(f"execution {new.execution_id} exists already") from error
    cursor.execute(
        """
        INSERT INTO request (execution_id, input, created_at, requested_by, retry_of, private_input)
        VALUES (?, ?, ?, ?, ?, ?)
        """,
        (new.execution_id, new.input, new.created_at, new.by, new.retry_of, new.private_input),
    )
    insert_segment(cursor, new.execution_id, segment)
    return new.execution_id, True


def known(
    connection: sqlite3.Connection, workflow_id: WorkflowId, idempotency_key: str
) -> tuple[ExecutionId, str | None] | None:
    row = connection.execute(
        "SELECT execution_id, request_digest FROM idempotency_key WHERE workflow_id = ? AND key = ?",
        (workflow_id, idempotency_key),
    ).fetchone()
    return (ExecutionId(row[0]), row[1]) if row else None


def get(connection: sqlite3.Connection, execution_id: ExecutionId) -> ExecutionRecord:
    row = connection.execute(f"{_RECORD} WHERE e.execution_id = ?", (execution_id,)).fetchone()
    if row is None:
        raise ExecutionNotFound(execution_id=execution_id)
    return _to_record(row)


def find(connection: sqlite3.Connection, wanted: ExecutionFilter) -> list[ExecutionRecord]:
    conditions, values = ["1"], list[Any]()
    if wanted.workflow_id is not None:
        conditions.append("e.workflow_id = ?")
        values.append(wanted.workflow_id)
    if wanted.statuses:
        statuses = sorted(wanted.statuses)
        marks = ", ".join("?" * len(statuses))
        conditions.append(f"(e.status IN ({marks}) OR e.phase IN ({marks}))")
        values += statuses * 2
    if wanted.ids:
        conditions.append(f"e.execution_id IN ({', '.join('?' * len(wanted.ids))})")
        values += sorted(wanted.ids)
    if wanted.asking:
        conditions.append(_ASKING)
    if wanted.since is not None:
        conditions.append("e.execution_id >= ?")
        values.append(wanted.since)
    if wanted.text:
        conditions.append("(instr(lower(e.execution_id), lower(?)) OR instr(lower(e.error), lower(?)))")
        values += [wanted.text] * 2
    if wanted.before is not None:
        conditions.append("e.number < (SELECT number FROM execution WHERE execution_id = ?)")
        values.append(wanted.before)
    sql = f"{_RECORD} WHERE {' AND '.join(conditions)} ORDER BY e.number DESC LIMIT ?"
    return [_to_record(row) for row in connection.execute(sql, (*values, max(0, wanted.limit))).fetchall()]


_RECENT = """
SELECT e.execution_id, e.workflow_id, e.phase, e.started_at, e.ended_at, e.error
FROM json_each(?) AS wanted JOIN execution AS e ON e.number IN (
    SELECT number FROM execution WHERE workflow_id = wanted.value ORDER BY number DESC LIMIT ?
)
ORDER BY wanted.key, e.number DESC
"""


def recent(connection: sqlite3.Connection, workflow_ids: Sequence[WorkflowId], limit: int) -> list[Run]:
    rows = connection.execute(_RECENT, (_encode(list(workflow_ids)).decode(), max(0, limit))).fetchall()
    return [Run(*row) for row in rows]


def follow(
    connection: sqlite3.Connection, workflow_id: WorkflowId, after: ExecutionId | None
) -> ExecutionId | None:
    if after is not None:
        row = connection.execute(
            """
            SELECT execution_id FROM execution
            WHERE workflow_id = ? AND number > (SELECT number FROM execution WHERE execution_id = ?)
            ORDER BY number LIMIT 1
            """,
            (workflow_id, after),
        ).fetchone()
        return ExecutionId(row[0]) if row else None
    row = connection.execute(
        """
        SELECT execution_id FROM execution INDEXED BY execution_open WHERE closed = 0 AND workflow_id = ?
        ORDER BY started_at IS NULL, number LIMIT 1
        """,
        (workflow_id,),
    ).fetchone()
    row = (
        row
        or connection.execute(
            "SELECT execution_id FROM execution WHERE workflow_id = ? ORDER BY number DESC LIMIT 1",
            (workflow_id,),
        ).fetchone()
    )
    return ExecutionId(row[0]) if row else None


def claim(
    cursor: sqlite3.Cursor, owner: str, workflow_ids: Sequence[WorkflowId], limit: int
) -> list[ExecutionRecord]:
    wanted = _encode(list(workflow_ids)).decode()
    suspects = cursor.execute(
        """
        SELECT number FROM execution INDEXED BY execution_suspect
        WHERE closed = 0 AND crashes >= 2 AND lease_owner IS NULL
            AND workflow_id IN (SELECT value FROM json_each(?))
        ORDER BY crashes DESC, number LIMIT ?
        """,
        (wanted, min(1, max(0, limit))),
    ).fetchall()
    free = (
        suspects
        or cursor.execute(
            """
            SELECT number FROM execution INDEXED BY execution_open WHERE closed = 0 AND lease_owner IS NULL
                AND workflow_id IN (SELECT value FROM json_each(?))
            ORDER BY number LIMIT ?
            """,
            (wanted, max(0, limit)),
        ).fetchall()
    )
    cursor.executemany(
        "UPDATE execution SET lease_owner = ?, lease_epoch = lease_epoch + 1 WHERE number = ?",
        [(owner, number) for (number,) in free],
    )
    return _records(cursor, [number for (number,) in free])


def release(cursor: sqlite3.Cursor, owner: str, *, crashed: bool) -> list[ExecutionRecord]:
    held = cursor.execute(
        """
        SELECT number FROM execution INDEXED BY execution_open WHERE closed = 0 AND lease_owner = ?
        ORDER BY number
        """,
        (owner,),
    ).fetchall()
    cursor.execute(
        "UPDATE execution SET lease_owner = NULL, crashes = crashes + ? WHERE closed = 0 AND lease_owner = ?",
        (int(crashed), owner),
    )
    return _records(cursor, [number for (number,) in held])


def forgive(cursor: sqlite3.Cursor, execution_id: ExecutionId) -> None:
    cursor.execute("UPDATE execution SET crashes = 0 WHERE execution_id = ?", (execution_id,))


def owners(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT DISTINCT lease_owner FROM execution WHERE closed = 0 AND lease_owner IS NOT NULL ORDER BY 1"
    )
    return [owner for (owner,) in rows.fetchall()]


_WRITTEN_TO = """
SELECT execution_id FROM execution AS e INDEXED BY execution_open
WHERE closed = 0 AND lease_owner = :owner AND (
    (producer_id >= :prefix AND producer_id < :behind)
    OR EXISTS (
        SELECT 1 FROM producer
        WHERE execution_id = e.execution_id AND producer_id >= :prefix AND producer_id < :behind
    )
)
ORDER BY number
"""


def written_to(connection: sqlite3.Connection, owner: str, prefix: str) -> list[ExecutionId]:
    names = {"owner": owner, "prefix": prefix, "behind": prefix + chr(sys.maxunicode)}
    return [ExecutionId(found) for (found,) in connection.execute(_WRITTEN_TO, names).fetchall()]


def put_definitions(
    cursor: sqlite3.Cursor, source: SourceFile, definitions: Sequence[WorkflowDefinition]
) -> None:
    cursor.execute("INSERT OR REPLACE INTO source (path, body) VALUES (?, ?)", (source.path, _encode(source)))
    if source.import_error is not None:
        return
    cursor.execute("DELETE FROM definition WHERE path = ?", (source.path,))
    cursor.executemany(
        "INSERT OR REPLACE INTO definition (workflow_id, path, body) VALUES (?, ?, ?)",
        [(one.workflow_id, source.path, _encode(one)) for one in definitions],
    )


def definitions(connection: sqlite3.Connection) -> tuple[list[WorkflowDefinition], list[SourceFile]]:
    workflows = connection.execute("SELECT body FROM definition ORDER BY workflow_id").fetchall()
    sources = connection.execute("SELECT body FROM source ORDER BY path").fetchall()
    return (
        [_decode_definition(body) for (body,) in workflows],
        [_decode_source(body) for (body,) in sources],
    )


def retain_sources(cursor: sqlite3.Cursor, paths: Sequence[str]) -> None:
    kept = (_encode(list(paths)).decode(),)
    cursor.execute("DELETE FROM source WHERE path NOT IN (SELECT value FROM json_each(?))", kept)
    cursor.execute("DELETE FROM definition WHERE path NOT IN (SELECT value FROM json_each(?))", kept)


def to_head(row: Sequence[Any]) -> Head:
    epoch, last_seq, last_tag, closed, trimmed_upto = row
    return Head(epoch, last_seq, last_tag, bool(closed), trimmed_upto)


def _records(cursor: sqlite3.Cursor, numbers: Sequence[int]) -> list[ExecutionRecord]:
    sql = f"{_RECORD} WHERE e.number IN (SELECT value FROM json_each(?)) ORDER BY e.number"
    return [_to_record(row) for row in cursor.execute(sql, (_encode(numbers).decode(),)).fetchall()]


def _to_record(row: tuple[Any, ...]) -> ExecutionRecord:
    return ExecutionRecord(
        execution_id=row[0],
        workflow_id=row[1],
        head=to_head(row[2:7]),
        summary=_to_summary(row[7:18]),
        input=row[18],
        created_at=row[19],
        by=row[20],
        retry_of=row[21],
        lease_owner=row[22],
        lease_epoch=row[23],
        crashes=row[24],
        private_input=row[25],
    )


def _to_summary(row: tuple[Any, ...]) -> Summary:
    status, phase, progress, indeterminate, attempt, started_at, ended_at = row[:7]
    message, error, error_code, questions = row[7:]
    return Summary(
        status=status,
        phase=phase,
        progress=progress,
        indeterminate=bool(indeterminate),
        attempt=attempt,
        started_at=started_at,
        ended_at=ended_at,
        message=message,
        error=error,
        error_code=error_code,
        questions=questions,
    )
