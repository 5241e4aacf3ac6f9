"""The `websockets` library's own server and its `broadcast`: one encoding, one frame for each viewer."""

import asyncio
import json
from typing import Any

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

from peers.audience import load_asked_for


async def main() -> None:
    """Serve until ended."""
    load = load_asked_for(__doc__)
    viewers: set[ServerConnection] = set()

    async def follow(viewer: ServerConnection) -> None:
        viewers.add(viewer)
        load.count()
        try:
            await viewer.wait_closed()
        finally:
            viewers.discard(viewer)

    async def send(event: dict[str, Any]) -> None:
        broadcast(viewers, json.dumps(event))
        await asyncio.sleep(0)  # `broadcast` buffers: the loop must get to write

    async with serve(follow, "127.0.0.1", load.port, compression=None):
        await load.emit(send)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    uvloop.run(main())
