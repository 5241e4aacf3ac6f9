"""`contextlib.redirect_stdout` in several threads: when the last one ends, the first stream is back.

Each puts back what it found. Where they overlap without being nested, the last to end would put back the
target of another, for good: nothing printed after that would be seen any more.
"""

import contextlib
import sys
import threading
from collections.abc import Callable
from typing import Any


def install() -> Callable[[], None]:
    """Watch redirections of both streams from now on."""
    undo = _watch(contextlib.redirect_stdout, "stdout"), _watch(contextlib.redirect_stderr, "stderr")

    def uninstall() -> None:
        for each in undo:
            each()

    return uninstall


def _watch(redirect: Any, name: str) -> Callable[[], None]:
    lock = threading.Lock()
    inside: set[int] = set()
    first = getattr(sys, name)
    enter_before, leave_before = redirect.__enter__, redirect.__exit__

    def enter(self: Any) -> Any:
        nonlocal first
        with lock:
            if not inside:
                first = getattr(sys, name)
            inside.add(id(self))
            return enter_before(self)

    def leave(self: Any, *reason: Any) -> None:
        with lock:
            leave_before(self, *reason)
            if id(self) in inside and not self._old_targets:  # else it was entered several times
                inside.discard(id(self))
                if not inside:
                    setattr(sys, name, first)

    redirect.__enter__, redirect.__exit__ = enter, leave

    def undo() -> None:
        if redirect.__enter__ is enter:
            redirect.__enter__, redirect.__exit__ = enter_before, leave_before

    return undo
