# ruff: noqa: T201 - printing is what is tested
"""What forked processes print, log and report is in the log of where they were forked."""

import logging
import multiprocessing
import os
import signal
import socket
import sys
import time

import pytest
from tests.support.eventually import eventually
from tests.support.recording_scope import RecordingScope

from headway import log, progress, step, workflow
from headway.adapters.capture import forks
from headway.domain.events import Log, StepProgressed
from headway.testing import run

fork = multiprocessing.get_context("fork")


def speak(number: int) -> int:
    print(f"printed {number}")
    print(f"unfinished {number}", end="", file=sys.stderr)
    log(f"logged {number}")
    logging.getLogger("pool").warning("warned %d", number)
    return number


def forked(kill: bool = False) -> int:
    """Fork a process that speaks and ends, and give its exit code."""
    child = os.fork()
    if child == 0:
        speak(1)
        progress(1, 2)
        sys.stderr.flush()
        if kill:
            os.kill(os.getpid(), signal.SIGKILL)
        os._exit(5)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_of_a_pool_with_its_step() -> None:
    @step
    def crunch() -> int:
        print("parent, unfinished", end="")
        with fork.Pool(3) as pool:
            total = sum(pool.map(speak, range(20), chunksize=1))
            pool.close()
            pool.join()
        return total

    @workflow
    def crunching() -> int:
        return crunch()

    result = run(crunching)
    result.raise_for_status()
    lines = [line for line in result.logs if line.step == "crunch" and line.stream != "stderr"]
    assert {line.message for line in lines} == {"parent, unfinished"} | {
        f"{said} {number}" for said in ("printed", "logged", "warned") for number in range(20)
    }
    assert len(lines) == 61
    assert {line.level for line in lines if line.logger == "pool"} == {"WARNING"}


def test_of_a_bare_fork_before_its_step_ends_also_where_it_is_killed() -> None:
    @step
    def forking(kill: bool) -> int:
        return forked(kill)

    @workflow
    def twice() -> list[int]:
        return [forking(False), forking(True)]

    result = run(twice)
    assert result.output == [5, -signal.SIGKILL]
    for step_id in ("forking#1", "forking#2"):
        said = [event.data for event in result.events if getattr(event.data, "step_id", None) == step_id]
        assert [data.message for data in said if isinstance(data, Log)] == [
            "printed 1",
            "logged 1",
            "warned 1",
            "unfinished 1",
        ]
        assert any(isinstance(data, StepProgressed) for data in said)
        assert said[-1].kind == "step.completed"


def test_of_a_fork_of_a_step_in_a_process_of_its_own() -> None:
    result = run(apart)
    result.raise_for_status()
    assert [line.message for line in result.logs] == ["printed 1", "logged 1", "warned 1", "unfinished 1"]
    assert {line.step for line in result.logs} == {"forked_apart"}


@step(process=True)
def forked_apart() -> int:
    return forked()


@workflow
def apart() -> int:
    return forked_apart()


def test_after_the_execution_goes_to_the_real_stream_and_nothing_is_left_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading, writing = os.pipe()
    stream = os.fdopen(writing, "w", buffering=1)
    monkeypatch.setattr(sys, "__stderr__", stream)
    (hear, said), (go, wait) = os.pipe(), os.pipe()

    @workflow
    def leaves_one() -> int:
        child = os.fork()
        if child == 0:
            print("early")
            os.write(said, b"x")
            os.read(go, 1)
            print("late")
            os._exit(0)
        os.read(hear, 1)
        return child

    try:
        result = run(leaves_one)
        os.write(wait, b"x")
        os.waitpid(int(result.output), 0)
        assert os.read(reading, 100) == b"late\n"
        eventually(lambda: not forks._links)
    finally:
        stream.close()
        for end in (reading, hear, said, go, wait):
            os.close(end)
    assert "late" not in [line.message for line in result.logs]


def test_a_fork_that_nobody_reads_goes_on_and_tells_what_it_has_dropped() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    scope = RecordingScope("load")
    with ours, theirs:
        reports, link = forks._Reports(theirs, scope), forks._Link(scope, ours)
        began = time.monotonic()
        for _ in range(2_000):
            reports.send("event", Log("INFO", "x" * 1_000))
        assert time.monotonic() - began < 10 * forks.SEND_WITHIN_S
        link.end(scope)
        kept = len(scope.lines)
        reports.send("event", Log("INFO", "last"))
        link.end(scope)
    told, last = scope.lines[kept:]
    assert told.startswith(f"{2_000 - kept:,} lines of a forked process were dropped")
    assert last == "last"
