"""What SQLite's errors mean for us: which of our errors, and what the reader of the message does next."""

import sqlite3

from headway.errors import HeadwayError, JournalCorrupt, JournalUnavailable

_DAMAGED = {
    sqlite3.SQLITE_CORRUPT: "is damaged",
    sqlite3.SQLITE_NOTADB: "is no SQLite database",
}
_UNAVAILABLE = {
    sqlite3.SQLITE_FULL: ("cannot grow: the disk is full", "free some space; what was stored is intact"),
    sqlite3.SQLITE_READONLY: ("cannot be written", "make the file and its folder writable for this user"),
    sqlite3.SQLITE_CANTOPEN: (
        "cannot be opened",
        "check that the folder exists and this user may write to it",
    ),
    sqlite3.SQLITE_PERM: ("cannot be opened", "check the permissions of the file"),
    sqlite3.SQLITE_BUSY: ("is locked by another program", "end what holds it, then try again"),
    sqlite3.SQLITE_LOCKED: ("is locked by another program", "end what holds it, then try again"),
    sqlite3.SQLITE_IOERR: ("cannot be read or written", "check the disk; network folders will not do"),
}


def to_journal_error(error: sqlite3.Error, path: str) -> HeadwayError:
    """Say which database, why, and what to do."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the primary part
    if code in _DAMAGED:
        return JournalCorrupt(
            f"{path} {_DAMAGED[code]} ({error}): restore a backup, or move it away and start anew", path=path
        )
    what, remedy = _UNAVAILABLE.get(code, ("failed", "try again"))
    return JournalUnavailable(f"{path} {what} ({error}): {remedy}", path=path)
