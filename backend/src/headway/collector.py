"""Python's garbage collector, kept from walking through all that lives while somebody waits."""

import asyncio
import gc
import time
from collections.abc import Callable
from typing import Self

LOOK_S = 1.0
IDLE_SHARE = 0.05  # of a processor, at most, where nothing is going on
PASSES_IDLE, PASSES_BUSY = 5, 20  # through the newest objects, until all are walked through
_NEVER = 1 << 30


def spare_the_collector(after: int) -> None:
    """Let Python's collector look for cycles only once `after` objects are new and still there.

    What is imported by now stays. At Python's own 700 it takes a fifth of the time of a worker full of short
    steps, and a server's viewers all wait each time it walks through the objects of every connection.
    """
    gc.freeze()
    gc.set_threshold(after)


class Collector:
    """Has the whole heap looked through when the process idles, or when it is overdue.

    A connection that ends leaves some seventy objects that refer to each other. They are found only by
    walking through everything, which takes a quarter of a second with two thousand viewers: left to itself,
    Python does that when many have just come. The newest objects it goes on to look through by itself.

    Args:
        after: New objects until the newest are looked through.
        cpu_s: Processor time that this process has used.
    """

    def __init__(self, after: int, *, cpu_s: Callable[[], float] = time.process_time) -> None:
        self._after = after
        self._cpu_s = cpu_s
        self._used_s = cpu_s()
        self._passes = _passes()

    async def __aenter__(self) -> Self:
        spare_the_collector(self._after)
        gc.set_threshold(self._after, _NEVER, _NEVER)
        self._looking = asyncio.create_task(self._look_for_ever(), name="collector")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._looking.cancel()

    def look(self) -> None:
        """Call it each `LOOK_S`."""
        before, self._used_s = self._used_s, self._cpu_s()
        is_idle = self._used_s - before <= IDLE_SHARE * LOOK_S
        if _passes() - self._passes >= (PASSES_IDLE if is_idle else PASSES_BUSY):
            gc.collect()
            self._used_s, self._passes = self._cpu_s(), _passes()

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()


def _passes() -> int:
    """How often the newest objects were looked through."""
    passes: int = gc.get_stats()[0]["collections"]
    return passes
