"""The workflows under measurement; a file as a user writes one, served by `headway serve`."""

import asyncio
import time
from pathlib import Path

from headway import log, step, workflow

from pace import tick_message, ticks

GATE_POLL_S = 0.01


async def opened(gate: str) -> None:
    """Wait until the file exists: by then the viewers are there."""
    while not Path(gate).exists():  # noqa: ASYNC110, ASYNC240 - before anything is measured
        await asyncio.sleep(GATE_POLL_S)


@workflow
async def ticker(gate: str, rate: float = 1000.0, seconds: float = 5.0) -> int:
    """Log `rate` lines a second for `seconds`, from the moment the file `gate` exists."""
    await opened(gate)
    number = 0
    async for due_ns in ticks(rate, int(rate * seconds)):
        number += 1
        log(tick_message(due_ns, number))
    return number


@step
async def no_op(number: int) -> int:
    """Return at once: what is left is what a step costs."""
    return number


@workflow
async def sequence(steps: int = 10, logs_per_step: int = 0, gate: str | None = None) -> float:
    """Run no-op steps one after the other, with log lines between them: how many seconds that took."""
    if gate is not None:
        await opened(gate)
    started = time.perf_counter()
    for number in range(steps):
        await no_op(number)
        for line in range(logs_per_step):
            log(f"step {number} line {line}: copied 4,096 rows from staging.orders")
    return time.perf_counter() - started


@workflow
async def timed_steps(gate: str, rate: float = 50.0, seconds: float = 5.0) -> list[tuple[float, float]]:
    """Run `rate` no-op steps a second: Unix time of each call, and the ms until its result was stored."""
    await opened(gate)
    took: list[tuple[float, float]] = []
    async for _ in ticks(rate, int(rate * seconds)):
        called_at, began = time.time(), time.perf_counter()
        await no_op(len(took))
        took.append((round(called_at, 3), round(1e3 * (time.perf_counter() - began), 3)))
    return took
