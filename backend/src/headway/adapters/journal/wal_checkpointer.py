"""Moves the write-ahead log into the database on a thread of its own, so that no commit pays for it."""

import logging
import os
import sqlite3
import threading
from collections.abc import Callable

from headway.adapters.journal.writer_lock import WriterLock

_log = logging.getLogger(__name__)

INTERVAL_S = 1.0  # at most one round a second, and none while nothing is written
PASSIVE_ABOVE_BYTES = 1 << 20
RESTART_ABOVE_BYTES = 32 << 20
TRUNCATE_ABOVE_BYTES = (
    128 << 20
)  # a file this long was left by a reader that held everything up: give it back
BUSY_TIMEOUT_S = 0.05  # how long a restart may wait for readers, with all writers waiting for it
PAGE_BYTES = 4_096


class WalCheckpointer:
    """Keeps the WAL file short while this process writes.

    A passive checkpoint disturbs nobody but never ends a WAL that is written all the time. Above
    `RESTART_ABOVE_BYTES` the rest is therefore moved with the writers held up for a moment, and they begin
    again at the start of the file.
    """

    def __init__(self, connect: Callable[[float], sqlite3.Connection], path: str, lock: WriterLock) -> None:
        self._connect = connect
        self._wal = f"{path}-wal"
        self._lock = lock
        self._written = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="headway-wal", daemon=True)
        self._thread.start()

    def note_commit(self) -> None:
        """Something has been written; costs nothing worth naming."""
        if not self._written.is_set():
            self._written.set()

    def close(self) -> None:
        """Stop after the round that runs."""
        self._stopping.set()
        self._written.set()
        self._thread.join()

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        has_failed = False
        while not self._stopping.is_set():
            self._written.wait()
            if self._stopping.wait(INTERVAL_S):
                break
            self._written.clear()
            try:
                connection = connection or self._connect(BUSY_TIMEOUT_S)
                self._round(connection)
                has_failed = False
            except (sqlite3.Error, OSError) as error:
                # What is wrong with the disk or the file, the next commit tells its caller.
                _log.log(
                    logging.DEBUG if has_failed else logging.WARNING,
                    "checkpoint of %s failed: %s",
                    *(self._wal, error),
                )
                has_failed = True
        if connection is not None:
            connection.close()

    def _round(self, connection: sqlite3.Connection) -> None:
        if self._wal_bytes() <= PASSIVE_ABOVE_BYTES:
            return
        if _checkpoint(connection, "PASSIVE") <= RESTART_ABOVE_BYTES:
            return
        _checkpoint(connection, "PASSIVE")  # what came meanwhile: the less is left, the shorter writers wait
        with self._lock:
            _checkpoint(connection, "TRUNCATE" if self._wal_bytes() > TRUNCATE_ABOVE_BYTES else "RESTART")

    def _wal_bytes(self) -> int:
        try:
            return os.stat(self._wal).st_size
        except FileNotFoundError:
            return 0


def _checkpoint(connection: sqlite3.Connection, mode: str) -> int:
    """Returns how long the part of the WAL in use is, in bytes."""
    _, pages, _ = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
    return int(pages) * PAGE_BYTES
