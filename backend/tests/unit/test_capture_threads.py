"""Threads and pools that user code starts inside a step say what they say in that step's log."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support.recording_scope import RecordingScope, entered

from headway.adapters.capture import stdio, threads
from headway.ports import Scope, current_scope


@pytest.fixture(autouse=True)
def _captured() -> Iterator[None]:
    uninstall = threads.install()
    yield
    uninstall()


def scope_in_a_thread() -> Scope | None:
    seen: list[Scope | None] = []
    thread = threading.Thread(target=lambda: seen.append(current_scope.get()))
    thread.start()
    thread.join()
    return seen[0]


def test_a_thread_is_where_it_was_started() -> None:
    with entered(RecordingScope("load")) as scope:
        assert scope_in_a_thread() is scope
    assert scope_in_a_thread() is None


def test_a_subclass_with_its_own_run_too() -> None:
    class Reader(threading.Thread):
        seen: Scope | None = None

        def run(self) -> None:
            self.seen = current_scope.get()

    with entered(RecordingScope("load")) as scope:
        reader = Reader()
        reader.start()
        reader.join()
    assert reader.seen is scope


def test_a_task_of_a_shared_pool_belongs_to_who_submitted_it() -> None:
    """The pool's one thread was started by the first step; the second step's task is the second step's."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        with entered(RecordingScope("first")) as first:
            assert pool.submit(current_scope.get).result() is first
        with entered(RecordingScope("second")) as second:
            assert list(pool.map(lambda _: current_scope.get(), range(3))) == [second] * 3
        assert pool.submit(current_scope.get).result() is None


def test_an_exception_in_a_thread_is_told_in_its_log_without_our_frames() -> None:
    def fail() -> None:
        raise ZeroDivisionError("in a thread")

    before, threading.excepthook = threading.excepthook, threading.__excepthook__  # not pytest's
    uninstall = stdio.install()
    try:
        with entered(RecordingScope("load")) as scope:
            thread = threading.Thread(target=fail, name="reader")
            thread.start()
            thread.join()
    finally:
        uninstall()
        threading.excepthook = before
    assert scope.lines[0] == "Exception in thread reader:"
    assert scope.lines[-1] == "ZeroDivisionError: in a thread"
    assert not any("capture/threads.py" in line for line in scope.lines)


def test_results_and_errors_are_as_before() -> None:
    with ThreadPoolExecutor(max_workers=1) as pool, entered(RecordingScope()):
        assert pool.submit(divmod, 7, 2).result() == (3, 1)
        with pytest.raises(ZeroDivisionError):
            pool.submit(divmod, 1, 0).result()


def test_uninstalled_all_is_as_it_was() -> None:
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit
    uninstall = threads.install()
    uninstall()

    assert (threading.Thread.start, ThreadPoolExecutor.submit) == (start, submit)
