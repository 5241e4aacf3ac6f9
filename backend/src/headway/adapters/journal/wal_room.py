"""Room in the write-ahead log, written beforehand: the sync of a commit then need not record a longer file.

A file system with a journal of its own syncs what is overwritten in half the time of what is appended
(ext4: 80 µs in place of 175). SQLite ignores whatever stands behind its last commit.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable

from headway.adapters.journal.writer_lock import WriterLock

ROOM_BYTES = 16 << 20
PIECE_BYTES = 1 << 20  # writers wait for so much at a time
SPARE = 16  # a disk with less left than so many times the room keeps it


def make_room(
    connection: sqlite3.Connection,
    wal: str,
    lock: WriterLock,
    *,
    room_bytes: int,
    stopped: Callable[[], bool],
) -> None:
    """Lengthen the file to `room_bytes`, with the writers held up for a moment at a time.

    Raises:
        OSError: It cannot be written; what it holds is as it was.
        sqlite3.Error: Somebody else keeps the database locked.
    """
    while not stopped() and _lacks(wal, room_bytes):
        # SQLite's own lock, too: writers that do not take ours append to the same end.
        with lock:
            connection.execute("BEGIN IMMEDIATE")
            try:
                _append_zeros(wal, room_bytes)
            finally:
                connection.execute("ROLLBACK")


def _lacks(wal: str, room_bytes: int) -> bool:
    try:
        return os.stat(wal).st_size < room_bytes and shutil.disk_usage(wal).free > SPARE * room_bytes
    except FileNotFoundError:
        return False


def _append_zeros(wal: str, room_bytes: int) -> None:
    with open(wal, "r+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        file.write(bytes(max(0, min(PIECE_BYTES, room_bytes - size))))
        os.fsync(file.fileno())
