"""Makes what libraries say part of an execution: logging, print, warnings, tqdm; also in threads and forks.

Each module has an `install` that returns what undoes it. Outside an execution everything stays as it was.
"""

import threading
from collections.abc import Callable

from headway.adapters.capture import forks, logging, redirects, stdio, threads, tqdm, warnings
from headway.ports import Scope


class _Installation:
    """What is installed in this process, for as long as anybody wants it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._undo: list[Callable[[], None]] = []

    def join(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._undo = [
                    module.install() for module in (logging, stdio, redirects, warnings, tqdm, threads, forks)
                ]

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            while self._users == 0 and self._undo:
                self._undo.pop()()


_installation = _Installation()


def install() -> Callable[[], None]:
    """Capture everything in this process, once however often it is asked for.

    Returns:
        What ends it when every caller has called theirs; a second call does nothing.
    """
    _installation.join()
    mine = [_installation]

    def uninstall() -> None:
        if mine:
            mine.pop().leave()

    return uninstall


def install_in_process() -> Callable[[Scope], None]:
    """Capture in the process of a step, whose standard streams are reported as they are.

    Returns:
        What is to be told of each scope that ends.
    """
    for module in (logging, warnings, tqdm, threads, forks):
        module.install()
    return forks.end_of_scope


IN_PROCESS = f"{__name__}:{install_in_process.__name__}"
"""The same as a name, for an engine that starts such processes."""


def begin_of_scope(_: Scope) -> None:
    """See to it that what is printed comes here; for the engine, as a step or workflow body begins."""
    stdio.stand_in_front()


def end_of_scope(scope: Scope) -> None:
    """Give out what a step or workflow body, or a fork of it, said last; for the engine, as it ends."""
    forks.end_of_scope(scope)
    stdio.flush(scope)
