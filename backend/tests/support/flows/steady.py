"""Workflows that the tests of real processes run: slow enough to be caught in the middle."""

import asyncio
import os
import time
from pathlib import Path

from headway import log, step, workflow


@step
async def advance(number: int) -> int:
    """One step with a log line before and after a short wait."""
    log(f"step {number} begins")
    await asyncio.sleep(0.02)
    log(f"step {number} ends")
    return number * number


@step
def measure(number: int) -> int:
    time.sleep(0.01)
    log(f"measured {number}")
    return number


@workflow
async def steady(steps: int = 20) -> int:
    """Twenty steps, one after the other, then some at once."""
    total = 0
    for number in range(steps):
        total += await advance(number)
    return total + sum(await measure.map(range(5), concurrency=2))


@workflow
async def waiting(marker: str) -> str:
    """Runs until the file `marker` is there."""
    return await wait_for(marker)


@step
async def wait_for(marker: str) -> str:
    while not Path(marker).exists():
        await asyncio.sleep(0.02)
    return Path(marker).read_text()


@step
def leave() -> None:
    """End the process, late enough for the step's start to be stored."""
    time.sleep(0.1)
    os._exit(3)


@workflow
async def deadly() -> None:
    """Takes its worker down whenever it runs."""
    await leave()
