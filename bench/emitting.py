"""A workflow that times its own emits; a file as a user writes one, run by a real worker.

It is timed where it counts: in the workflow's thread, with the recorder's thread beside it and the capture of
`logging` installed. Every call is timed by itself; the ways take turns, in bursts with pauses in which the
recorder catches up.
"""

import asyncio
import logging
import tempfile
import time
from collections import deque
from collections.abc import Callable
from statistics import median
from typing import Any

from headway import log, progress, workflow
from headway.domain import events as e
from headway.ports import current_scope

from figures import spread

MESSAGE = "copied 4,096 rows from staging.orders to warehouse.orders in 12.3 ms"
BURST = 200
PAUSE_S = 0.025
WAKING = "Lane.emit, the first after a pause"  # it wakes the recorder


@workflow
async def emitting(rounds: int = 300) -> dict[str, dict[str, float]]:
    """Nanoseconds a call takes the workflow's thread, for each way to say something."""
    scope = current_scope.get()
    assert scope is not None
    bare: deque[str] = deque(maxlen=BURST)
    captured = logging.getLogger("bench.captured")
    with tempfile.TemporaryFile("w") as stream:
        streamed = logging.getLogger("bench.streamed")
        streamed.propagate = False
        streamed.handlers = [logging.StreamHandler(stream)]
        streamed.setLevel(logging.INFO)
        ways: dict[str, Callable[[], Any]] = {
            "clock": lambda: None,
            "deque.append": lambda: bare.append(MESSAGE),
            "Lane.emit": lambda: scope.emit(e.Log("INFO", MESSAGE)),
            "headway.log": lambda: log(MESSAGE),
            "headway.progress": lambda: progress(1, 2),
            "logging, captured": lambda: captured.info(MESSAGE),
            "logging to a stream": lambda: streamed.info(MESSAGE),
        }
        took: dict[str, list[int]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, call in ways.items():
                _burst(call, took[name])
                await asyncio.sleep(PAUSE_S)
        streamed.handlers = []
    clock = median(took.pop("clock"))
    took[WAKING] = took["Lane.emit"][::BURST]
    return {name: spread([each - clock for each in samples]) for name, samples in took.items()}


def _burst(call: Callable[[], Any], took: list[int]) -> None:
    clock = time.perf_counter_ns
    for _ in range(BURST):
        began = clock()
        call()
        took.append(clock() - began)
