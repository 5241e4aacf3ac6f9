"""Threads that user code starts inside an execution know where they are, so that what they say is its log.

A thread inherits the scope of who started it. A pool's thread outlives that, so each task of a pool has the
scope of who submitted it.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from headway.ports import Scope, current_scope


def install() -> Callable[[], None]:
    """Take the place of `Thread.start` and `ThreadPoolExecutor.submit`; outside a scope both do as before."""
    start_before, submit_before = threading.Thread.start, ThreadPoolExecutor.submit

    def start(self: threading.Thread) -> None:
        scope = current_scope.get()
        if scope is not None:
            self.run = partial(_run, self, self.run, scope)  # type: ignore[method-assign]
        start_before(self)

    def submit(self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return submit_before(self, _within, current_scope.get(), fn, *args, **kwargs)

    threading.Thread.start = start  # type: ignore[method-assign]
    ThreadPoolExecutor.submit = submit  # type: ignore[method-assign, assignment]

    def uninstall() -> None:
        if threading.Thread.start is start:
            threading.Thread.start = start_before  # type: ignore[method-assign]
        if ThreadPoolExecutor.submit is submit:
            ThreadPoolExecutor.submit = submit_before  # type: ignore[method-assign]

    return uninstall


def _run(thread: threading.Thread, run: Callable[[], None], scope: Scope) -> None:
    """Run it in the scope to its end: Python tells of an exception in the thread, and without this frame."""
    current_scope.set(scope)
    try:
        run()
    except BaseException as error:  # noqa: BLE001 - what `Thread` itself does with it
        error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
        threading.excepthook(threading.ExceptHookArgs((type(error), error, error.__traceback__, thread)))


def _within(scope: Scope | None, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call it where `scope` is current; a pool's thread may have inherited another, or none is to be."""
    token = current_scope.set(scope)
    try:
        return call(*args, **kwargs)
    finally:
        current_scope.reset(token)
