"""The execution's percentage: weighted by the plan, never falling, below 100 before the end."""

from hypothesis import given
from hypothesis import strategies as st

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


def test_all_steps_done_is_not_yet_the_end() -> None:
    assert value_after(planned(1), started("a"), completed("a")) == CEILING


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


def test_without_a_plan_it_is_what_one_more_step_would_make_it() -> None:
    rollup = Rollup()
    assert value_after(rollup, started("a"), completed("a")) == 50.0
    assert value_after(rollup, started("b"), completed("b")) == 66.67
    assert rollup.indeterminate


def test_the_workflow_can_say_it_itself() -> None:
    rollup = Rollup()
    assert value_after(rollup, e.StepProgressed(done=3, total=4)) == 75.0
    assert not rollup.indeterminate


def test_a_plan_arrives_with_the_start() -> None:
    rollup = Rollup()
    plan = [e.PlannedStep("a"), e.PlannedStep("b")]
    assert value_after(rollup, e.ExecutionStarted(attempt=1, worker="w", plan=plan)) == 0.0
    assert not rollup.indeterminate
    assert value_after(rollup, started("a"), completed("a")) == 50.0


def test_what_carries_progress_gets_it() -> None:
    rollup = planned(1, 1)
    rollup.observe(started("a"))
    end = completed("a")
    rollup.observe(end)
    rollup.complete(end)
    assert isinstance(end, e.StepCompleted)
    assert (end.progress, end.indeterminate) == (50.0, False)


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
