"""The machine a figure was taken on, and which of its cores a program runs on."""

import os
import platform
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from figures import quantile

HERE = Path(__file__).resolve().parent
BUILD = HERE / "build"
RESULTS = HERE / "results"
SERVER_CORE, OTHER_CORE = 0, 1
LIBRARIES = ("fastapi", "uvicorn", "uvloop", "msgspec", "dbos")


def pinned(core: int, command: Sequence[str]) -> list[str]:
    """The command, bound to one core where this machine has two and a `taskset`."""
    if (os.cpu_count() or 1) < 2 or shutil.which("taskset") is None:
        return list(command)
    return ["taskset", "--cpu-list", str(core), *command]


@contextmanager
def work_folder() -> Iterator[Path]:
    """A folder on the project's own disk (a temporary folder may be memory), removed afterwards."""
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="work-", dir=BUILD, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def fdatasync_us(samples: int = 300) -> dict[str, float]:
    """What one durable write costs here at the least: append 256 bytes, then `fdatasync`."""
    took = []
    with work_folder() as folder, (folder / "probe").open("wb", buffering=0) as file:
        for _ in range(samples):
            file.write(b"x" * 256)
            started = time.perf_counter_ns()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter_ns() - started) / 1e3)
    return {"p50": round(quantile(took, 0.5), 1), "p99": round(quantile(took, 0.99), 1)}


def wait_until_quiet(limit_s: float = 60.0) -> float:
    """Wait until other programs leave the processors alone, at most `limit_s`.

    Returns:
        The share of the machine that was busy in the last second, 0 to 1.
    """
    until = time.monotonic() + limit_s
    while True:
        busy = _busy_share(1.0)
        if busy < 0.1 or time.monotonic() > until:
            return busy


def describe() -> dict[str, object]:
    """Processor, kernel, libraries, disk latency and load: what a figure means nothing without."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "fdatasync_us": fdatasync_us(),
        "busy_before": round(wait_until_quiet(), 3),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.machine()


def _busy_share(seconds: float) -> float:
    """How much of the machine was in use over the next `seconds`; 0 where the system does not say."""
    before = _jiffies()
    time.sleep(seconds)
    after = _jiffies()
    if before is None or after is None or after[1] == before[1]:
        return 0.0
    return 1.0 - (after[0] - before[0]) / (after[1] - before[1])


def _jiffies() -> tuple[int, int] | None:
    """Idle and total time of all cores since boot."""
    try:
        fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    except OSError:
        return None
    return fields[3] + fields[4], sum(fields[:8])
