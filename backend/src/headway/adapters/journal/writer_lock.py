"""One writer at a time, over threads and processes: waits in the kernel where SQLite would sleep and poll."""

import os
import sys
import threading
from types import TracebackType
from weakref import WeakSet

if sys.platform != "win32":
    import fcntl


class WriterLock:
    """An operating system's lock on a file beside the database.

    It only orders the writers of Headway; SQLite's own lock keeps the file safe without it. It is free when
    its holder dies. Where there is no `flock`, only the threads of this process are ordered.
    """

    def __init__(self, path: str) -> None:
        self._threads = threading.Lock()
        self._file: int | None = None
        if sys.platform != "win32":
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            _locks.add(self)

    def __enter__(self) -> None:
        self._threads.acquire()
        if self._file is not None:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX)
            except BaseException:
                self._threads.release()
                raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._threads.release()

    def close(self) -> None:
        """Let go of the file; the lock is of no use afterwards."""
        with self._threads:
            self.forget()

    def forget(self) -> None:
        """Close this process's copy of the file without waiting for anybody."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


_locks: WeakSet[WriterLock] = WeakSet()


def _forget_in_child() -> None:
    for lock in list(_locks):
        lock.forget()


# A forked child shares the open file: it would go on holding a lock whose owner was killed.
# Guarded by test_a_forked_child_does_not_keep_the_lock_of_its_dead_parent.
if sys.platform != "win32":
    os.register_at_fork(after_in_child=_forget_in_child)
