"""The fold is pure, total and monotonic: repeats and splits of the log change nothing."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from tests.support.builders import AT

from headway.domain import events as e
from headway.domain.execution import MAX_STEPS, State, fold, fold_all
from headway.domain.waiting import MAX_APPROVALS

STEPS = st.sampled_from(["fetch", "load", "sum"])
IDS = st.sampled_from(["fetch#1", "fetch#2", "load[]#1", "sum#1"])
WAITS = st.sampled_from(["approval-1", "timer-1"])
PERCENT = st.floats(0, 99)
TOTALS = st.builds(e.Totals, st.integers(1, 99), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
RESULT = st.builds(
    lambda totals: e.ExecutionResult(execution_id="x", status="completed", totals=totals, output=Raw(b"[1]")),
    TOTALS,
)
RUNNING = st.one_of(
    st.builds(e.ExecutionQueued, input=st.just(Raw(b'{"n":1}')), by=st.none() | st.just("ada")),
    st.builds(e.ExecutionStarted, attempt=st.integers(1, 3), worker=st.just("w"), progress=PERCENT),
    st.builds(e.ExecutionResumed, attempt=st.integers(1, 3), worker=st.just("w"), progress=PERCENT),
    st.builds(e.StepStarted, step=STEPS, step_id=IDS, attempt=st.integers(1, 3)),
    st.builds(e.StepProgressed, step=STEPS, step_id=IDS, done=PERCENT, total=PERCENT, progress=PERCENT),
    st.builds(e.StepCompleted, step=STEPS, step_id=IDS, progress=PERCENT),
    st.builds(e.StepFailed, step=STEPS, step_id=IDS, message=st.just("m"), error=st.just("KeyError: 1")),
    st.builds(e.StepSkipped, step=STEPS, step_id=IDS),
    st.builds(e.StepCancelled, step=STEPS, step_id=IDS),
    st.builds(
        e.StepRetrying,
        step=STEPS,
        step_id=IDS,
        attempt=st.integers(1, 3),
        max_attempts=st.just(3),
        backoff_s=st.just(0.5),
        message=st.just("m"),
        error=st.just("OSError"),
    ),
    st.builds(e.Log, level=st.sampled_from(e.LEVELS), message=st.text(max_size=5)),
    st.builds(e.Gap, dropped=st.integers(1, 9), message=st.just("m")),
    st.builds(
        e.Output,
        name=st.sampled_from(["a", "b"]),
        media_type=st.just("text/plain"),
        size=st.integers(0, 9),
        sha256=st.just(""),
        message=st.just("m"),
    ),
    st.builds(e.ControlRequested, control=st.just("cancel"), control_id=st.sampled_from(["c1", "c2"])),
    st.builds(e.ControlDelivered, control=st.just("cancel"), control_id=st.sampled_from(["c1", "c2"])),
    st.builds(e.ControlEffective, control=st.just("cancel"), control_id=st.sampled_from(["c1", "c2"])),
    st.builds(e.ApprovalRequested, approval_id=WAITS, message=st.just("m")),
    st.builds(e.ApprovalAnswered, approval_id=WAITS, approved=st.booleans()),
    st.builds(e.WaitStarted, wait_id=WAITS, wait=st.just("timer")),
    st.builds(e.WaitEnded, wait_id=WAITS, wait=st.just("timer"), outcome=st.just("elapsed")),
    st.builds(e.SignalReceived, signal_id=st.just("s1"), name=STEPS),
)
ENDS = st.one_of(
    st.builds(e.ExecutionCompleted, totals=TOTALS, result=RESULT),
    st.builds(e.ExecutionFailed, error=st.just("KeyError: 1"), totals=TOTALS, result=RESULT),
    st.builds(e.ExecutionCancelled, totals=TOTALS, result=RESULT),
)


@st.composite
def logs(draw: st.DrawFn) -> list[e.Event]:
    """A log, often with its end, and sometimes (wrongly) with more after it."""
    datas = draw(st.lists(RUNNING, max_size=25)) + draw(st.lists(ENDS, max_size=1))
    datas += draw(st.lists(RUNNING, max_size=2))
    return [
        e.Event(seq, f"2026-11-22T21:30:{seq:02d}.000000Z", data) for seq, data in enumerate(datas, start=1)
    ]


def an_empty_state() -> State:
    return State(execution_id="x", workflow_id="audit")


@given(logs(), st.integers(0, 30))
def test_any_split_gives_the_same_state(log: list[e.Event], cut: int) -> None:
    """A snapshot and its tail say what the whole log says, also when the snapshot travelled as JSON."""
    snapshot = fold_all(an_empty_state(), log[:cut])
    travelled = msgspec.json.decode(msgspec.json.encode(snapshot), type=State)
    assert fold_all(travelled, log[cut:]) == fold_all(an_empty_state(), log)


@given(logs(), st.integers(0, 30))
def test_repeats_and_older_events_change_nothing(log: list[e.Event], again: int) -> None:
    once = fold_all(an_empty_state(), log)
    repeated = [event for event in log for _ in range(2)]
    assert fold_all(an_empty_state(), repeated) == once
    assert fold_all(once, log[:again]) == once


@given(logs())
def test_the_fold_leaves_its_argument_as_it_was(log: list[e.Event]) -> None:
    state = an_empty_state()
    for event in log:
        before = msgspec.json.encode(state)
        following = fold(state, event)
        assert msgspec.json.encode(state) == before
        state = following


@given(logs())
def test_progress_and_seq_never_fall_and_the_end_is_final(log: list[e.Event]) -> None:
    state = an_empty_state()
    for event in log:
        following = fold(state, event)
        assert following.seq >= state.seq
        assert following.progress >= state.progress
        if state.closed:
            assert following == state
        state = following


@given(logs())
def test_nothing_runs_in_a_closed_execution(log: list[e.Event]) -> None:
    state = fold_all(an_empty_state(), log)
    if state.closed:
        assert all(step.ended_at is not None for step in state.steps.values())
        assert state.status != "running"


def test_the_state_stays_bounded_and_counts_all() -> None:
    """Finished steps leave first, oldest first; one that still runs stays."""
    state = an_empty_state()
    number = MAX_STEPS + 50
    state.apply(e.Event(1, AT, e.StepStarted(step="watch", step_id="watch#1")))
    for n in range(number):
        state.apply(e.Event(state.seq + 1, AT, e.StepStarted(step="fetch", step_id=f"fetch#{n}")))
        state.apply(e.Event(state.seq + 1, AT, e.StepCompleted(step="fetch", step_id=f"fetch#{n}")))
    assert len(state.steps) == MAX_STEPS
    assert "watch#1" in state.steps
    assert "fetch#0" not in state.steps
    assert (state.counts.steps, state.counts.steps_completed) == (number + 1, number)


def state_after(*events: e.EventData) -> State:
    running = e.ExecutionStarted(attempt=1, worker="w")
    numbered = [e.Event(seq, AT, data) for seq, data in enumerate((running, *events), 1)]
    return fold_all(State(execution_id="x", workflow_id="w"), numbered)


def test_the_phase_is_waiting_while_anything_is_waited_for() -> None:
    timer = e.WaitStarted(wait_id="timer-1", wait="timer")
    question = e.ApprovalRequested(approval_id="approval-1", message="Deploy?")
    over = e.WaitEnded(wait_id="timer-1", wait="timer", outcome="elapsed")
    yes = e.ApprovalAnswered(approval_id="approval-1", approved=True)
    assert state_after(timer, question, over).phase == "waiting"
    assert state_after(timer, question, over, yes).phase == "running"


def test_nothing_but_a_cancel_changes_the_phase_of_one_that_is_cancelled() -> None:
    cancel = e.ControlRequested(control="cancel", control_id="c", phase="cancelling")
    question = e.ApprovalRequested(approval_id="approval-1", message="Deploy?")
    signal = e.ControlRequested(control="signal", control_id="d")
    assert state_after(cancel, question, signal).phase == "cancelling"


def test_the_first_answer_counts() -> None:
    question = e.ApprovalRequested(approval_id="approval-1", message="Deploy?")
    no = e.ApprovalAnswered(approval_id="approval-1", approved=False, by="ana")
    yes = e.ApprovalAnswered(approval_id="approval-1", approved=True, by="ben")
    approval = state_after(question, no, yes).waiting.approvals["approval-1"]
    assert (approval.status, approval.approved, approval.by) == ("answered", False, "ana")


def test_the_end_withdraws_what_is_still_asked() -> None:
    question = e.ApprovalRequested(approval_id="approval-1", message="Deploy?")
    totals = e.Totals(3, 0, 0)
    result = e.ExecutionResult(execution_id="x", status="failed", totals=totals)
    state = state_after(question, e.ExecutionFailed(error="E", totals=totals, result=result))
    assert state.waiting.approvals["approval-1"].status == "withdrawn"
    assert not state.waiting.is_open


def test_open_questions_never_leave_the_state_and_answered_ones_do() -> None:
    ids = [f"approval-{number}" for number in range(MAX_APPROVALS + 2)]
    asked = [e.ApprovalRequested(approval_id=one, message="m") for one in ids]
    yes = e.ApprovalAnswered(approval_id=ids[1], approved=True)
    approvals = state_after(
        *asked, yes, e.ApprovalRequested(approval_id="late", message="m")
    ).waiting.approvals
    assert ids[1] not in approvals
    assert approvals.keys() == {*ids, "late"} - {ids[1]}
