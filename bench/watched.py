"""Whether watching slows the work: one workflow, unwatched and watched, in turn.

The worker has one core, the server and its viewers the other. A round runs the workflow unwatched, then with
a server and each audience in rotating order, then unwatched again. It says of an audience: its time over the
mean of the two unwatched ones around it, so that slow drifts cancel. Two comparisons belong to it: unwatched
over unwatched (the noise of the method), and a neighbour core kept busy by a loop that has nothing to do with
Headway (what any program on the other core costs on this machine).
"""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import mean, median
from typing import Any

from figures import median_interval, verdict
from machine import OTHER_CORE, SERVER_CORE, pinned, work_folder
from processes import Database, Server, worker
from viewers import Viewers

LIMIT = 1.05
ROUNDS, QUICK_ROUNDS = 30, 6
WORK = {"steps": 1_000, "logs_per_step": 10}
RUN_LIMIT_S = 60.0
AUDIENCES: Mapping[str, Mapping[str, int]] = {
    "no viewer": {},
    "1 viewer": {"viewers": 1},
    "100 viewers": {"viewers": 100},
    "10 viewers that never read": {"viewers": 0, "stalled": 10},
}
BUSY, NOISE = "no server, busy neighbour core", "no server, measured twice"
Seconds = dict[str, float]


def run_once(folder: Path, database: Database, audience: Mapping[str, int], server: Server | None) -> float:
    """Seconds from the workflow's first step to its last, by its own clock; its viewers are there before."""
    gate = folder / secrets.token_hex(4)
    execution = database.queue("sequence", {**WORK, "gate": str(gate)})
    with ExitStack() as stack:
        if audience and server is not None:
            path = f"/ws/workflow/{execution}?after=0"
            options = {"viewers": 0, **audience}
            stack.enter_context(Viewers(server.port, path, core=SERVER_CORE, limit_s=RUN_LIMIT_S, **options))
        gate.touch()
        state = database.wait(execution, RUN_LIMIT_S)
    took: float = json.loads(bytes(state.output))
    return took


@contextmanager
def busy_neighbour() -> Iterator[None]:
    """A loop on the other core that touches neither disk nor Headway."""
    process = subprocess.Popen(pinned(SERVER_CORE, [sys.executable, "-c", "while True: sum(range(1000))"]))
    try:
        yield
    finally:
        process.kill()
        process.wait()


def one_round(number: int) -> Seconds:
    """Every audience once, on a fresh database."""
    took: Seconds = {}
    names = list(AUDIENCES)
    turn = number % len(names)
    with work_folder() as folder, Database(folder) as database, worker(database, OTHER_CORE):
        run_once(folder, database, {}, None)  # the first run of a process is slower
        took["before"] = run_once(folder, database, {}, None)
        with Server(database) as server:
            for name in names[turn:] + names[:turn]:
                took[name] = run_once(folder, database, AUDIENCES[name], server)
        with busy_neighbour():
            took[BUSY] = run_once(folder, database, {}, None)
        took["after"] = run_once(folder, database, {}, None)
    return took


def ratios_of(rounds: list[Seconds]) -> dict[str, list[float]]:
    """For each way to watch, its time over that of the unwatched runs of the same round."""
    by_name = {
        name: [each[name] / mean((each["before"], each["after"])) for each in rounds]
        for name in (*AUDIENCES, BUSY)
    }
    return by_name | {NOISE: [each["after"] / each["before"] for each in rounds]}


def measure(*, quick: bool = False) -> dict[str, Any]:
    """Median ratios with their 95 % intervals, and what they say of the limit."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {SERVER_CORE})  # neither may this program's polling touch the worker's core
    rounds = [one_round(number) for number in range(QUICK_ROUNDS if quick else ROUNDS)]
    found = {}
    for name, ratios in ratios_of(rounds).items():
        interval = median_interval(ratios)
        found[name] = {"ratio": median(ratios), "interval": interval, "verdict": verdict(interval, LIMIT)}
    unwatched = [each[name] for each in rounds for name in ("before", "after")]
    return {"rounds": len(rounds), "unwatched_s": median(unwatched), "audiences": found, "samples": rounds}


if __name__ == "__main__":
    from results import run_alone

    run_alone(Path(__file__).stem, measure)
