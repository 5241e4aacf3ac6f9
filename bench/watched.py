"""Whether watching slows the work: one workflow in pairs, once watched and once with no server at all.

The worker has one core, the server and its viewers the other. The two runs of a pair follow each other in the
same worker, either first in turn, so that drifts cancel. Two comparisons belong to it: the unwatched run
against itself (the noise of the method), and a neighbour core kept busy by a loop that has nothing to do with
Headway (what any program on the other core costs on this machine).
"""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from figures import median_interval, verdict
from machine import OTHER_CORE, SERVER_CORE, pinned, work_folder
from processes import Database, Server, worker
from viewers import Viewers

LIMIT = 1.05
PAIRS, QUICK_PAIRS = 30, 6  # of each kind
WARM_UPS = 3
WORK = {"steps": 1_000, "logs_per_step": 10}
RUN_LIMIT_S = 60.0
AUDIENCES: Mapping[str, Mapping[str, int]] = {
    "no viewer": {},
    "1 viewer": {"viewers": 1},
    "100 viewers": {"viewers": 100},
    "10 viewers that never read": {"viewers": 0, "stalled": 10},
}
BUSY, NOISE = "no server, busy neighbour core", "no server, measured twice"


class Subject:
    """A worker and its database, in which the workflow runs again and again."""

    def __init__(self, folder: Path, database: Database) -> None:
        self._folder, self._database = folder, database

    def unwatched(self) -> float:
        """Seconds from the workflow's first step to its last, by its own clock."""
        return self._run(None, {})

    def watched(self, audience: Mapping[str, int]) -> float:
        """The same beside a server, with these viewers connected before the first step."""
        with Server(self._database) as server:
            return self._run(server, audience)

    def beside_busy_core(self) -> float:
        """The same beside a loop on the other core that touches neither disk nor Headway."""
        spin = [sys.executable, "-c", "while True: sum(range(1000))"]
        process = subprocess.Popen(pinned(SERVER_CORE, spin))
        try:
            return self._run(None, {})
        finally:
            process.kill()
            process.wait()

    def _run(self, server: Server | None, audience: Mapping[str, int]) -> float:
        gate = self._folder / secrets.token_hex(4)
        execution = self._database.queue("sequence", {**WORK, "gate": str(gate)})
        with ExitStack() as stack:
            if server is not None and audience:
                path = f"/ws/workflow/{execution}?after=0"
                options = {"viewers": 0, **audience}
                stack.enter_context(
                    Viewers(server.port, path, core=SERVER_CORE, limit_s=RUN_LIMIT_S, **options)
                )
            gate.touch()
            state = self._database.wait(execution, RUN_LIMIT_S)
        took: float = json.loads(bytes(state.output))
        return took


def one_round(number: int) -> dict[str, tuple[float, float]]:
    """One pair of each kind, on a fresh database: seconds (watched, unwatched)."""
    with work_folder() as folder, Database(folder) as database, worker(database, OTHER_CORE):
        subject = Subject(folder, database)
        kinds: dict[str, Callable[[], float]] = {
            **{name: partial(subject.watched, audience) for name, audience in AUDIENCES.items()},
            BUSY: subject.beside_busy_core,
            NOISE: subject.unwatched,
        }
        for _ in range(WARM_UPS):
            subject.unwatched()
        names = list(kinds)
        turn = number % len(names)
        return {
            name: pair(kinds[name], subject.unwatched, flip=number % 2 == 1)
            for name in names[turn:] + names[:turn]
        }


def pair(watched: Callable[[], float], unwatched: Callable[[], float], *, flip: bool) -> tuple[float, float]:
    """Run both, the second first with `flip`; the answer has them in the order given."""
    if flip:
        second = unwatched()
        return watched(), second
    return watched(), unwatched()


def measure(*, quick: bool = False) -> dict[str, Any]:
    """Median ratios with their 95 % intervals, and what they say of the limit."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {SERVER_CORE})  # neither may this program's polling touch the worker's core
    rounds = [one_round(number) for number in range(QUICK_PAIRS if quick else PAIRS)]
    ratios: dict[str, dict[str, Any]] = {}
    for name in (*AUDIENCES, BUSY, NOISE):
        samples = [watched / unwatched for watched, unwatched in (each[name] for each in rounds)]
        interval = median_interval(samples)
        ratios[name] = {"ratio": median(samples), "interval": interval}
        if name in AUDIENCES:
            ratios[name]["verdict"] = verdict(interval, LIMIT)
    unwatched_s = median(unwatched for each in rounds for _, unwatched in each.values())
    return {"pairs": len(rounds), "unwatched_s": unwatched_s, "ratios": ratios, "samples": rounds}


if __name__ == "__main__":
    from results import run_alone

    run_alone(Path(__file__).stem, measure)
