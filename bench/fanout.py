"""How a stream of events reaches a thousand viewers, beside a naive server; and what stalled viewers cost.

Each viewer is checked for every event in order. All of Headway (worker, journal, server) shares one core, the
load generator has the other; the naive server has a core for nothing but sending.
"""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from machine import HERE, SERVER_CORE, pinned, work_folder
from processes import READY_WITHIN_S, Database, Server, answers, until, worker
from viewers import Viewers, complete

STALL_AT_S = 8.0  # by then the ring is full, so that what grows is theirs
STEP_UP = 1.5
MAX_RATE = 20_000  # events a second; where the worker itself would be the subject
MAX_GENERATOR_CPU = 0.95
Measured = dict[str, Any]
Measure = Callable[[int, float, float], Measured]  # viewers, events a second, seconds


def measure_headway(
    viewers: int, rate: float, seconds: float, *, stalled: int = 0, hold_s: float = 0.0
) -> Measured:
    """Viewers of one execution that logs at `rate`; the stalled ones join after a while."""
    with work_folder() as folder, Database(folder) as database, worker(database, SERVER_CORE) as own_worker:
        gate = folder / "gate"
        execution = database.queue("ticker", {"gate": str(gate), "rate": rate, "seconds": seconds})
        with (
            Server(database) as server,
            Viewers(
                server.port,
                f"/ws/workflow/{execution}?after=0",
                viewers=viewers,
                stalled=stalled,
                stall_at=STALL_AT_S if stalled else 0.0,
                hold=hold_s,
                pid=f"{server.pid},{own_worker.pid}",
                limit_s=60 + 4 * seconds + hold_s,
            ) as load,
        ):
            gate.touch()
            result = load.result()
    return judged(result, viewers, rate, seconds)


def measure_naive(viewers: int, rate: float, seconds: float, *, stalled: int = 0) -> Measured:
    """The same viewers and events on the naive server."""
    with (
        naive_server() as (port, pid),
        Viewers(
            port,
            "/ws/workflow/ticker",
            viewers=viewers,
            stalled=stalled,
            pid=str(pid),
            limit_s=naive_limit_s(seconds),
        ) as load,
    ):
        url = f"http://127.0.0.1:{port}/emit"
        httpx.post(url, params={"rate": rate, "seconds": seconds}, timeout=30).raise_for_status()
        result = load.result()
    return judged(result, viewers, rate, seconds)


def naive_limit_s(seconds: float) -> float:
    """How long the viewers of the naive server wait for `seconds` of events."""
    return 20 + 2 * seconds


def judged(result: Measured, viewers: int, rate: float, seconds: float) -> Measured:
    """Add to a result whether it is whole and whether the rate was held.

    A rate is held where every viewer has everything and the last seconds are no later than the first ones:
    a lag that grows would sooner or later be without bound.
    """
    expected = viewers * int(rate * seconds)
    medians = result["p50_by_second_ms"]
    third = max(1, len(medians) // 3)
    early, late = max(medians[:third], default=0.0), max(medians[-third:], default=0.0)
    whole = complete(result) and result["deliveries"] == expected
    facts = {"rate": rate, "seconds": seconds, "expected": expected, "complete": whole}
    return result | facts | {"held": whole and late <= 1.5 * early + 20.0}


def highest_rate(measure: Measure, viewers: int, start: float, seconds: float) -> Measured:
    """Step the rate up until it is not held; then halve the last step once.

    Returns:
        The best run, with every rate tried, and what the limit was.
    """
    tried: list[Measured] = []
    best: Measured | None = None
    rate = start
    while rate <= MAX_RATE:
        run = measured_twice(measure, viewers, rate, seconds)
        tried.append(run)
        if not run["held"]:
            break
        best, rate = run, rate * STEP_UP
    if best is None:
        for lower in (start / 2, start / 4, start / 10, start / 40):
            run = measured_twice(measure, viewers, lower, seconds)
            tried.append(run)
            if run["held"]:
                best = run
                break
    elif not tried[-1]["held"]:
        between = (best["rate"] + tried[-1]["rate"]) / 2
        run = measured_twice(measure, viewers, between, seconds)
        tried.append(run)
        best = run if run["held"] else best
    rates = [{"rate": run["rate"], "held": run["held"], "p99_ms": run["latency"]["p99_ms"]} for run in tried]
    busy = max(run["generator_cpu"] for run in tried)
    return {"best": best, "tried": rates, "generator_limited": busy > MAX_GENERATOR_CPU}


def measured_twice(measure: Measure, viewers: int, rate: float, seconds: float) -> Measured:
    """One run, and a second where the first did not hold: once may be the machine's fault."""
    run = measure(viewers, rate, seconds)
    return run if run["held"] else measure(viewers, rate, seconds)


@contextmanager
def naive_server() -> Iterator[tuple[int, int]]:
    """The naive server on a free port: its port and pid."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    command = pinned(SERVER_CORE, [sys.executable, "-m", "peers.naive", "--port", str(port)])
    process = subprocess.Popen(command, cwd=HERE)
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/openapi.json"), READY_WITHIN_S, "the naive server")
        yield port, process.pid
    finally:
        process.kill()
        process.wait()


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


def stalled_cost(run: Measured) -> Measured:
    """What the stalled viewers of a run cost: process memory each, time until gone, the others' delay."""
    server = run["servers"][0]
    grown_kib = server["rss_peak_stalled_kib"] - server["rss_before_stalled_kib"]
    before, during = run["before_stalled"], run["while_stalled"]
    return {
        "stalled": run["stalled"],
        "kib_each": grown_kib / run["stalled"],
        "gone": run["stalled_gone"],
        "gone_last_s": run["gone_last_s"],
        "p99_before_ms": before["p99_ms"],
        "p99_while_ms": during["p99_ms"],
        "complete": run["complete"],
    }


def measure(*, quick: bool = False) -> Measured:
    """All of it; `quick` shortens the runs, not the number of viewers."""
    seconds = 4.0 if quick else 10.0
    step_s = 3.0 if quick else 5.0
    thousand, rate = 1000, 1000.0
    stalled_run = measure_headway(100, rate, 40.0 if quick else 60.0, stalled=200, hold_s=60.0)
    return {
        "headway": measure_headway(thousand, rate, seconds),
        "naive": measure_naive(thousand, rate, seconds),
        "quiet_headway": measure_headway(1, 50.0, seconds),
        "quiet_naive": measure_naive(1, 50.0, seconds),
        "highest_headway": highest_rate(measure_headway, thousand, rate, step_s),
        "highest_naive": highest_rate(measure_naive, thousand, 40.0, step_s),
        "stalled_headway": stalled_cost(stalled_run) | {"run": stalled_run},
        "stalled_naive": measure_naive(20, rate, 20.0, stalled=1),
        "idle": measure_idle(thousand, 5.0),
    }


if __name__ == "__main__":
    from results import run_alone

    run_alone(Path(__file__).stem, measure)
