"""What a step costs: one after the other, and many workflows at once; beside DBOS on SQLite and bare asyncio.

A step's result is durable before the next step starts, so the disk's own `fdatasync` is part of it. A
hand-written INSERT and COMMIT for each step is measured too: no durable engine on SQLite can cost less.
"""

import asyncio
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from headway.services.states import load_state

from machine import HERE, work_folder
from processes import READY_WITHIN_S, Database, until, worker

STEPS_EACH = 10
AT_ONCE = 200
Measured = dict[str, float]


async def no_op(number: int) -> int:
    return number


def measure_headway(synchronous: str, sequential: int, workflows: int) -> Measured:
    """A real worker process on a fresh database, no server."""
    with work_folder() as folder, Database(folder) as database:
        with worker(database, None, synchronous=synchronous, concurrency=AT_ONCE):
            until(lambda: bool(database.journal.definitions()[0]), READY_WITHIN_S, "the worker's workflows")
            database.wait(database.queue("sequence", {"steps": 50}), 60)
            state = database.wait(database.queue("sequence", {"steps": sequential}), 120)
        # queued while no worker runs, so that a rate is of the worker alone
        queued = [database.queue("sequence", {"steps": STEPS_EACH}) for _ in range(workflows)]
        with worker(database, None, synchronous=synchronous, concurrency=AT_ONCE):
            until(
                lambda: all(head.closed for head in database.journal.heads(queued).values()), 120, "the end"
            )
        states = [load_state(database.journal, each) for each in queued]
    assert all(each.status == "completed" for each in (state, *states))
    began = min(_moment(each.started_at) for each in states)
    ended = max(_moment(each.ended_at) for each in states)
    alone = _moment(state.ended_at) - _moment(state.started_at)
    return {"sequential_ms": alone * 1e3 / sequential, "workflows_per_s": workflows / (ended - began)}


def _moment(timestamp: str | None) -> float:
    assert timestamp is not None
    return datetime.fromisoformat(timestamp).timestamp()


def measure_commits(synchronous: str, commits: int) -> Measured:
    """One INSERT and COMMIT of a step's result, by hand, over and over."""
    with work_folder() as folder:
        connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={synchronous}")
        connection.execute("CREATE TABLE result(step INTEGER PRIMARY KEY, value BLOB)")
        started = time.perf_counter()
        for number in range(commits):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO result VALUES (?, ?)", (number, b"x" * 200))
            connection.execute("COMMIT")
        took = time.perf_counter() - started
        connection.close()
    return {"sequential_ms": took * 1e3 / commits}


def measure_dbos(sequential: int, workflows: int) -> Measured:
    """DBOS Transact, in a process of its own."""
    with work_folder() as folder:
        command = [sys.executable, str(HERE / "peers" / "dbos_steps.py"), "--folder", str(folder)]
        command += ["--sequential", str(sequential), "--workflows", str(workflows)]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=300).stdout
    measured: Measured = json.loads(output.strip().splitlines()[-1])
    return measured


async def measure_asyncio(sequential: int, workflows: int) -> Measured:
    """Tasks that keep nothing: no engine can be faster."""

    async def sequence(steps: int) -> None:
        for number in range(steps):
            await asyncio.create_task(no_op(number))

    started = time.perf_counter()
    await sequence(sequential)
    sequential_ms = (time.perf_counter() - started) * 1e3 / sequential
    started = time.perf_counter()
    await asyncio.gather(*(sequence(STEPS_EACH) for _ in range(workflows)))
    return {"sequential_ms": sequential_ms, "workflows_per_s": workflows / (time.perf_counter() - started)}


def measure(*, quick: bool = False) -> dict[str, Any]:
    """Each in turn, several times over; medians."""
    rounds, sequential, workflows = (2, 500, 1_000) if quick else (5, 1_000, 3_000)
    contenders: dict[str, Callable[[], Measured]] = {
        "Headway, FULL": lambda: measure_headway("FULL", sequential, workflows),
        "bare COMMIT, FULL": lambda: measure_commits("FULL", sequential),
        "Headway, NORMAL": lambda: measure_headway("NORMAL", sequential, workflows),
        "bare COMMIT, NORMAL": lambda: measure_commits("NORMAL", sequential),
        "DBOS on SQLite": lambda: measure_dbos(200, AT_ONCE),
        "bare asyncio": lambda: asyncio.run(measure_asyncio(sequential, workflows)),
    }
    samples: dict[str, list[Measured]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            samples[name].append(run())
    medians = {
        name: {figure: median(each[figure] for each in runs) for figure in runs[0]}
        for name, runs in samples.items()
    }
    return {
        "rounds": rounds,
        "at_once": AT_ONCE,
        "steps_each": STEPS_EACH,
        "medians": medians,
        "samples": samples,
    }


if __name__ == "__main__":
    from results import run_alone

    run_alone(Path(__file__).stem, measure)
