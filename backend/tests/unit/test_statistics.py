"""Rates and durations of a workflow's last executions."""

from headway.domain.identifiers import ExecutionId, WorkflowId
from headway.ports import Run
from headway.services.statistics import SHOWN_RUNS, WorkflowStatistics, statistics


def a_run(phase: str = "completed", seconds: float = 1.0, *, workflow_id: str = "audit") -> Run:
    start, end = "2026-11-22T21:30:00.000000Z", f"2026-11-22T21:30:{seconds:09.6f}Z"
    ended_at = end if phase in ("completed", "failed", "cancelled") else None
    return Run(ExecutionId("01"), WorkflowId(workflow_id), phase, start, ended_at, None)


def of(*runs: Run) -> WorkflowStatistics:
    [only] = statistics(runs).workflows
    return only


def test_a_cancelled_or_open_run_counts_neither_way() -> None:
    found = of(*(a_run(phase) for phase in ("completed", "failed", "cancelled", "running", "queued")))
    assert (found.ended, found.completed) == (2, 1)


def test_durations_are_those_of_what_completed_and_were_all_measured() -> None:
    found = of(a_run("failed", 50), *(a_run(seconds=number) for number in range(1, 21)))
    assert (found.p50_s, found.p95_s) == (10.0, 19.0)
    assert of(a_run(seconds=7)).p95_s == 7.0


def test_without_a_completed_run_there_is_no_duration() -> None:
    found = of(a_run("failed"), a_run("running"))
    assert (found.p50_s, found.p95_s) == (None, None)


def test_a_run_that_ended_unstarted_has_no_duration() -> None:
    assert of(Run(ExecutionId("01"), WorkflowId("audit"), "completed", None, None, None)).p50_s is None


def test_a_clock_that_was_set_back_makes_no_negative_duration() -> None:
    back = Run(
        ExecutionId("01"), WorkflowId("a"), "completed", "2026-01-01T00:00:01Z", "2026-01-01T00:00:00Z", None
    )
    assert of(back).p50_s == 0.0


def test_more_runs_count_than_are_shown() -> None:
    found = of(*(a_run() for _ in range(30)))
    assert (len(found.runs), found.ended) == (SHOWN_RUNS, 30)


def test_each_workflow_has_its_own() -> None:
    found = statistics([a_run(workflow_id="a"), a_run("failed", workflow_id="b")]).workflows
    assert [(one.workflow_id, one.completed) for one in found] == [("a", 1), ("b", 0)]
