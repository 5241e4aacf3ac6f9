"""Who holds a database: an OS file lock beside it, with the holder's pid and address inside.

The system drops the lock when its process dies, however that happens; the text may then be out of date, so
it only counts while the lock is held.
"""

import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from headway.errors import DatabaseInUse, JournalUnavailable

_WAIT_S = 1.0  # a command that looks at the lock holds it for an instant
_RETRY_S = 0.05


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds a database; `url` is where its server answers, if it has one."""

    pid: int
    url: str | None = None


def lock_path(database: Path) -> Path:
    return database.with_name(database.name + ".lock")


class DatabaseLock:
    """The right to run workers on a database; held from `take` to `release`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, database: Path) -> Self:
        """Take the lock; makes the database's folder where it is missing.

        Raises:
            DatabaseInUse: Saying which process holds it, and where its server is.
            JournalUnavailable: The folder cannot be written.
        """
        path = lock_path(database)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise JournalUnavailable(
                f"cannot write {path}: {error.strerror}; choose another place with --database sqlite:///PATH"
            ) from error
        deadline = time.monotonic() + _WAIT_S
        while not _try_lock(descriptor, fcntl.LOCK_EX):
            if time.monotonic() >= deadline:
                holder = _read(descriptor)
                os.close(descriptor)
                raise _in_use(database, holder)
            time.sleep(_RETRY_S)
        lock = cls(descriptor)
        lock.announce(None)
        return lock

    def announce(self, url: str | None) -> None:
        """Tell others where the server of this process answers."""
        text = json.dumps(asdict(Holder(os.getpid(), url))).encode()
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text, 0)

    def release(self) -> None:
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)


def holder_of(database: Path) -> Holder | None:
    """The process that holds this database now, or `None`."""
    try:
        descriptor = os.open(lock_path(database), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return None if _try_lock(descriptor, fcntl.LOCK_SH) else _read(descriptor)
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, mode: int) -> bool:
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _read(descriptor: int) -> Holder:
    try:
        found = json.loads(os.pread(descriptor, 4096, 0))
        return Holder(int(found["pid"]), found.get("url"))
    except (ValueError, KeyError, TypeError):
        return Holder(0)  # the holder is between taking the lock and writing its name


def _in_use(database: Path, holder: Holder) -> DatabaseInUse:
    where = f" and serves it at {holder.url}" if holder.url else ""
    return DatabaseInUse(
        f"process {holder.pid} holds {database}{where}; "
        "use that server, stop it, or choose another with --database sqlite:///PATH",
        pid=holder.pid,
        url=holder.url,
    )
