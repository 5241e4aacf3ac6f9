"""Workflows that hold up the event loop of their worker, and one beside them."""

import asyncio
import re
import time
from pathlib import Path

from headway import log, step, workflow

CHECKED_EVERY = 1_000  # rounds


@step
async def spin(marker: str) -> int:
    """Never awaits, until the file `marker` is there."""
    rounds = 0
    while rounds % CHECKED_EVERY or not Path(marker).exists():
        rounds += 1
    return rounds


@workflow
async def spins(marker: str) -> int:
    log("spinning")
    await asyncio.sleep(0.3)  # those beside it get somewhere first
    return await spin(marker)


@workflow
async def locks() -> bool:
    """Stays in C code that keeps the interpreter's lock."""
    log("locking")
    await asyncio.sleep(0.3)
    return re.match(r"(a+)+$", "a" * 60 + "b") is None


@workflow
async def stalls(seconds: float) -> int:
    """Holds the loop up for a moment only, again and again."""
    for _ in range(1_000):
        time.sleep(seconds)
        await asyncio.sleep(0)
    return 0


@step
async def count(number: int) -> int:
    log(f"counted {number}")
    await asyncio.sleep(0.05)
    return number


@workflow
async def counts(upto: int = 20) -> int:
    """Well-behaved."""
    return sum([await count(number) for number in range(upto)])
