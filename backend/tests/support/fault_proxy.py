"""A TCP proxy that fails on demand: cuts after byte k, freezes a direction, delays, refuses."""

import asyncio
import random
import socket
from contextlib import suppress
from types import TracebackType
from typing import Literal, Self

Direction = Literal["up", "down"]  # to the server, to the client
CHUNK_BYTES = 16 << 10


class Link:
    """One connection through the proxy; every fault holds until it is lifted, or the link is cut."""

    def __init__(self) -> None:
        self.delay_s = 0.0
        self._allowance: int | None = None
        self._gates: dict[Direction, asyncio.Event] = {"up": asyncio.Event(), "down": asyncio.Event()}
        self._transports: list[asyncio.WriteTransport] = []
        self.thaw()

    def cut(self) -> None:
        """End both sides now; what is under way is lost."""
        for transport in self._transports:
            transport.abort()
        self.thaw()  # a pump that waits shall find out

    def cut_after(self, count: int) -> None:
        """Let so many more bytes through to the client, then cut."""
        self._allowance = count

    def freeze(self, direction: Direction) -> None:
        """Half-open: what is sent in this direction, its end included, does not arrive."""
        self._gates[direction].clear()

    def thaw(self) -> None:
        for gate in self._gates.values():
            gate.set()

    async def carry(self, client: "Stream", server: "Stream") -> None:
        """Forward until one side ends."""
        self._transports = [client[1].transport, server[1].transport]
        for transport in self._transports:
            transport.set_write_buffer_limits(0)  # `drain` means: the system has it
        pumps = [
            asyncio.ensure_future(self._pump("up", client[0], server[1])),
            asyncio.ensure_future(self._pump("down", server[0], client[1])),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.cut()
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, direction: Direction, reader: asyncio.StreamReader, writer: "Writer") -> None:
        with suppress(ConnectionError):
            while True:
                data = await reader.read(CHUNK_BYTES)
                await asyncio.sleep(self.delay_s)
                await self._gates[direction].wait()
                if direction == "down" and self._allowance is not None:
                    data = data[: self._allowance]
                    self._allowance -= len(data)
                if not data:
                    return
                writer.write(data)
                await writer.drain()
                if direction == "down" and self._allowance == 0:
                    return


Writer = asyncio.StreamWriter
Stream = tuple[asyncio.StreamReader, Writer]


class FaultProxy:
    """Forwards to `port` on this machine; use it as an asynchronous context manager.

    Attributes:
        target: Port to forward to; a change counts for new connections.
        refuses: New connections are reset at once.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.refuses = False
        self._links: dict[Link, asyncio.Task[None] | None] = {}
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        tasks = [task for task in self._links.values() if task is not None]
        for link in self.links:
            link.cut()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def links(self) -> list[Link]:
        """The connections there are now, oldest first."""
        return list(self._links)

    def some(self, share: float, chance: random.Random) -> list[Link]:
        """A share of them by chance, at least one if there are any."""
        links = self.links
        return chance.sample(links, min(len(links), max(1, round(share * len(links)))))

    async def _accept(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        if self.refuses:
            reset(writer)
            return
        try:
            server = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            reset(writer)
            return
        link = Link()
        self._links[link] = asyncio.current_task()
        try:
            await link.carry((reader, writer), server)
        finally:
            del self._links[link]


def reset(writer: Writer) -> None:
    """End a connection with RST, as a host without a listener does."""
    raw: socket.socket = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.transport.abort()
