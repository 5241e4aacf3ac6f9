"""python-socketio on uvicorn: `AsyncServer.emit` to everyone."""

import asyncio
from typing import Any

import socketio
import uvicorn
import uvloop

from peers.audience import load_asked_for


async def main() -> None:
    """Serve until ended."""
    load = load_asked_for(__doc__)
    server = socketio.AsyncServer(async_mode="asgi")

    async def connect(sid: str, environ: dict[str, Any]) -> None:
        load.count()

    async def send(event: dict[str, Any]) -> None:
        await server.emit("update", event)

    server.on("connect", connect)
    emitting = asyncio.create_task(load.emit(send))
    config = uvicorn.Config(socketio.ASGIApp(server), host="127.0.0.1", port=load.port, log_level="error")
    await uvicorn.Server(config).serve()
    emitting.cancel()


if __name__ == "__main__":
    uvloop.run(main())
