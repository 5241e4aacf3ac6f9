"""How a workflow's executions went lately: the last runs, how many succeed, how long they take; pure."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

import msgspec

from headway.ports import Run

RECENT_RUNS = 100  # of each workflow; rates and durations are over these
SHOWN_RUNS = 20


class WorkflowStatistics(msgspec.Struct, kw_only=True):
    """Of the last executions of one workflow.

    Args:
        runs: The newest of them, newest first.
        ended: How many have completed or failed; a cancelled one says nothing of the workflow.
        completed: How many of those have completed.
        p50_s: Half of those that completed took no longer; `None` where none has.
        p95_s: All but one in twenty took no longer.
    """

    workflow_id: str
    runs: list[Run]
    ended: int
    completed: int
    p50_s: float | None
    p95_s: float | None


class StatisticsView(msgspec.Struct, kw_only=True):
    workflows: list[WorkflowStatistics]


def statistics(runs: Sequence[Run]) -> StatisticsView:
    """Of the runs of many workflows, each workflow's together and newest first."""
    return StatisticsView(
        workflows=[_of_one(key, list(group)) for key, group in groupby(runs, lambda run: run.workflow_id)]
    )


def _of_one(workflow_id: str, runs: list[Run]) -> WorkflowStatistics:
    completed = [run for run in runs if run.phase == "completed"]
    durations = sorted(took for run in completed if (took := _seconds(run)) is not None)
    return WorkflowStatistics(
        workflow_id=workflow_id,
        runs=runs[:SHOWN_RUNS],
        ended=len(completed) + sum(run.phase == "failed" for run in runs),
        completed=len(completed),
        p50_s=_percentile(durations, 50),
        p95_s=_percentile(durations, 95),
    )


def _seconds(run: Run) -> float | None:
    if run.started_at is None or run.ended_at is None:
        return None
    took = datetime.fromisoformat(run.ended_at) - datetime.fromisoformat(run.started_at)
    return max(0.0, took.total_seconds())


def _percentile(ordered: Sequence[float], percent: int) -> float | None:
    """The nearest rank: always a duration that was measured."""
    if not ordered:
        return None
    rank = -(-percent * len(ordered) // 100)
    return ordered[max(0, rank - 1)]
