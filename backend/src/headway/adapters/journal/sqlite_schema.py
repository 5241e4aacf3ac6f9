"""The tables, and the steps that bring an older database forward."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from headway.errors import JournalTooNew, JournalUnavailable

APPLICATION_ID = 0x48647779  # "Hdwy", in the file's header: tells our databases from others
_HEADER_BYTES, _MAGIC = 100, b"SQLite format 3\0"

# A released step never changes: the next change of the tables is the next step.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # What an append rewrites is small; inputs are kept apart. `number` is the order of creation: ids sort
        # by wall time, which may jump. `producer_…` is the producer that appended last, so that a run's own
        # producer costs no row of its own; `producer` holds the others.
        """
        CREATE TABLE execution (
            number INTEGER PRIMARY KEY,
            execution_id TEXT NOT NULL UNIQUE,
            workflow_id TEXT NOT NULL,
            epoch TEXT NOT NULL,
            last_seq INTEGER NOT NULL,
            last_tag INTEGER NOT NULL,
            closed INTEGER NOT NULL DEFAULT 0,
            trimmed_upto INTEGER NOT NULL DEFAULT 0,
            lease_owner TEXT,
            lease_epoch INTEGER NOT NULL DEFAULT 0,
            crashes INTEGER NOT NULL DEFAULT 0,
            producer_id TEXT NOT NULL,
            producer_epoch INTEGER NOT NULL,
            last_producer_seq INTEGER NOT NULL,
            producer_first_seq INTEGER NOT NULL,
            producer_size INTEGER NOT NULL,
            producer_tag INTEGER NOT NULL,
            status TEXT NOT NULL,
            phase TEXT NOT NULL,
            progress REAL NOT NULL,
            indeterminate INTEGER NOT NULL,
            attempt INTEGER NOT NULL,
            started_at TEXT,
            ended_at TEXT,
            message TEXT,
            error TEXT,
            error_code TEXT
        )
        """,
        "CREATE INDEX execution_of_workflow ON execution (workflow_id)",
        # In the order of the queue, so that a claim reads only what it takes, however long the queue is.
        """
        CREATE INDEX execution_open ON execution (lease_owner, number, workflow_id) WHERE closed = 0
        """,
        """
        CREATE TABLE request (
            execution_id TEXT PRIMARY KEY,
            input BLOB NOT NULL,
            created_at TEXT NOT NULL,
            requested_by TEXT,
            retry_of TEXT
        )
        """,
        """
        CREATE TABLE idempotency_key (
            workflow_id TEXT NOT NULL,
            key TEXT NOT NULL,
            request_digest TEXT,
            execution_id TEXT NOT NULL,
            PRIMARY KEY (workflow_id, key)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE segment (
            execution_id TEXT NOT NULL,
            first_seq INTEGER NOT NULL,
            last_seq INTEGER NOT NULL,
            tag_before INTEGER NOT NULL,
            tag_after INTEGER NOT NULL,
            encoding INTEGER NOT NULL DEFAULT 0,
            body BLOB NOT NULL,
            PRIMARY KEY (execution_id, first_seq)
        )
        """,
        """
        CREATE TABLE checkpoint (
            execution_id TEXT NOT NULL,
            seq INTEGER NOT NULL,
            state BLOB NOT NULL,
            PRIMARY KEY (execution_id, seq)
        )
        """,
        """
        CREATE TABLE producer (
            execution_id TEXT NOT NULL,
            producer_id TEXT NOT NULL,
            producer_epoch INTEGER NOT NULL,
            last_producer_seq INTEGER NOT NULL,
            first_seq INTEGER NOT NULL,
            size INTEGER NOT NULL,
            tag INTEGER NOT NULL,
            PRIMARY KEY (execution_id, producer_id)
        ) WITHOUT ROWID
        """,
        "CREATE TABLE source (path TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID",
        """
        CREATE TABLE definition (
            workflow_id TEXT PRIMARY KEY,
            path TEXT NOT NULL,
            body BLOB NOT NULL
        ) WITHOUT ROWID
        """,
    ),
    (
        # Names no column that an append writes, so that the index costs an append nothing.
        "ALTER TABLE execution ADD COLUMN compacted INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX execution_uncompacted ON execution (number) WHERE closed = 1 AND compacted = 0",
        "CREATE INDEX idempotency_key_of_execution ON idempotency_key (execution_id)",
    ),
    (
        # Nearly always empty: a claim sees at once that there are none.
        "CREATE INDEX execution_suspect ON execution (number) WHERE closed = 0 AND crashes >= 2",
    ),
    (
        # Few rows ever: those that wait for a person. What waited before this column came may have asked.
        "ALTER TABLE execution ADD COLUMN questions INTEGER NOT NULL DEFAULT 0",
        "UPDATE execution SET questions = 1 WHERE closed = 0 AND phase = 'waiting'",
        "CREATE INDEX execution_asking ON execution (number) WHERE closed = 0 AND questions > 0",
    ),
    (
        # What only workers and retries read: `input` is what is shown. Nearly always none.
        "ALTER TABLE request ADD COLUMN private_input BLOB",
    ),
    # No table changes, but rows may have an encoding (`segment_rows.DEFLATED`) that was not known before.
    (),
)


def check_file(path: Path) -> None:
    """Refuse a file that is not ours by its first bytes, before anything is made beside it.

    Not for a process that has the database open: closing a file drops the locks it holds on it (POSIX).

    Raises:
        JournalUnavailable: It cannot be read, or is another program's.
    """
    try:
        if not path.is_file():
            if path.exists():
                raise JournalUnavailable(f"{path} is no file; give another --database", path=str(path))
            return
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except PermissionError as error:
        raise JournalUnavailable(
            f"{path} cannot be opened ({error.strerror}); check that this user may read and write it",
            path=str(path),
        ) from error
    if not header:
        return
    if not header.startswith(_MAGIC):
        raise JournalUnavailable(
            f"{path} is no SQLite database; give another --database, or a backup if it was one",
            path=str(path),
        )
    pages, owner = int.from_bytes(header[28:32], "big"), int.from_bytes(header[68:72], "big")
    # Ours says so from the first commit on, which may still stand in the WAL alone, behind an empty page.
    is_new = owner == 0 and (pages <= 1 or Path(f"{path}-wal").exists())
    if owner != APPLICATION_ID and not is_new:
        raise JournalUnavailable(
            f"{path} is the database of another program; give another --database", path=str(path)
        )


def migrate(connection: sqlite3.Connection, path: str, steps: Sequence[Sequence[str]] = MIGRATIONS) -> None:
    """Bring the database to the last step, all or nothing; does nothing to one that is there.

    The caller holds the writer's lock.

    Raises:
        JournalTooNew: A newer Headway has taken it further.
        JournalUnavailable: It is another program's database.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > len(steps):
            raise JournalTooNew(
                f"{path} was written by a newer Headway (schema {version}; this one knows {len(steps)}): "
                "upgrade Headway, or give another --database",
                path=path,
            )
        _check_owner(connection, path)
        for step in steps[version:]:
            for statement in step:
                connection.execute(statement)
        if version < len(steps):
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _check_owner(connection: sqlite3.Connection, path: str) -> None:
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    is_empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    if owner != APPLICATION_ID and not (owner == 0 and is_empty):
        raise JournalUnavailable(
            f"{path} is the database of another program: give another --database", path=path
        )
