"""The usual WebSocket feed of a FastAPI application: a list of connections, and a send to each in turn.

It is what tutorials show (`ConnectionManager.broadcast`), with the events and the pace of the workflow under
test and none of its duties: no journal, no worker process, no resume. `POST /emit` starts the events.
"""

import argparse
import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from pace import tick_message, ticks

EXECUTION_ID = "01KAQ3M0000000000000000000"


class ConnectionManager:
    """Holds the open sockets."""

    def __init__(self) -> None:
        self.active: list[WebSocket] = []

    async def connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.active.append(websocket)

    def disconnect(self, websocket: WebSocket) -> None:
        if websocket in self.active:
            self.active.remove(websocket)

    async def broadcast(self, event: dict[str, Any]) -> None:
        """Send the event to each viewer, encoded for each (`send_json` is `json.dumps` and `send`)."""
        for websocket in list(self.active):
            try:
                await websocket.send_json(event)
            except (WebSocketDisconnect, RuntimeError):
                self.disconnect(websocket)


app = FastAPI()
manager = ConnectionManager()
running: set[asyncio.Task[None]] = set()


@app.websocket("/ws/workflow/{workflow_id}")
async def follow(websocket: WebSocket, workflow_id: str) -> None:
    await manager.connect(websocket)
    with suppress(WebSocketDisconnect):
        while True:
            await websocket.receive_text()
    manager.disconnect(websocket)


@app.post("/emit", status_code=202)
async def emit(rate: float, seconds: float) -> None:
    task = asyncio.create_task(_emit(rate, int(rate * seconds)))
    running.add(task)
    task.add_done_callback(running.discard)


async def _emit(rate: float, count: int) -> None:
    seq = 0
    async for due_ns in ticks(rate, count):
        seq += 1
        data = {"level": "INFO", "message": tick_message(due_ns, seq)}
        await manager.broadcast(_event(seq, "log", "log", data))
    await manager.broadcast(_event(seq + 1, "execution.completed", "complete", {"status": "completed"}))


def _event(seq: int, kind: str, wire: str, data: dict[str, Any]) -> dict[str, Any]:
    timestamp = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    identity = {"execution_id": EXECUTION_ID, "workflow_id": "ticker"}
    return {**identity, "seq": seq, "kind": kind, "type": wire, "timestamp": timestamp, "data": data}


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, required=True)
    uvicorn.run(app, host="127.0.0.1", port=options.parse_args().port, log_level="error")
