"""A client of rich mode over a real socket: says messages, reads frames, and runs the reference viewer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from tests.support.viewer_model import ViewerModel
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from headway.protocol import messages as m
from headway.protocol.codec import decode_server, encode
from headway.protocol.deflate import Inflater

WITHIN_S = 10.0
M = TypeVar("M", bound=m.ServerMessage)


class RichPeer:
    """One connection; `frames` are the texts it has got, inflated where they came compressed."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: list[bytes] = []
        self.wire_bytes: list[int] = []
        self.binary_frames = 0
        self.dictionaries = 0
        self.inflater = Inflater()

    async def say(self, *messages: m.AnyClientMessage) -> None:
        for message in messages:
            await self.socket.send(encode(message).decode())

    async def frame(self, within_s: float = WITHIN_S) -> bytes:
        """The text of the next frame."""
        text: bytes | None = None
        while text is None:
            received = await asyncio.wait_for(self.socket.recv(), within_s)
            self.wire_bytes.append(len(received))
            text = self._inflated(received) if isinstance(received, bytes) else received.encode()
        self.frames.append(text)
        return text

    def _inflated(self, received: bytes) -> bytes | None:
        text = self.inflater.read(received)
        if text is None:
            self.dictionaries += 1
        else:
            self.binary_frames += 1
        return text

    async def next(self, kind: type[M], within_s: float = WITHIN_S) -> M:
        """The next message of this kind, whatever comes before it."""
        while True:
            message, _ = decode_server(await self.frame(within_s))
            if isinstance(message, kind):
                return message

    async def hello(self, **given: Any) -> m.Welcome:
        await self.say(m.Hello(**given))
        return await self.next(m.Welcome)

    async def closed(self, within_s: float = WITHIN_S) -> tuple[int, str]:
        """Code and reason of the end."""
        with suppress(ConnectionClosed):
            while True:
                await self.frame(within_s)
        return self.socket.close_code or 0, self.socket.close_reason or ""

    async def run(self, models: Sequence[ViewerModel], until: Callable[[], bool]) -> None:
        """Let the viewers follow on this connection until it holds; they have said hello already."""
        while not until():
            frame = await self.frame()
            for model in models:
                await self.say(*model.receive(frame))

    async def follow(self, *models: ViewerModel, until: Callable[[], bool]) -> None:
        """Say hello, subscribe each, and run."""
        await self.say(m.Hello(client="model"))
        for model in models:
            await self.say(*model.connected()[1:])
        await self.run(models, until)


@asynccontextmanager
async def rich(
    url: str, subprotocols: Sequence[str] = (m.SUBPROTOCOL,), **more: Any
) -> AsyncIterator[RichPeer]:
    """Connect; nothing is said yet."""
    async with connect(
        url,
        subprotocols=subprotocols or None,
        compression=None,
        proxy=None,
        max_size=None,
        close_timeout=0.2,
        **more,
    ) as socket:
        yield RichPeer(socket)
