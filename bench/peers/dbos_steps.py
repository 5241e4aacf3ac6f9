"""The same no-op steps on DBOS Transact over SQLite, in a process of its own; prints one line of JSON."""

import argparse
import asyncio
import json
import sqlite3
import time
from pathlib import Path

from dbos import DBOS, DBOSConfig


@DBOS.step()
async def no_op(number: int) -> int:
    return number


@DBOS.workflow()
async def sequence(steps: int) -> int:
    for number in range(steps):
        await no_op(number)
    return steps


async def measure(sequential: int, workflows: int) -> dict[str, float]:
    """Milliseconds a sequential step, and ten-step workflows a second when all are started at once."""
    await (await DBOS.start_workflow_async(sequence, 20)).get_result()
    started = time.perf_counter()
    await (await DBOS.start_workflow_async(sequence, sequential)).get_result()
    sequential_ms = (time.perf_counter() - started) * 1e3 / sequential
    started = time.perf_counter()
    handles = [await DBOS.start_workflow_async(sequence, 10) for _ in range(workflows)]
    await asyncio.gather(*(handle.get_result() for handle in handles))
    return {"sequential_ms": sequential_ms, "workflows_per_s": workflows / (time.perf_counter() - started)}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--folder", type=Path, required=True)
    options.add_argument("--sequential", type=int, default=200)
    options.add_argument("--workflows", type=int, default=200)
    given = options.parse_args()
    database = given.folder / "dbos.db"
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA journal_mode=WAL")  # in its favour: it does not set WAL itself
    connection.close()
    config: DBOSConfig = {
        "name": "bench",
        "system_database_url": f"sqlite:///{database}",
        "log_level": "ERROR",
        "application_version": "1",
    }
    DBOS(config=config)
    DBOS.launch()
    try:
        print(json.dumps(asyncio.run(measure(given.sequential, given.workflows))))
    finally:
        DBOS.destroy()


if __name__ == "__main__":
    main()
