"""Workflows for the browser tests: paced, so that a test can act in the middle of one."""

import asyncio
import logging

from headway import progress, step, workflow

logger = logging.getLogger(__name__)


@step
async def tick(number: int, pause_s: float) -> int:
    """One item of `paced`; its lines name it, so that a lost or repeated one is seen."""
    for line in range(5):
        logger.info("tick %d line %d — ünïcode ✓", number, line)
        await asyncio.sleep(pause_s / 5)
    return number


@workflow
async def paced(ticks: int = 30, pause_s: float = 0.2) -> int:
    """Log five lines a tick."""
    for number in range(ticks):
        await tick(number, pause_s)
        progress(number + 1, ticks, unit="tick")
    return ticks


@step
async def wait_for_ever() -> None:
    """Go on until somebody cancels."""
    logger.info("waiting")
    await asyncio.sleep(3600)


@workflow
async def endless() -> None:
    """Wait in one step."""
    await wait_for_ever()


@step
def load(row: dict[str, str]) -> str:
    """Read a field that is not there."""
    return row["sku"]


@workflow
def broken() -> str:
    """Fail on a missing key."""
    print("about to fail")  # noqa: T201 - prints are captured
    return load({"name": "lamp"})


@workflow
async def noisy(lines: int = 100_000) -> int:
    """Log as fast as it can."""
    for number in range(lines):
        logger.info("line %d of %d", number, lines)
        if number % 1_000 == 999:
            await asyncio.sleep(0.01)
    return lines
