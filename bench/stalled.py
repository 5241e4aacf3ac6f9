"""What viewers cost that read nothing: a thousand that stopped beside a thousand that read, and idle ones."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fanout import measure_headway
from figures import quantile
from machine import SERVER_CORE, work_folder
from processes import READY_WITHIN_S, Database, Server, until, worker
from serving_peers import NAIVE
from viewers import Viewers

STALL_AT_S = 8.0  # by then the ring is full, so that what grows is theirs
RATE = 1_000.0
Measured = dict[str, Any]


def cost(run: Measured) -> Measured:
    """What the stalled viewers of a run cost: process memory each, time until gone, the others' delay."""
    server = run["servers"][0]
    grown_kib = server["rss_peak_stalled_kib"] - server["rss_before_stalled_kib"]
    phases = ("before_stalled", "while_joining", "while_stalled", "after_stalled")
    return {
        "viewers": run["viewers"],
        "stalled": run["stalled"],
        "kib_each": grown_kib / run["stalled"],
        "gone": run["stalled_gone"],
        "gone_last_s": run["gone_last_s"],
        "complete": run["complete"],
        "p99_ms": {phase: run[phase]["p99_ms"] for phase in phases},
        "step_p99_ms": dict(zip(phases, step_p99_ms(run["steps"], run["phase_at"].values()), strict=True)),
    }


def step_p99_ms(steps: list[tuple[float, float]], phases_at: Iterable[float]) -> list[float]:
    """What a durable step took in each phase of a run: the first begins with the run, at 0."""
    begins = [each or math.inf for each in phases_at]  # a phase that was not reached holds none
    begins[0] = 0.0
    ends = [*begins[1:], math.inf]
    within = [
        [took for at, took in steps if begin <= at < end] for begin, end in zip(begins, ends, strict=True)
    ]
    return [quantile(each, 0.99) if each else math.nan for each in within]


def measure_stalled(viewers: int, stalled: int, seconds: float) -> Measured:
    """A thousand events a second to those who read, before, while and after others hang; beside it, steps."""
    run = measure_headway(
        viewers, RATE, seconds, stalled=stalled, stall_at=STALL_AT_S, hold=60.0, times_steps=True
    )
    return cost(run) | {"run": run}


def measure_idle(viewers: int, seconds: float) -> Measured:
    """Memory and processor time of viewers that wait for a workflow which does not run."""
    with (
        work_folder() as folder,
        Database(folder) as database,
        worker(database, SERVER_CORE),
        Server(database) as server,
    ):
        until(lambda: bool(database.journal.definitions()[0]), READY_WITHIN_S, "the worker's workflows")
        path, pid = "/ws/workflow/ticker", str(server.pid)
        with Viewers(server.port, path, viewers=viewers, idle=seconds, pid=pid, limit_s=60 + seconds) as load:
            return load.result()


def measure(*, quick: bool = False) -> Measured:
    """All of it; `quick` shortens the runs, not the number of viewers."""
    seconds = 35.0 if quick else 60.0
    return {
        "thousand": measure_stalled(1_000, 1_000, seconds),
        "naive": NAIVE.measure(20, RATE, 10.0, stalled=1),
        "idle": measure_idle(1_000, 5.0),
    }


if __name__ == "__main__":
    from results import run_alone

    run_alone(Path(__file__).stem, measure)
