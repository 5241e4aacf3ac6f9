"""Looks after the write-ahead log on a thread of its own, so that no commit pays for it."""

import logging
import os
import sqlite3
import threading
from collections.abc import Callable

from headway.adapters.journal.wal_room import make_room
from headway.adapters.journal.writer_lock import WriterLock

_log = logging.getLogger(__name__)

INTERVAL_S = 1.0  # at most one round a second, and none while nothing is written
PASSIVE_ABOVE_BYTES = 1 << 20
PASSIVE_AFTER_COMMITS = 100  # where the length of the file says nothing, since room was made in it
RESTART_ABOVE_BYTES = 32 << 20
TRUNCATE_ABOVE_BYTES = (
    128 << 20
)  # a file this long was left by a reader that held everything up: give it back
BUSY_TIMEOUT_S = 0.05  # how long a restart may wait for readers, with all writers waiting for it
PAGE_BYTES = 4_096


class WalCheckpointer:
    """Keeps what is in the WAL short while this process writes, and room in its file.

    A passive checkpoint disturbs nobody but never ends a WAL that is written all the time. Above
    `RESTART_ABOVE_BYTES` the rest is therefore moved with the writers held up for a moment, and they begin
    again at the start of the file.

    Args:
        room_bytes: How long the file is made from the first commit on.
    """

    def __init__(
        self,
        connect: Callable[[float], sqlite3.Connection],
        path: str,
        lock: WriterLock,
        *,
        room_bytes: int = 0,
    ) -> None:
        self._connect = connect
        self._wal = f"{path}-wal"
        self._lock = lock
        self._room_bytes = room_bytes
        self._commits = 0  # since the last checkpoint, about
        self._written = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="headway-wal", daemon=True)
        self._thread.start()

    def note_commit(self) -> None:
        """Something has been written; costs nothing worth naming."""
        self._commits += 1
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
            try:
                connection = connection or self._connect(BUSY_TIMEOUT_S)
                self._make_room(connection)
                if self._stopping.wait(INTERVAL_S):
                    break
                self._written.clear()
                self._round(connection)
                has_failed = False
            except (sqlite3.Error, OSError) as error:
                # What is wrong with the disk or the file, the next commit tells its caller.
                _log.log(
                    logging.DEBUG if has_failed else logging.WARNING,
                    "upkeep of %s failed: %s",
                    *(self._wal, error),
                )
                has_failed = True
                self._stopping.wait(INTERVAL_S)
        if connection is not None:
            connection.close()

    def _make_room(self, connection: sqlite3.Connection) -> None:
        make_room(
            connection,
            self._wal,
            self._lock,
            room_bytes=self._room_bytes,
            stopped=self._stopping.is_set,
        )

    def _round(self, connection: sqlite3.Connection) -> None:
        is_busy = self._room_bytes > 0 and self._commits >= PASSIVE_AFTER_COMMITS
        if not is_busy and self._wal_bytes() <= max(PASSIVE_ABOVE_BYTES, self._room_bytes):
            return
        self._commits = 0
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
