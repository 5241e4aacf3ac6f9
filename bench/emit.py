"""What saying something costs the workflow's thread, beside `logging` and a bare append."""

import json
from pathlib import Path
from typing import Any

from emitting import BURST
from machine import OTHER_CORE, work_folder
from processes import Database, worker


def measure(*, quick: bool = False) -> dict[str, Any]:
    """Nanoseconds a call (median, p99, p99.9), net of the clock, in a worker that has a core for itself."""
    rounds = 60 if quick else 300
    with work_folder() as folder, Database(folder) as database, worker(database, OTHER_CORE):
        state = database.wait(database.queue("emitting", {"rounds": rounds}), 300)
    return {"calls": rounds * BURST, "burst": BURST, "ns": json.loads(bytes(state.output))}


if __name__ == "__main__":
    from results import run_alone

    run_alone(Path(__file__).stem, measure)
