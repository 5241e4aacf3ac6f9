"""Runs the compiled load generator: builds it, starts it, waits for its viewers, reads its result."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Self

from machine import BUILD, HERE, OTHER_CORE, pinned

SOURCES = HERE / "load"
PROGRAM = BUILD / "wsload"
PACKAGES = "apt-get install gcc libc6-dev zlib1g-dev"
GRACE_S = 15.0


def build() -> Path:
    """Compile the load generator where it is older than its sources.

    Raises:
        SystemExit: There is no C compiler, or it misses zlib's header.
    """
    BUILD.mkdir(exist_ok=True)
    changed_at = max(source.stat().st_mtime for source in SOURCES.iterdir())
    if not PROGRAM.exists() or PROGRAM.stat().st_mtime < changed_at:
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            raise SystemExit(f"The load generator is written in C: install a compiler and zlib ({PACKAGES}).")
        flags = ("-O2", "-Wall", "-Wextra", "-std=gnu11")
        command = [compiler, *flags, "-o", str(PROGRAM), str(SOURCES / "wsload.c"), "-lz"]
        if subprocess.run(command, check=False).returncode:
            raise SystemExit(f"The load generator does not compile; it needs {PACKAGES}.")
    return PROGRAM


class Viewers:
    """Viewers of one path of a server, as a context: connected when it is entered, gone when it is left.

    Args:
        port: Where the server listens on 127.0.0.1.
        path: Path and query that each of them opens.
        limit_s: They end after it whatever happens.
        core: Core the generator is bound to.
        **options: Further options of the generator (`stalled=10` is `--stalled 10`, `reconnect=True` a flag).
    """

    def __init__(
        self, port: int, path: str, *, limit_s: float, core: int = OTHER_CORE, **options: float | str
    ) -> None:
        command = [str(build()), "--port", str(port), "--path", path, "--limit", str(limit_s)]
        for name, value in options.items():
            flag = f"--{name.replace('_', '-')}"
            command += [flag] * value if isinstance(value, bool) else [flag, str(value)]
        self._command = pinned(core, command)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        self._line()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def result(self) -> dict[str, Any]:
        """Wait until every viewer has seen the end (or the limit has passed)."""
        return self._line()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()  # it ends by itself at its limit
        if not line:
            raise RuntimeError(f"the load generator ended with {self._process.wait(GRACE_S)}")
        read: dict[str, Any] = json.loads(line)
        return read


def complete(result: dict[str, Any]) -> bool:
    """Whether every viewer received every event once and in order, its end included."""
    return bool(
        result["done"] == result["viewers"]
        and not result["lost"]
        and not result["out_of_order"]
        and not result["broken"]
    )


def judged(result: dict[str, Any], viewers: int, rate: float, seconds: float) -> dict[str, Any]:
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
