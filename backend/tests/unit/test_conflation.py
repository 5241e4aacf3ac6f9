"""A lagging viewer gets fewer lines and the same state."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from scripts.rich_vectors import conflation_vectors
from tests.support.builders import AT

from headway.domain import events as e
from headway.domain.execution import State
from headway.protocol.codec import lines_of
from headway.protocol.conflation import absorb, conflate
from headway.protocol.messages import LeftOut
from headway.services.states import encode_state

STEPS = st.sampled_from(["load#1", "load#2", "ghost#1", None])
TEXTS = st.sampled_from([None, "", "half way", "nearly"])
NUMBERS = st.one_of(st.none(), st.integers(0, 9))
SHARES = st.one_of(st.just(UNSET), st.floats(0, 99, allow_nan=False))


def progress_events() -> st.SearchStrategy[e.EventData]:
    def build(step_id: str | None, is_named: bool, **fields: Any) -> e.EventData:
        step = step_id[:-2] if step_id and is_named else None
        return e.StepProgressed(step=step, step_id=step_id, **fields)

    return st.builds(
        build,
        step_id=STEPS,
        is_named=st.booleans(),
        progress=SHARES,
        indeterminate=st.booleans(),
        done=NUMBERS,
        total=NUMBERS,
        unit=TEXTS,
        message=TEXTS,
    )


def other_events() -> st.SearchStrategy[e.EventData]:
    step = {"step": "load", "step_id": "load#1"}
    totals = e.Totals(1, 0, 0)
    result = e.ExecutionResult(execution_id="x", status="completed", totals=totals)
    retry = {"max_attempts": 3, "backoff_s": 0.1, "message": "again", "error": "E"}
    return st.one_of(
        st.builds(e.Log, level=st.sampled_from(e.LEVELS), message=st.text(max_size=5)),
        st.builds(e.StepStarted, step=st.just("load"), step_id=st.sampled_from(["load#1", "load#2"])),
        st.builds(
            e.StepCompleted, **{k: st.just(v) for k, v in step.items()}, progress=SHARES, message=TEXTS
        ),
        st.just(e.StepFailed(**step, message="load failed", error="E")),
        st.just(e.StepRetrying(**step, attempt=1, **retry)),
        st.just(e.ExecutionResumed(attempt=2, worker="w", progress=1.0)),
        st.just(e.Gap(dropped=3, message="3 events were dropped")),
        st.just(e.ExecutionCompleted(totals=totals, result=result)),
    )


def body_of(events: list[e.EventData], first: int = 1) -> bytes:
    lines = [
        e.stored_line(n, e.encode_body(data, AT[:-7] + f"{n:06}Z")) for n, data in enumerate(events, first)
    ]
    return b"".join(line + b"\n" for line in lines)


def folded(state: State, body: bytes, left_out: LeftOut | None = None) -> State:
    twin = state.copy()
    if left_out is not None:
        absorb(twin, left_out)
    for line in lines_of(body):
        twin.apply(e.decode_line(line))
    return twin


def until_the_end(events: list[e.EventData]) -> list[e.EventData]:
    """L4: nothing follows a terminal event."""
    ends = [index for index, data in enumerate(events) if data.terminal]
    return events[: ends[0] + 1] if ends else events


EVENTS = st.lists(st.one_of(progress_events(), progress_events(), other_events()), max_size=40)


@given(before=EVENTS, events=EVENTS, tail=st.integers(0, 3))
def test_a_conflated_run_folds_to_the_same_state(
    before: list[e.EventData], events: list[e.EventData], tail: int
) -> None:
    """D5, byte for byte, from any state."""
    opening = [data for data in before if not data.terminal]
    state = folded(State(execution_id="x", workflow_id="w"), body_of(opening))
    body = body_of(until_the_end(events), first=len(opening) + 1)

    kept = conflate(body, tail=tail)

    assert encode_state(folded(state, kept.body, kept.left_out)) == encode_state(folded(state, body))


@given(events=EVENTS, tail=st.integers(0, 3))
def test_only_progress_and_log_lines_are_left_out(events: list[e.EventData], tail: int) -> None:
    body = body_of(until_the_end(events))

    kept = conflate(body, tail=tail)
    remaining = lines_of(kept.body)
    gone = [e.decode_line(line).data for line in lines_of(body) if line not in set(remaining)]

    assert all(isinstance(data, e.Log | e.StepProgressed) for data in gone)
    assert remaining == [line for line in lines_of(body) if line in set(remaining)]
    assert kept.count == len(remaining)
    assert (kept.left_out.events if kept.left_out else 0) == len(gone)


def test_of_a_busy_step_only_the_last_progress_stays() -> None:
    """That is what conflation is for."""
    events: list[e.EventData] = [
        e.StepProgressed(step="load", step_id="load#1", done=n, total=1_000, progress=float(n // 20))
        for n in range(1_000)
    ]

    kept = conflate(body_of(events), tail=0)

    assert [e.decode_line(line).seq for line in lines_of(kept.body)] == [1_000]
    assert kept.left_out == LeftOut(events=999)


def test_log_lines_become_counts_but_for_the_tail() -> None:
    events: list[e.EventData] = [e.Log("ERROR" if n % 10 == 0 else "INFO", f"{n}") for n in range(100)]

    kept = conflate(body_of(events), tail=3)

    assert kept.count == 3
    assert kept.left_out == LeftOut(events=97, logs=97, errors=10)


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in conflation_vectors()])
def test_the_vectors_of_both_languages_fold_alike(vector: dict[str, Any]) -> None:
    """What TypeScript is held to: the header's counts and the kept lines give the state of all lines."""
    state = State(execution_id="x", workflow_id="w")
    kept = "".join(line + "\n" for line in vector["kept"]).encode()
    every = "".join(line + "\n" for line in vector["lines"]).encode()
    left_out = LeftOut(**vector["cf"]) if vector["cf"] else None

    assert json.loads(encode_state(folded(state, kept, left_out))) == vector["state"]
    assert json.loads(encode_state(folded(state, every))) == vector["state"]
