"""The usual WebSocket feed of a FastAPI application: a list of connections, and a send to each in turn.

It is what tutorials show (`ConnectionManager.broadcast`), with the events and the pace of the workflow under
test and none of its duties: no journal, no worker process, no resume.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from peers.audience import load_asked_for


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


def main() -> None:
    """Serve until ended."""
    load, manager = load_asked_for(__doc__), ConnectionManager()

    @asynccontextmanager
    async def emitting(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(load.emit(manager.broadcast))
        yield
        task.cancel()

    app = FastAPI(lifespan=emitting)

    @app.websocket("/ws/workflow/{workflow_id}")
    async def follow(websocket: WebSocket, workflow_id: str) -> None:
        await manager.connect(websocket)
        load.count()
        with suppress(WebSocketDisconnect):
            while True:
                await websocket.receive_text()
        manager.disconnect(websocket)

    uvicorn.run(app, host="127.0.0.1", port=load.port, log_level="error")


if __name__ == "__main__":
    main()
