"""How a stream of events reaches a thousand viewers, beside the servers that people use for it.

Each viewer is checked for every event in order. All of Headway (worker, journal, server) shares one core, the
load generator has the other; a peer has a core for nothing but sending.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from headway.domain.identifiers import ExecutionId
from headway.domain.position import initial_tag

from machine import SERVER_CORE, work_folder
from processes import Database, Server, worker
from serving_peers import NAIVE, RAW, installed
from viewers import Viewers, judged

STEP_UP = 1.5
MAX_RATE = 20_000  # events a second; where the worker itself would be the subject
MAX_GENERATOR_CPU = 0.95
THOUSAND = 1_000
LIMIT_S = 60.0
PACKED_RATE = 2_000.0  # with one viewer: about ten events in each frame, for bytes on the wire
Measured = dict[str, Any]
Measure = Callable[[int, float, float], Measured]  # viewers, events a second, seconds


def measure_headway(
    viewers: int,
    rate: float,
    seconds: float,
    *,
    dialect: str = "simple",
    times_steps: bool = False,
    **stalling: Any,
) -> Measured:
    """Viewers of one execution that logs at `rate`, from its start; `stalling`: options of the generator.

    With `times_steps` another execution, which nobody watches, times durable steps beside it.
    """
    with work_folder() as folder, Database(folder) as database, worker(database, SERVER_CORE) as own_worker:
        gate = folder / "gate"
        execution = database.queue("ticker", {"gate": str(gate), "rate": rate, "seconds": seconds})
        timed = (
            database.queue("timed_steps", {"gate": str(gate), "seconds": seconds}) if times_steps else None
        )
        with (
            Server(database) as server,
            Viewers(
                server.port,
                f"/ws/workflow/{execution}?after=0",
                viewers=viewers,
                dialect=dialect,
                execution=execution,
                cursor=cursor_at_start(database, execution),
                pid=f"{server.pid},{own_worker.pid}",
                limit_s=60 + 4 * seconds + stalling.get("hold", 0.0),
                **stalling,
            ) as load,
        ):
            gate.touch()
            result = load.result()
        if timed is not None:
            result["steps"] = msgspec.json.decode(database.wait(timed, LIMIT_S).output)
    return judged(result, viewers, rate, seconds)


def measure_rich(viewers: int, rate: float, seconds: float) -> Measured:
    return measure_headway(viewers, rate, seconds, dialect="rich")


def cursor_at_start(database: Database, execution: ExecutionId) -> str:
    """Before the first event of an execution."""
    epoch = database.journal.get(execution).head.epoch
    return f"{epoch}.0.{initial_tag(epoch):08x}"


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


def measure_raw(beside: Measured) -> Measured:
    """The limit: bare writes of frames that hold as much as those of the run `beside` did."""
    events_a_write = max(1, round(beside["events"] / max(1, beside["reads"])))
    load = (beside["viewers"], beside["rate"], beside["seconds"])
    return RAW.measure(*load, frame_events=events_a_write) | {"events_a_write": events_a_write}


def measure_packed(seconds: float) -> Measured:
    """Bytes on the wire with and without compression, where a frame holds about ten events."""
    return {name: measure_headway(1, PACKED_RATE, seconds, dialect=name) for name in ("rich", "deflate")}


def measure(*, quick: bool = False) -> Measured:
    """All of it; `quick` shortens the runs, not the number of viewers."""
    seconds, step_s = (3.0, 3.0) if quick else (10.0, 5.0)
    rate = 1_000.0
    loads: dict[str, Measured] = {
        "Headway": measure_headway(THOUSAND, rate, seconds),
        "Headway, rich": measure_rich(THOUSAND, rate, seconds),
        "Headway, rich, compressed": measure_headway(THOUSAND, rate, seconds, dialect="deflate"),
    }
    fast = {
        "Headway": measure_headway(THOUSAND, 5 * rate, seconds),
        "Headway, rich": measure_rich(THOUSAND, 5 * rate, seconds),
    }
    peers = installed()
    for peer in peers:
        loads[peer.name] = peer.measure(THOUSAND, rate, seconds)
    quiet = {"Headway": measure_headway(1, 50.0, seconds), "Headway, rich": measure_rich(1, 50.0, seconds)}
    quiet |= {peer.name: peer.measure(1, 50.0, seconds) for peer in peers}
    highest = {"Headway": highest_rate(measure_headway, THOUSAND, rate, step_s)}
    for peer in [NAIVE] if quick else peers:
        highest[peer.name] = highest_rate(peer.measure, THOUSAND, 40.0, step_s)
    return {
        "loads": loads,
        "fast": fast,
        "raw": measure_raw(loads["Headway"]),
        "quiet": quiet,
        "highest": highest,
        "packed": measure_packed(seconds),
    }


if __name__ == "__main__":
    from results import run_alone

    run_alone(Path(__file__).stem, measure)
