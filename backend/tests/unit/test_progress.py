"""The execution's percentage: of the plan or as the body says it, never falling, below 100 before the end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from headway.domain import events as e
from headway.domain.progress import CEILING, Rollup


def started(
    step: str, number: int = 1, *, total: int | None = None, parent: str | None = None
) -> e.EventData:
    return e.StepStarted(step=step, step_id=f"{step}#{number}", total=total, parent=parent)


def progressed(step: str, done: float, total: float, number: int = 1) -> e.EventData:
    return e.StepProgressed(step=step, step_id=f"{step}#{number}", done=done, total=total)


def completed(step: str, number: int = 1) -> e.EventData:
    return e.StepCompleted(step=step, step_id=f"{step}#{number}")


def value_after(rollup: Rollup, *events: e.EventData) -> float:
    for event in events:
        rollup.observe(event)
    return rollup.value


def planned(*weights: float) -> Rollup:
    return Rollup(
        [e.PlannedStep(name, weight=weight) for name, weight in zip("abcdef", weights, strict=False)]
    )


def test_planned_steps_weigh_equally_unless_told() -> None:
    assert value_after(planned(1, 1), started("a"), completed("a")) == 50.0
    assert value_after(planned(3, 1), started("a"), completed("a")) == 75.0


def test_a_step_counts_by_its_own_done_and_total() -> None:
    assert value_after(planned(1, 1), started("a"), progressed("a", 21, 50)) == 21.0


def test_all_that_is_counted_done_is_not_yet_the_end() -> None:
    assert value_after(planned(1), started("a"), progressed("a", 5, 5)) == CEILING


def test_of_steps_side_by_side_each_counts_as_it_ends() -> None:
    both = (started("a"), started("b"))
    assert value_after(planned(1, 1, 2), *both, completed("b")) == 25.0
    assert value_after(planned(1, 1, 2), *both, completed("b"), completed("a")) == 50.0


def test_a_second_run_of_a_planned_step_never_lowers_the_figure() -> None:
    rollup = planned(1, 1)
    before = value_after(rollup, started("a"), completed("a"))
    assert value_after(rollup, started("a", 2)) == before


def test_items_of_a_group_count_through_the_group() -> None:
    rollup = planned(1, 1)
    group = e.StepStarted(step="a", step_id="a[]#1", total=4)
    item = started("a", 1, parent="a[]#1")
    assert value_after(rollup, group, item, completed("a")) == 0.0
    assert value_after(rollup, e.StepProgressed(step="a", step_id="a[]#1", done=2, total=4)) == 25.0


def test_without_a_plan_nobody_knows_how_much_there_is() -> None:
    """A guess could not be taken back: 50 % after the first of 300 steps would stand for half of the run."""
    rollup = Rollup()
    assert value_after(rollup, started("a"), progressed("a", 1, 2), completed("a")) == 0.0
    assert value_after(rollup, started("b")) == 0.0
    assert rollup.indeterminate


def test_a_planned_step_called_in_a_loop_is_not_done_after_its_first_call() -> None:
    rollup = planned(1)
    first = (started("a"), completed("a"))
    assert value_after(rollup, *first) == 0.0
    assert not rollup.indeterminate, "most planned steps are called once"
    for number in range(2, 30):
        assert value_after(rollup, started("a", number), completed("a", number)) == 0.0
        assert rollup.indeterminate


def test_a_loop_in_the_middle_of_a_plan_is_done_once_the_next_step_begins() -> None:
    rollup = planned(1, 2, 1)
    loop = [
        event for n in range(1, 9) for event in (started("b", n), progressed("b", 1, 2, n), completed("b", n))
    ]
    assert value_after(rollup, started("a"), completed("a"), *loop) == 75.0
    assert rollup.indeterminate
    assert value_after(rollup, started("c")) == 75.0
    assert not rollup.indeterminate


def test_calls_that_all_begin_at_once_count_one_by_one() -> None:
    rollup = planned(1, 1)
    assert value_after(rollup, *(started("a", n) for n in range(1, 5)), completed("a", 3)) == 12.5
    assert not rollup.indeterminate


def test_the_workflow_can_say_it_itself() -> None:
    rollup = Rollup()
    assert value_after(rollup, e.StepProgressed(done=3, total=4)) == 75.0
    assert not rollup.indeterminate


@pytest.mark.parametrize("plan", [(), (1,), (1, 1)])
def test_what_the_body_says_is_the_figure_whatever_the_steps_do(plan: tuple[int, ...]) -> None:
    rollup = planned(*plan)
    assert value_after(rollup, e.StepProgressed(done=0, total=300)) == 0.0
    for done in range(1, 301):
        steps = (started("a", done), progressed("a", 9, 10, done), completed("a", done))
        assert value_after(rollup, *steps) == pytest.approx(min(CEILING, (done - 1) / 3), abs=0.01)
        assert value_after(rollup, e.StepProgressed(done=done, total=300)) == pytest.approx(
            min(CEILING, done / 3), abs=0.01
        )
        assert not rollup.indeterminate


def test_a_count_of_the_body_without_a_total_is_no_percentage() -> None:
    rollup = Rollup()
    assert value_after(rollup, e.StepProgressed(done=7)) == 0.0
    assert rollup.indeterminate


def test_a_roll_up_goes_on_where_another_stood() -> None:
    rollup = Rollup()
    rollup.restore(40.0, told=True)
    assert value_after(rollup, e.ExecutionResumed(attempt=2, worker="w", plan=[e.PlannedStep("a")])) == 40.0
    assert value_after(rollup, started("a"), started("a", 2), completed("a")) == 40.0
    assert not rollup.indeterminate
    assert value_after(rollup, e.StepProgressed(done=1, total=2)) == 50.0


def test_a_plan_arrives_with_the_start() -> None:
    rollup = Rollup()
    plan = [e.PlannedStep("a"), e.PlannedStep("b")]
    assert value_after(rollup, e.ExecutionStarted(attempt=1, worker="w", plan=plan)) == 0.0
    assert not rollup.indeterminate
    assert value_after(rollup, started("a"), completed("a")) == 50.0


def test_the_plan_of_the_start_counts_in_place_of_the_queued_one() -> None:
    rollup = Rollup()
    queued = e.ExecutionQueued(input=Raw(b"{}"), plan=[e.PlannedStep("a"), e.PlannedStep("gone")])
    copied = (started("a"), completed("a"), started("gone"))
    assert value_after(rollup, queued, *copied) == 50.0
    plan = [e.PlannedStep(name) for name in "abcd"]
    assert (
        value_after(rollup, e.ExecutionStarted(attempt=1, worker="w", plan=plan), completed("gone")) == 50.0
    )
    assert value_after(rollup, started("b"), completed("b"), started("c"), progressed("c", 1, 2)) == 62.5
    rollup.observe(e.ExecutionStarted(attempt=1, worker="w"))
    assert rollup.indeterminate


def test_what_carries_progress_gets_it() -> None:
    rollup = planned(1, 1)
    rollup.observe(started("a"))
    end = completed("a")
    rollup.observe(end)
    rollup.complete(end)
    assert isinstance(end, e.StepCompleted)
    assert (end.progress, end.indeterminate) == (50.0, False)
    rollup.observe(progressed("b", 1, 2))
    rollup.complete(end)
    assert end.progress == 50.0, "an event that is written anew says what it said"


NAMES = st.sampled_from("abcx")
NUMBERS = st.integers(1, 3)
EVENTS = st.one_of(
    st.builds(started, NAMES, NUMBERS, parent=st.sampled_from([None, "a[]#1"])),
    st.builds(progressed, NAMES, st.floats(0, 200), st.floats(0, 100), NUMBERS),
    st.builds(completed, NAMES, NUMBERS),
    st.builds(lambda done, total: e.StepProgressed(done=done, total=total), st.floats(0, 9), st.floats(0, 9)),
)


@given(st.lists(EVENTS, max_size=40), st.sampled_from([(), (1, 1, 2)]))
def test_it_never_falls_and_stays_within_bounds(events: list[e.EventData], weights: tuple[int, ...]) -> None:
    rollup, before = planned(*weights), 0.0
    for event in events:
        now = value_after(rollup, event)
        assert before <= now <= CEILING
        before = now


@given(st.lists(EVENTS, max_size=40), st.sampled_from([(), (1, 1, 2)]))
def test_once_the_body_has_spoken_its_word_is_the_figure(
    events: list[e.EventData], weights: tuple[int, ...]
) -> None:
    rollup, said = planned(*weights), None
    for event in events:
        before = rollup.value
        now = value_after(rollup, event)
        if isinstance(event, e.StepProgressed) and event.step_id is None and event.total:
            said = min(CEILING, 100 * (event.done or 0) / event.total)
            assert now == pytest.approx(max(before, said), abs=0.01)
        elif said is not None:
            assert now == before
        assert rollup.indeterminate <= (said is None)


def as_told(events: list[e.EventData], parents: dict[str | None, str | None]) -> list[e.EventData]:
    """Without what no lane says: anything of a step before it has begun, or that it moves within another."""
    told = []
    for event in events:
        step_id = event.step_id  # type: ignore[attr-defined]  # each of EVENTS has one
        is_start = isinstance(event, e.StepStarted)
        if is_start and parents.setdefault(step_id, event.parent) != event.parent:
            continue
        if step_id in parents:
            told.append(event)
    return told


@given(st.lists(EVENTS, max_size=40), st.lists(EVENTS, max_size=10), st.sampled_from([(), (1, 1, 2)]))
def test_events_observed_anew_change_nothing(
    events: list[e.EventData], again: list[e.EventData], weights: tuple[int, ...]
) -> None:
    """The recorder does so where somebody else has appended in between."""
    parents: dict[str | None, str | None] = {None: None}
    events, again = [as_told(some, parents) for some in (events, again)]
    rollup = planned(*weights)
    value_after(rollup, *events, *again)
    value, indeterminate = rollup.value, rollup.indeterminate
    assert value_after(rollup, *again) == value
    assert rollup.indeterminate == indeterminate
