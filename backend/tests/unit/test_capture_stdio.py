# ruff: noqa: T201 - printing is what is tested
"""What is printed inside an execution is its log, line by line; outside it goes where it went."""

import contextlib
import io
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.support.eventually import eventually
from tests.support.recording_scope import RecordingScope, entered

from headway import workflow
from headway.adapters import capture
from headway.adapters.capture import stdio
from headway.domain.events import Log
from headway.testing import run


@pytest.fixture
def scope() -> RecordingScope:
    return RecordingScope("load")


@contextmanager
def captured(scope: RecordingScope) -> Iterator[None]:
    """Inside the scope, with capture; not a fixture, since pytest sets `sys.stdout` after those."""
    uninstall = stdio.install()
    try:
        with entered(scope):
            yield
    finally:
        uninstall()


class TestPrint:
    def test_inside_is_log(self, scope: RecordingScope) -> None:
        with captured(scope):
            print("a", 1)
            print("two\nlines", file=sys.stderr)
            print()
        assert scope.events == [
            Log("INFO", "a 1", "load#1", "load", None, "stdout"),
            Log("INFO", "two", "load#1", "load", None, "stderr"),
            Log("INFO", "lines", "load#1", "load", None, "stderr"),
            Log("INFO", "", "load#1", "load", None, "stdout"),
        ]

    def test_an_unfinished_line_comes_when_its_step_ends(self, scope: RecordingScope) -> None:
        other = RecordingScope("other", parent=scope)
        with captured(other):
            print("other", end="")
            capture.end_of_scope(scope)
            assert scope.lines == []
            capture.end_of_scope(other)
            assert scope.lines == ["other"]

    def test_an_unfinished_line_comes_after_some_time(self, scope: RecordingScope) -> None:
        with captured(scope):
            print("Continue? ", end="", flush=True)
            eventually(lambda: scope.lines == ["Continue? "], within_s=10)

    def test_threads_do_not_end_each_others_lines(self, scope: RecordingScope) -> None:
        def write(text: str) -> None:
            with entered(scope):
                sys.stdout.write(text)

        with captured(scope):
            sys.stdout.write("main ")
            thread = threading.Thread(target=write, args=("thread\n",))
            thread.start()
            thread.join()
            sys.stdout.write("main\n")
        assert scope.lines == ["thread", "main main"]

    def test_what_is_no_text_is_refused_as_always(self, scope: RecordingScope) -> None:
        with captured(scope), pytest.raises(TypeError):
            sys.stdout.write(b"x")  # type: ignore[arg-type]

    def test_a_logging_handler_that_writes_here_says_nothing_twice(self, scope: RecordingScope) -> None:
        uninstall = capture.logging.install()
        logger = logging.getLogger("shop.twice")
        with captured(scope):
            handler = logging.StreamHandler(sys.stderr)
            logger.addHandler(handler)
            logger.warning("once")
            logger.removeHandler(handler)
        uninstall()
        assert scope.lines == ["once"]

    def test_the_stream_keeps_what_the_real_one_is(self, scope: RecordingScope) -> None:
        real = sys.stdout
        with captured(scope):
            assert sys.stdout is not real
            assert sys.stdout.encoding == real.encoding
            assert sys.stdout.isatty() == real.isatty()
            assert sys.stdout.buffer is real.buffer


def test_outside_goes_where_it_went(capsys: pytest.CaptureFixture[str]) -> None:
    uninstall = stdio.install()
    print("plain")
    sys.stdout.writelines(["a\n", "b\n"])
    print("error", file=sys.stderr)
    uninstall()
    assert capsys.readouterr() == ("plain\na\nb\n", "error\n")


def test_uninstalled_streams_let_all_pass(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout
    uninstall = stdio.install()
    held = sys.stdout
    with entered(RecordingScope()) as scope:
        print("unfinished", end="")
        uninstall()
        assert sys.stdout is before
        print("after", file=held)
    assert scope.lines == ["unfinished"]
    assert capsys.readouterr().out == "after\n"


def test_a_real_stream_set_by_one_workflow_ends_no_capture_of_the_next() -> None:
    real = sys.stdout

    @workflow
    def resetting() -> None:
        sys.stdout = real

    @workflow
    def printing() -> None:
        print("heard")

    uninstall = capture.install()
    try:
        run(resetting).raise_for_status()
        assert [line.message for line in run(printing).logs] == ["heard"]
    finally:
        uninstall()


def test_redirections_of_two_threads_that_overlap_leave_the_stream_as_it_was() -> None:
    uninstall = capture.install()
    try:
        ours, inner = sys.stdout, io.StringIO()
        first, second = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stdout(inner)
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        second.__exit__(None, None, None)
        assert sys.stdout is ours
        with first, first, second:
            print("nested")
        assert inner.getvalue() == "nested\n"
        assert sys.stdout is ours
    finally:
        uninstall()


def test_capture_ends_with_its_last_user() -> None:
    before = sys.stdout
    first, second = capture.install(), capture.install()
    first()
    first()
    assert sys.stdout is not before
    second()
    assert sys.stdout is before


TQDM_FIRST_LOADED_LATER = """
import sys
from headway import workflow
from headway.adapters import capture
from tests.support.recording_scope import RecordingScope, entered
uninstall = capture.install()
assert "tqdm.std" not in sys.modules
from tqdm import tqdm
with entered(RecordingScope("load")) as scope:
    list(tqdm(range(3), unit="row"))
uninstall()
print(len(scope.events), scope.events[-1].done, scope.lines)
"""


def test_tqdm_is_taught_when_it_is_loaded_later() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", TQDM_FIRST_LOADED_LATER],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ran.stdout, ran.stderr) == ("2 3 []\n", "")
