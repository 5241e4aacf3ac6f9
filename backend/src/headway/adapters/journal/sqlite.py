"""The journal in one SQLite file that several processes of one machine share."""

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from typing_extensions import override

from headway.adapters.journal import sqlite_catalog, sqlite_housekeeping, sqlite_log
from headway.adapters.journal.sqlite_append import Appender, Overtaken
from headway.adapters.journal.sqlite_database import SqliteDatabase, Synchronous
from headway.domain.identifiers import ExecutionId, WorkflowId
from headway.domain.workflow import SourceFile, WorkflowDefinition
from headway.ports import (
    Appended,
    Batch,
    ExecutionFilter,
    ExecutionRecord,
    Head,
    Journal,
    NewExecution,
    Run,
    Segment,
)


class SqliteJournal(Journal):
    """A journal on a local disk; opens the file, or makes it, and brings its tables forward.

    Args:
        path: The database file; beside it stand SQLite's own `-wal` and `-shm` and our `-write.lock`.
        synchronous: `FULL` keeps an acknowledged event over a power cut, `NORMAL` only over a crash of
            the process; a commit of `NORMAL` waits for no disk.
        new_epoch: Makes the epoch of a new execution: 8 lower-case hex digits.

    Raises:
        JournalUnavailable: It cannot be opened or written; the message says what to do.
        JournalCorrupt: It is damaged, or no database.
        JournalTooNew: A newer Headway wrote it.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        synchronous: Synchronous = "FULL",
        new_epoch: Callable[[], str] = lambda: secrets.token_hex(4),
    ) -> None:
        self._database = SqliteDatabase(Path(path), synchronous)
        self._new_epoch = new_epoch
        self._appender = Appender()

    @override
    def append(self, batches: Sequence[Batch]) -> list[Appended | Exception]:
        if not batches:
            return []
        try:
            with self._database.writing() as cursor:
                return self._appender.append(cursor, batches)
        except Overtaken:
            with self._database.writing() as cursor:
                self._appender.forget()
                return self._appender.append(cursor, batches)

    @override
    def read(
        self, execution_id: ExecutionId, after: int, *, max_events: int = 10_000, max_bytes: int = 1 << 20
    ) -> list[Segment]:
        with self._database.reading() as connection:
            return sqlite_log.read(
                connection, execution_id, after, max_events=max_events, max_bytes=max_bytes
            )

    @override
    def heads(self, execution_ids: Sequence[ExecutionId]) -> dict[ExecutionId, Head]:
        with self._database.reading() as connection:
            return sqlite_log.heads(connection, execution_ids)

    @override
    def checkpoint(self, execution_id: ExecutionId, at_most: int) -> tuple[int, bytes] | None:
        with self._database.reading() as connection:
            return sqlite_log.checkpoint(connection, execution_id, at_most)

    @override
    def producers(self, execution_id: ExecutionId, prefix: str) -> int:
        with self._database.reading() as connection:
            return sqlite_log.producers(connection, execution_id, prefix)

    @override
    def tag_at(self, execution_id: ExecutionId, seq: int) -> int:
        with self._database.reading() as connection:
            return sqlite_log.tag_at(connection, execution_id, seq)

    @override
    def create(self, new: NewExecution) -> tuple[ExecutionId, bool]:
        with self._database.writing() as cursor:
            return sqlite_catalog.create(cursor, new, self._new_epoch())

    @override
    def known(self, workflow_id: WorkflowId, idempotency_key: str) -> tuple[ExecutionId, str | None] | None:
        with self._database.reading() as connection:
            return sqlite_catalog.known(connection, workflow_id, idempotency_key)

    @override
    def get(self, execution_id: ExecutionId) -> ExecutionRecord:
        with self._database.reading() as connection:
            return sqlite_catalog.get(connection, execution_id)

    @override
    def find(self, wanted: ExecutionFilter) -> list[ExecutionRecord]:
        with self._database.reading() as connection:
            return sqlite_catalog.find(connection, wanted)

    @override
    def recent(self, workflow_ids: Sequence[WorkflowId], limit: int) -> list[Run]:
        with self._database.reading() as connection:
            return sqlite_catalog.recent(connection, workflow_ids, limit)

    @override
    def follow(self, workflow_id: WorkflowId, after: ExecutionId | None) -> ExecutionId | None:
        with self._database.reading() as connection:
            return sqlite_catalog.follow(connection, workflow_id, after)

    @override
    def put_definitions(self, source: SourceFile, definitions: Sequence[WorkflowDefinition]) -> None:
        with self._database.writing() as cursor:
            sqlite_catalog.put_definitions(cursor, source, definitions)

    @override
    def definitions(self) -> tuple[list[WorkflowDefinition], list[SourceFile]]:
        with self._database.reading() as connection:
            return sqlite_catalog.definitions(connection)

    @override
    def retain_sources(self, paths: Sequence[str]) -> None:
        with self._database.writing() as cursor:
            sqlite_catalog.retain_sources(cursor, paths)

    @override
    def claim(self, owner: str, workflow_ids: Sequence[WorkflowId], limit: int) -> list[ExecutionRecord]:
        with self._database.writing() as cursor:
            return sqlite_catalog.claim(cursor, owner, workflow_ids, limit)

    @override
    def forgive(self, execution_id: ExecutionId) -> None:
        with self._database.writing() as cursor:
            sqlite_catalog.forgive(cursor, execution_id)

    @override
    def release(self, owner: str, *, crashed: bool) -> list[ExecutionRecord]:
        with self._database.writing() as cursor:
            return sqlite_catalog.release(cursor, owner, crashed=crashed)

    @override
    def owners(self) -> list[str]:
        with self._database.reading() as connection:
            return sqlite_catalog.owners(connection)

    @override
    def written_to(self, owner: str, prefix: str) -> list[ExecutionId]:
        with self._database.reading() as connection:
            return sqlite_catalog.written_to(connection, owner, prefix)

    @override
    def trim(self, execution_id: ExecutionId, upto: int) -> None:
        with self._database.writing() as cursor:
            sqlite_log.trim(cursor, execution_id, upto)

    @override
    def uncompacted(self, limit: int) -> list[ExecutionId]:
        with self._database.reading() as connection:
            return sqlite_housekeeping.uncompacted(connection, limit)

    @override
    def compact(self, execution_id: ExecutionId, after: int) -> int | None:
        with self._database.reading() as connection:
            step = sqlite_housekeeping.plan(connection, execution_id, after)
        if step.run or step.finishes:  # joined and compressed by now: the writers wait for the swap alone
            with self._database.writing() as cursor:
                sqlite_housekeeping.carry_out(cursor, step)
        return step.upto

    @override
    def ended(self, before: str, limit: int) -> list[ExecutionId]:
        with self._database.reading() as connection:
            return sqlite_housekeeping.ended(connection, before, limit)

    @override
    def forget(self, execution_id: ExecutionId) -> bool:
        with self._database.writing() as cursor:
            return sqlite_housekeeping.forget(cursor, execution_id)

    @override
    def used_bytes(self) -> int:
        with self._database.reading() as connection:
            return sqlite_housekeeping.used_bytes(connection)

    @override
    def check_writable(self) -> None:
        self._database.check_writable()

    @override
    def close(self) -> None:
        self._database.close()
