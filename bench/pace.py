"""When events are due: both the workflow under test and its naive peer emit at this pace."""

import asyncio
import time
from collections.abc import AsyncIterator

PADDING = "copied 4,096 rows from staging.orders to warehouse.orders"


async def ticks(rate: float, count: int) -> AsyncIterator[int]:
    """Yield the Unix time in nanoseconds at which each of `count` events is due, once it is.

    A caller that falls behind gets the moments it missed without a wait, so that whoever reads them is
    charged for the delay (no coordinated omission).
    """
    started_ns = time.time_ns()
    for number in range(count):
        due_ns = started_ns + round(number * 1e9 / rate)
        while (ahead_ns := due_ns - time.time_ns()) > 0:  # noqa: ASYNC110 - what it waits for is the clock
            await asyncio.sleep(max(0.001, ahead_ns / 1e9))
        if number % 256 == 255:
            await asyncio.sleep(0)  # one that is behind must not keep the loop for itself
        yield due_ns


def tick_message(due_ns: int, number: int) -> str:
    """A log line as long as real ones, with its moment where the load generator looks for it."""
    return f"tick {due_ns} {number}: {PADDING}"
