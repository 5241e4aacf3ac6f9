"""Connections to one SQLite file: one writer, readers, checkpoints off the commit path; knows no table."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from headway.adapters.journal.sqlite_errors import to_journal_error
from headway.adapters.journal.sqlite_schema import MIGRATIONS, migrate
from headway.adapters.journal.wal_checkpointer import WalCheckpointer
from headway.adapters.journal.wal_room import ROOM_BYTES
from headway.adapters.journal.writer_lock import WriterLock
from headway.errors import JournalUnavailable

Synchronous = Literal["FULL", "NORMAL"]
BUSY_TIMEOUT_S = 5.0  # backstop: for writers that do not take our lock, such as the sqlite3 shell


class SqliteDatabase:
    """The file at `path`, created with mode 0600 where there is none.

    Raises:
        JournalUnavailable: It cannot be opened or written.
        JournalCorrupt: It is damaged, or no database.
        JournalTooNew: A newer Headway wrote it.
    """

    def __init__(
        self, path: Path, synchronous: Synchronous, steps: Sequence[Sequence[str]] = MIGRATIONS
    ) -> None:
        path = path.resolve()  # one file has one lock, and readers opened later find it from any folder
        self.path = str(path)
        # Never makes a file: a database that was moved away is missed, not replaced by an empty one.
        self._uri = f"{path.as_uri()}?mode=rw"
        self._idle_readers: list[sqlite3.Connection] = []
        self._is_closed = False
        self._is_refused = False  # the last write failed
        try:
            _create_private(path)
            self._lock = WriterLock(f"{self.path}-write.lock")
        except OSError as error:
            raise JournalUnavailable(
                f"{self.path} cannot be opened ({error.strerror}): check that this user may write there",
                path=self.path,
            ) from error
        try:
            self._writer = self._open_writer(synchronous, steps)
        except BaseException:
            self._lock.close()
            raise
        self._cursor = self._writer.cursor()
        room_bytes = ROOM_BYTES if synchronous == "FULL" else 0  # only a commit that syncs gains by it
        self._checkpointer = WalCheckpointer(self._connect, self.path, self._lock, room_bytes=room_bytes)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Cursor]:
        """One durable transaction, alone among all threads and processes; an exception undoes it."""
        try:
            with self._lock:
                if self._is_closed:
                    raise JournalUnavailable(f"{self.path} has been closed", path=self.path)
                self._cursor.execute("BEGIN IMMEDIATE")
                try:
                    yield self._cursor
                    self._cursor.execute("COMMIT")
                finally:
                    if self._writer.in_transaction:
                        self._writer.rollback()
        except sqlite3.Error as error:
            self._is_refused = True
            raise to_journal_error(error, self.path) from error
        self._is_refused = False
        self._checkpointer.note_commit()

    def check_writable(self) -> None:
        """Write again where the last write failed: nobody may try meanwhile, so it would count for ever.

        Raises:
            JournalUnavailable: It fails again.
        """
        if self._is_refused:
            with self.writing() as cursor:
                version = cursor.execute("PRAGMA user_version").fetchone()[0]
                cursor.execute(f"PRAGMA user_version = {version}")  # the smallest write there is

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that nobody else uses meanwhile; each statement sees a committed state."""
        try:
            try:
                connection = self._idle_readers.pop()
            except IndexError:
                connection = self._open_reader()
            try:
                yield connection
            finally:
                self._idle_readers.append(connection)
                if self._is_closed:
                    self._close_readers()
        except sqlite3.Error as error:
            raise to_journal_error(error, self.path) from error

    def close(self) -> None:
        """Finish what runs, then close every connection; safe to call twice."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        self._checkpointer.close()
        self._close_readers()
        self._writer.close()
        self._lock.close()

    def _connect(self, busy_timeout_s: float = BUSY_TIMEOUT_S) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._uri, uri=True, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        return connection

    def _open_writer(self, synchronous: Synchronous, steps: Sequence[Sequence[str]]) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = None
        try:
            with self._lock:
                connection = self._connect()
                self._set_mode(connection, synchronous)
                migrate(connection, self.path, steps)
        except BaseException as error:
            if connection is not None:
                connection.close()
            if isinstance(error, sqlite3.Error):
                raise to_journal_error(error, self.path) from error
            raise
        return connection

    def _set_mode(self, connection: sqlite3.Connection, synchronous: Synchronous) -> None:
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise JournalUnavailable(
                f"{self.path} cannot be shared between processes there (journal mode {mode}): "
                "put the database on a local disk",
                path=self.path,
            )
        connection.execute(f"PRAGMA synchronous = {synchronous}")

    def _open_reader(self) -> sqlite3.Connection:
        if self._is_closed:
            raise JournalUnavailable(f"{self.path} has been closed", path=self.path)
        connection = self._connect()
        connection.execute("PRAGMA query_only = 1")
        return connection

    def _close_readers(self) -> None:
        while self._idle_readers:
            self._idle_readers.pop().close()


def _create_private(path: Path) -> None:
    """Make the file readable by its owner alone before SQLite does; its WAL takes over the mode.

    An existing file is not touched: closing a file descriptor of it would drop the locks that this process
    holds on it (POSIX).
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
