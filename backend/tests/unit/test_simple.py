"""The rules of a simple-mode connection, without a connection."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders import AT, a_body, an_execution_id

from headway.domain import events as e
from headway.domain.execution import State
from headway.errors import InvalidMessage
from headway.protocol import close_codes
from headway.protocol.close_codes import CloseCode
from headway.protocol.simple import (
    BACKLOG_EVENTS,
    Allowance,
    SimpleQuery,
    Start,
    beat_text,
    idle_beat_text,
    is_closing,
    parse_query,
    snapshot_text,
    where_to_start,
)

EXECUTION = an_execution_id()


def test_a_query_is_read() -> None:
    given_ = [("execution", EXECUTION), ("after", "17"), ("beat", "15"), ("later", "x")]

    assert parse_query(given_) == SimpleQuery(execution_id=EXECUTION, after=17, beat_s=15)
    assert parse_query([]) == SimpleQuery()


@pytest.mark.parametrize(
    ("name", "value"),
    [("after", text) for text in ("", "-1", "1.5", "٣", "1e3", "9" * 17)]
    + [("beat", text) for text in ("", "4", "61", "often")]
    + [("execution", text) for text in ("", "audit", EXECUTION.lower())],
)
def test_a_bad_parameter_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidMessage) as raised:
        parse_query([(name, value)])

    assert raised.value.fields == {"field": name}


@pytest.mark.parametrize(
    ("last_seq", "trimmed_upto", "after", "start"),
    [
        (0, 0, None, Start(0, folded=False)),
        (BACKLOG_EVENTS, 0, None, Start(0, folded=False)),
        (BACKLOG_EVENTS + 1, 0, None, Start(1, folded=True)),
        (5_000, 0, None, Start(4_000, folded=True)),
        (5_000, 4_500, None, Start(4_500, folded=True)),
        (5_000, 0, 0, Start(0, folded=False)),
        (5_000, 0, 5_000, Start(5_000, folded=False)),
        (5_000, 0, 5_001, Start(4_000, folded=True)),
        (5_000, 100, 99, Start(4_000, folded=True)),
        (5_000, 100, 100, Start(100, folded=False)),
        (10, 0, 11, Start(0, folded=True)),
    ],
)
def test_where_a_viewer_starts(last_seq: int, trimmed_upto: int, after: int | None, start: Start) -> None:
    assert where_to_start(last_seq, trimmed_upto, after) == start


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.none() | st.integers(0, 20_000))
def test_a_start_never_lies_in_what_is_gone_or_not_yet(last: int, trimmed: int, after: int | None) -> None:
    """… and without a folded frame it is exactly where the viewer said, or the beginning."""
    trimmed = min(trimmed, last)
    start = where_to_start(last, trimmed, after)

    assert trimmed <= start.seq <= last
    assert start.folded or start.seq == (after or 0)


def a_state() -> State:
    state = State(execution_id=EXECUTION, workflow_id="audit")
    state.apply(e.Event(1, AT, e.ExecutionStarted(attempt=1, worker="w1", progress=0.0)))
    state.apply(e.Event(2, AT, e.StepProgressed(progress=42.0, step="fetch", step_id="fetch#1")))
    return state


def test_a_folded_frame_reads_like_any_status_frame() -> None:
    """A naive client needs `type`, `timestamp` and `data`, and finds no `seq` to be confused by."""
    snapshot, beat = json.loads(snapshot_text(a_state())), json.loads(beat_text(a_state(), AT))

    for frame in (snapshot, beat):
        assert (frame["type"], frame["timestamp"], frame["as_of"]) == ("status", AT, 2)
        assert (frame["data"]["status"], frame["data"]["progress"]) == ("running", 42.0)
        assert "seq" not in frame
    assert (snapshot["snapshot"], snapshot["state"]["seq"]) == (True, 2)
    assert beat["beat"] is True
    assert not {"state", "snapshot"} & beat.keys()


def test_a_workflow_that_never_ran_has_a_beat_too() -> None:
    frame = json.loads(idle_beat_text("audit", AT))

    assert (frame["workflow_id"], frame["type"], frame["beat"], frame["data"]) == (
        "audit",
        "status",
        True,
        {},
    )


def test_the_terminal_event_is_known_by_its_line() -> None:
    totals = e.Totals(2, 0, 0)
    result = e.ExecutionResult(execution_id=EXECUTION, status="cancelled", totals=totals)
    log = e.stored_line(1, a_body('"kind":"execution.completed"')) + b"\n"
    end = e.stored_line(2, e.encode_body(e.ExecutionCancelled(totals=totals, result=result), AT)) + b"\n"

    assert is_closing(end)
    assert is_closing(log + end)
    assert not is_closing(log)
    assert not is_closing(end + log)


def test_the_allowance_refills_with_time() -> None:
    allowance = Allowance(now=0.0)

    assert [allowance.breach("x", now=0.0) for _ in range(60)] == [None] * 60
    assert allowance.breach("x", now=0.0) is CloseCode.TOO_MANY_FRAMES
    fresh = Allowance(now=0.0)
    assert all(fresh.breach("x", now=n / 20) is None for n in range(1_000))


def test_sizes_count_in_bytes() -> None:
    allowance = Allowance(now=0.0)

    assert allowance.breach("é" * 32_768, now=0.0) is None
    assert allowance.breach("é" * 32_769, now=0.0) is CloseCode.FRAME_TOO_BIG
    assert allowance.breach(b"", now=0.0) is CloseCode.BINARY_FRAME


def test_the_range_of_a_code_says_what_to_do() -> None:
    """Also of codes that a client does not know."""
    assert [code for code in (1006, 1011, 1012, 4000, 4410, 4499) if close_codes.asks_to_stop(code)] == []
    assert all(close_codes.asks_to_stop(code) for code in (1009, 4500, 4502, 4509, 4529, 4999))


def test_a_reason_fits_a_close_frame() -> None:
    assert close_codes.cut_reason("é" * 100) == "é" * 61
