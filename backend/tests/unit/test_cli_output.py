"""What the command line says: errors, lines, outcomes, the live picture."""

import io
import re
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
from msgspec import Raw
from rich.console import Console
from tests.support.builders import AT
from typer.testing import CliRunner

from headway.cli import exits
from headway.cli.app import app
from headway.cli.following import follow
from headway.cli.live_view import picture
from headway.cli.outcomes import describe_end, describe_proof, exit_code
from headway.cli.plain_view import PlainView, line_of, without_controls
from headway.client.records import Update, decode_update, folded
from headway.domain import events as e
from headway.domain.events import Event
from headway.domain.execution import State, fold_all
from headway.errors import (
    AddressInUse,
    ExecutionNotFound,
    HeadwayError,
    InvalidInput,
    JournalUnavailable,
    ServerUnreachable,
    Unauthorized,
)

TOTALS = e.Totals(events=4, logs=1, errors=0)


def events(*data: e.EventData) -> list[Event]:
    return [Event(seq, AT, each) for seq, each in enumerate(data, 1)]


def state_after(*data: e.EventData) -> State:
    return fold_all(State(execution_id="01K", workflow_id="audit"), events(*data))


def completed(output: bytes = b'{"files":3}') -> e.ExecutionCompleted:
    result = e.ExecutionResult(execution_id="01K", status="completed", output=Raw(output), totals=TOTALS)
    return e.ExecutionCompleted(totals=TOTALS, result=result)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInput("no", errors=[{"field": "top", "message": "must be a number"}]), 2),
        (AddressInUse(), 2),
        (ServerUnreachable(), 4),
        (JournalUnavailable(), 4),
        (HeadwayError(), 1),
        (ZeroDivisionError(), 1),
        (OSError(28, "No space left on device"), 5),
        (KeyboardInterrupt(), 130),
    ],
)
def test_the_exit_code_tells_what_to_do_next(error: BaseException, code: int) -> None:
    assert exits.code_of(error) == code


def test_an_error_is_a_line_of_what_and_a_line_of_what_next() -> None:
    error = ServerUnreachable("no server answers at http://x; start one: headway serve FILE")
    assert exits.explain(error, debug=False).splitlines() == [
        "Error: no server answers at http://x",
        "  Start one: headway serve FILE",
    ]
    assert "headway ls" in exits.explain(ExecutionNotFound(), debug=False)


def test_without_a_token_a_command_names_the_variable_not_the_header() -> None:
    told = exits.explain(Unauthorized(), debug=False)
    assert "HEADWAY_TOKEN" in told
    assert "Bearer" not in told


def test_ctrl_c_while_the_command_still_imports_is_no_traceback() -> None:
    """From the first import of Headway's own on: whatever module it comes in."""
    code = """
import sys


class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == "headway":
            raise KeyboardInterrupt


from headway_command import main

sys.meta_path.insert(0, Interrupted())
main()
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (exits.INTERRUPTED, "")


def test_what_the_system_refuses_is_one_line_and_no_bug() -> None:
    told = exits.explain(OSError(28, "No space left on device"), debug=False)
    assert told.endswith("No space left on device")
    assert len(told.splitlines()) == 1


def test_every_field_at_fault_is_named() -> None:
    error = InvalidInput(
        "the input does not fit", errors=[{"field": "a.b[0]", "message": "must be a number"}]
    )
    assert "  a.b[0]: must be a number" in exits.explain(error, debug=False).splitlines()


def test_a_traceback_is_shown_only_where_asked_for() -> None:
    error = ZeroDivisionError("division by zero")
    assert "Traceback" not in exits.explain(error, debug=False)
    assert "HEADWAY_DEBUG=1" in exits.explain(error, debug=False)
    try:
        raise error
    except ZeroDivisionError:
        assert "Traceback" in exits.explain(error, debug=True)


def test_text_of_a_log_cannot_steer_the_terminal() -> None:
    hostile = "\x1b]0;title\x07\x1b[31mred\x1b[0m\x1b[2J\r\x08\x9b1mgone"
    assert without_controls(hostile) == "red1mgone"
    assert without_controls("kept\ttabs\nand lines") == "kept\ttabs\nand lines"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (e.Log("WARNING", "disk is slow", step="fetch"), "WARNING fetch | disk is slow"),
        (e.StepStarted(step="fetch", step_id="fetch#1", attempt=2), "STEP    fetch | started, attempt 2"),
        (
            e.StepCompleted(step="fetch", step_id="fetch#1", duration_s=1.234),
            "STEP    fetch | completed in 1.23 s",
        ),
        (e.StepCompleted(step="f", step_id="f#1", duration_s=0.0124), "STEP    f | completed in 12 ms"),
        (e.StepCompleted(step="f", step_id="f#1", duration_s=0.0004), "STEP    f | completed in < 1 ms"),
        (e.ExecutionResumed(attempt=2, worker="w", reused_steps=7), "resumed on attempt 2, 7 steps reused"),
        (e.Gap(dropped=3, message="3 events were dropped"), "WARNING 3 events were dropped"),
    ],
)
def test_an_event_that_says_something_is_a_line(data: e.EventData, told: str) -> None:
    line = line_of(state_after(data), events(data)[0])
    assert line is not None
    assert line.endswith(told)


@pytest.mark.parametrize(
    "data",
    [
        e.StepProgressed(step="fetch", step_id="fetch#1", done=1, total=2),
        e.StepStarted(step="fetch", step_id="fetch#2", parent="fetch[]#1"),
    ],
)
def test_what_only_moves_a_bar_is_no_line(data: e.EventData) -> None:
    assert line_of(state_after(data), events(data)[0]) is None


def test_an_item_that_ends_is_counted_by_its_group_and_not_told() -> None:
    started = e.StepStarted(step="fetch", step_id="fetch#2", parent="fetch[]#1")
    ended = e.StepCompleted(step="fetch", step_id="fetch#2", duration_s=0.1)
    assert line_of(state_after(started, ended), Event(2, AT, ended)) is None


def test_plain_output_has_no_escape_and_tells_tenths() -> None:
    stream = io.StringIO()
    view = PlainView(stream)
    state = State(execution_id="01K", workflow_id="audit")
    for event in events(
        e.ExecutionStarted(attempt=1, worker="w", progress=0.0),
        e.StepProgressed(step="fetch", step_id="fetch#1", progress=42.0, done=21, total=50),
        e.Log("INFO", "\x1b[32mgreen\x1b[0m"),
    ):
        state.apply(event)
        view.show(state, event)
    assert "40 %" in stream.getvalue()
    assert "green" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_a_completed_execution_shows_its_result_and_its_seal() -> None:
    told = describe_end(state_after(completed()))
    assert '"files": 3' in told
    assert told.endswith("completed: 4 events, 1 log lines, 0 errors")


def test_a_failed_execution_shows_the_step_the_error_and_the_users_lines() -> None:
    result = e.ExecutionResult(execution_id="01K", status="failed", totals=TOTALS)
    failed = e.ExecutionFailed(
        error="KeyError: 'sku'", step="load", traceback="Traceback: line 7", totals=TOTALS, result=result
    )
    state = state_after(failed)
    told = describe_end(state)
    assert "Failed in step load: KeyError: 'sku'" in told
    assert "line 7" in told
    assert exit_code(state) == 1


def test_the_picture_has_the_status_the_bar_and_the_steps_that_run() -> None:
    state = state_after(
        e.ExecutionStarted(attempt=1, worker="w", progress=0.0),
        e.StepStarted(step="fetch", step_id="fetch#1", unit="page"),
        e.StepProgressed(step="fetch", step_id="fetch#1", progress=42.0, done=21, total=50, unit="page"),
        *(e.StepStarted(step=f"item{number}", step_id=f"item#{number}") for number in range(9)),
    )
    console = Console(width=80, file=io.StringIO(), force_terminal=False)
    console.print(picture(state, 12.0, 80))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "audit running 12 s" in shown
    assert "42 %" in shown
    assert "and 4 more steps" in shown
    assert "item8" in shown
    few = state_after(*(each.data for each in events(e.StepStarted(step="fetch", step_id="fetch#1"))))
    few.apply(Event(2, AT, e.StepProgressed(step="fetch", step_id="fetch#1", done=21, total=50, unit="page")))
    console.print(picture(few, 1.0, 80))
    assert "21/50 page" in console.file.getvalue()  # type: ignore[attr-defined]


def test_the_picture_does_not_say_the_status_twice() -> None:
    result = e.ExecutionResult(execution_id="01X", status="completed", output=Raw(b"1"), totals=TOTALS)
    state = state_after(e.ExecutionCompleted(totals=TOTALS, result=result))
    console = Console(width=80, file=io.StringIO(), force_terminal=False)
    console.print(picture(state, 3.0, 80))
    assert console.file.getvalue().count("completed") == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("words", [["--version"], ["version"]])
def test_the_version_is_told_in_both_usual_ways(words: list[str]) -> None:
    answer = CliRunner().invoke(app, words)

    assert answer.exit_code == 0
    assert re.fullmatch(r"headway \d+\.\d+\.\d+\S*\n", answer.output)


@pytest.mark.parametrize(
    ("verified_from", "told"),
    [
        (0, "complete: 2 of 2 lines, verified"),
        (3, "complete: 2 of 2 lines, verified from event 4"),
        (5, "complete: 2 of 2 lines, as the server says; headway verify checks them"),
        (None, "complete: 2 of 2 lines"),
    ],
)
def test_the_end_says_what_is_proven(verified_from: int | None, told: str) -> None:
    assert describe_proof(a_sealed_state(), verified_from) == told


def test_the_end_says_what_is_missing() -> None:
    state = a_sealed_state()
    state.counts.logs = 1
    assert describe_proof(state, 0) == "INCOMPLETE: 1 of 2 lines, verified"


def test_the_end_says_what_was_dropped() -> None:
    state = a_sealed_state()
    assert state.totals is not None
    state.totals.dropped = 30_786
    told = "complete: 2 of 2 lines, verified; 30,786 lines were dropped before they were stored"
    assert describe_proof(state, 0) == told


def test_what_was_not_asked_for_is_not_claimed() -> None:
    state = a_sealed_state()
    state.counts.events = 1
    assert describe_proof(state, 4) == "complete from event 5 on, verified"


def test_an_open_execution_proves_nothing() -> None:
    assert describe_proof(state_after(e.Log("INFO", "one")), 0) == ""


def a_sealed_state() -> State:
    totals = e.Totals(events=5, logs=2, errors=0)
    result = e.ExecutionResult(execution_id="01K", status="completed", totals=totals)
    end = e.ExecutionCompleted(totals=totals, result=result)
    queued, started = e.ExecutionQueued(input=Raw(b"{}")), e.ExecutionStarted(attempt=1, worker="w")
    return state_after(queued, started, e.Log("INFO", "one"), e.Log("INFO", "two"), end)


async def test_a_followed_feed_is_shown_with_its_recent_lines_and_resets() -> None:
    """What came before a snapshot stands above it; what a reset makes void is said."""
    line = e.Event(2, AT, e.Log("INFO", "fetched page 2"))
    stored = b'{"seq":2,' + e.encode_body(line.data, AT)
    snapshot = folded(state_after(e.Log("INFO", "one"), line.data))
    snapshot.recent = [Raw(stored)]
    rewritten = folded(State(execution_id="01K", workflow_id="audit"))
    rewritten.why = "fork"
    frame = b'{"execution_id":"01K","workflow_id":"audit","seq":1,' + e.encode_body(completed(), AT)
    last = decode_update(frame)
    last.verified_from = 0

    async def updates() -> AsyncIterator[Update]:
        for update in (snapshot, rewritten, last):
            yield update

    stream = io.StringIO()
    end = await follow(updates(), PlainView(stream))

    assert end is not None
    assert (end.state.status, end.verified_from) == ("completed", 0)
    shown = stream.getvalue()
    assert "... 2 events before" in shown
    assert "fetched page 2" in shown
    assert "restored and went on differently. What is above does not count" in shown


def test_a_fault_of_the_server_is_told_with_the_request_that_met_it() -> None:
    fault = HeadwayError("the server failed; its log says why", request_id="edge-7")
    assert exits.explain(fault, debug=False).splitlines() == [
        "Error: the server failed",
        "  Its log says why",
        "  Request id: edge-7",
    ]
    assert "edge-7" in exits.explain(JournalUnavailable(request_id="edge-7"), debug=False)
    assert "edge-7" not in exits.explain(ExecutionNotFound(request_id="edge-7"), debug=False)
    assert "Request id" not in exits.explain(JournalUnavailable(request_id=None), debug=False)
