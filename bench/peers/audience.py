"""What the Python peers have in common: the events, and the moment at which they begin."""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pace import tick_message, ticks

EXECUTION_ID = "01KAQ3M0000000000000000000"
SETTLE_S = 0.2  # after the last viewer has come


@dataclass(slots=True)
class Load:
    """What a peer is asked for on its command line; it emits once so many viewers are there."""

    port: int
    rate: float
    seconds: float
    viewers: int
    frame_events: int
    arrived: int = 0
    all_there: asyncio.Event = field(default_factory=asyncio.Event)

    def count(self) -> None:
        """One more viewer has come."""
        self.arrived += 1
        if self.arrived >= self.viewers:
            self.all_there.set()

    async def emit(self, broadcast: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        """Broadcast the events one by one, each when it is due, and the terminal one."""
        await self.all_there.wait()
        await asyncio.sleep(SETTLE_S)
        seq = 0
        async for due_ns in ticks(self.rate, int(self.rate * self.seconds)):
            seq += 1
            data = {"level": "INFO", "message": tick_message(due_ns, seq)}
            await broadcast(event(seq, "log", "log", data))
        await broadcast(event(seq + 1, "execution.completed", "complete", {"status": "completed"}))


def event(seq: int, kind: str, wire: str, data: dict[str, Any]) -> dict[str, Any]:
    """An event as simple mode shows it."""
    now = datetime.fromtimestamp(time.time(), UTC)
    timestamp = now.isoformat(timespec="microseconds").replace("+00:00", "Z")
    identity = {"execution_id": EXECUTION_ID, "workflow_id": "ticker"}
    return {**identity, "seq": seq, "kind": kind, "type": wire, "timestamp": timestamp, "data": data}


def load_asked_for(description: str | None) -> Load:
    """Read the command line."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--rate", type=float, required=True)
    options.add_argument("--seconds", type=float, required=True)
    options.add_argument("--viewers", type=int, required=True)
    options.add_argument("--frame-events", type=int, default=1)
    return Load(**vars(options.parse_args()))
