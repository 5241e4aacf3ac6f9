"""A reverse proxy that is set up badly on demand: what people put before a server, one setting at a time."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

from tests.support.fault_proxy import Stream, Writer

Upgrades = Literal["pass", "refuse", "strip", "mute"]  # `mute`: the handshake passes, no frame does
PIECE_BYTES = 16 << 10
REFUSAL = b"<html><h1>400 Bad Request</h1></html>"


@dataclass
class HttpProxy:
    """Forwards to `port` on this machine; a change counts for new requests.

    Args:
        port: Of the server.
        upgrades: What becomes of WebSockets.
        buffers: An answer is passed on when it is complete.
        compresses: Answers are packed with gzip, and passed on as the compressor likes.
        idle_s: A connection without a byte for so long is ended.
        host: In place of the client's `Host`.
        drops: Headers of requests that are not passed on, in small letters.
        prefix: Taken off the path of requests.
        software: What it calls itself in `Server`.
    """

    port: int
    upgrades: Upgrades = "pass"
    buffers: bool = False
    compresses: bool = False
    idle_s: float | None = None
    host: str | None = None
    drops: Collection[str] = ()
    prefix: str = ""
    software: str = ""
    requests: list[str] = field(default_factory=list)
    url: str = ""

    async def accept(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        """Serve one connection, of one request."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            request, *lines = head.rstrip().split("\r\n")
            self.requests.append(request)
            headers = [line.partition(": ")[::2] for line in lines]
            is_upgrade = any(name.lower() == "upgrade" for name, _ in headers)
            if is_upgrade and self.upgrades == "refuse":
                writer.write(self._answer_head(400, len(REFUSAL)) + REFUSAL)
            else:
                await self._forward(request, headers, (reader, writer), upgrade=is_upgrade)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _forward(
        self, request: str, headers: list[tuple[str, str]], client: Stream, *, upgrade: bool
    ) -> None:
        server = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            passes = upgrade and self.upgrades != "strip"
            server[1].write(self._request_head(request, headers, passes=passes))
            if passes:
                await self._tunnel(client, server)
                return
            sending = asyncio.ensure_future(self._copy(client[0], server[1]))
            try:
                await self._answer(server[0], client[1])
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
        finally:
            server[1].close()

    def _request_head(self, request: str, headers: list[tuple[str, str]], *, passes: bool) -> bytes:
        method, path, version = request.split(" ")
        path = path.removeprefix(self.prefix) or "/"
        left_out = {*self.drops, *(() if passes else ("upgrade", "connection"))}
        kept = [(name, value) for name, value in headers if name.lower() not in left_out]
        if self.host is not None:
            kept = [(name, self.host if name.lower() == "host" else value) for name, value in kept]
        version = version if passes else "HTTP/1.0"  # the answer's end is then that of its connection
        lines = [f"{method} {path} {version}", *(f"{name}: {value}" for name, value in kept)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    async def _tunnel(self, client: Stream, server: Stream) -> None:
        client[1].write(await server[0].readuntil(b"\r\n\r\n"))
        down = self._swallow(server[0]) if self.upgrades == "mute" else self._copy(server[0], client[1])
        pumps = [asyncio.ensure_future(self._copy(client[0], server[1])), asyncio.ensure_future(down)]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)

    async def _answer(self, server: asyncio.StreamReader, client: Writer) -> None:
        try:
            async with asyncio.timeout(self.idle_s):
                head = await server.readuntil(b"\r\n\r\n")
        except TimeoutError:
            client.write(self._answer_head(504, 0))
            return
        packer = zlib.compressobj(wbits=31) if self.compresses else None
        body = [] if self.buffers else None
        if body is None:
            client.write(self._changed(head))
        async for piece in self._body(server, head):
            packed = packer.compress(piece) if packer else piece
            if body is None:
                client.write(packed)
                await client.drain()
            else:
                body.append(packed)
        client.write(
            (b"" if body is None else self._changed(head) + b"".join(body))
            + (packer.flush() if packer else b"")
        )

    async def _body(self, server: asyncio.StreamReader, head: bytes) -> AsyncIterator[bytes]:
        """The answer's body as it was before it was cut into chunks."""
        if b"transfer-encoding: chunked" not in head.lower():
            async for piece in self._pieces(server):
                yield piece
            return
        with suppress(TimeoutError, asyncio.IncompleteReadError):
            while True:
                async with asyncio.timeout(self.idle_s):
                    size = int(await server.readuntil(b"\r\n"), 16)
                    piece = (await server.readexactly(size + 2))[:size]
                if not piece:
                    return
                yield piece

    def _changed(self, head: bytes) -> bytes:
        left_out = (b"transfer-encoding:", *([b"content-length:"] if self.compresses else []))
        lines = [line for line in head.rstrip().split(b"\r\n") if not line.lower().startswith(left_out)]
        if self.compresses:
            lines.append(b"Content-Encoding: gzip")
        if self.software:
            lines.append(b"Server: " + self.software.encode())
        return b"\r\n".join([*lines, b"Connection: close", b"", b""])

    def _answer_head(self, status: int, size: int) -> bytes:
        server = f"Server: {self.software}\r\n" if self.software else ""
        return (
            f"HTTP/1.1 {status} No\r\n{server}Content-Type: text/html\r\nContent-Length: {size}\r\n"
            "Connection: close\r\n\r\n"
        ).encode()

    async def _copy(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        async for piece in self._pieces(reader):
            writer.write(piece)
            await writer.drain()

    async def _swallow(self, reader: asyncio.StreamReader) -> None:
        async for _ in self._pieces(reader):
            pass

    async def _pieces(self, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        with suppress(TimeoutError, ConnectionError):
            while True:
                async with asyncio.timeout(self.idle_s):
                    piece = await reader.read(PIECE_BYTES)
                if not piece:
                    return
                yield piece


@asynccontextmanager
async def http_proxy(port: int, **settings: object) -> AsyncIterator[HttpProxy]:
    """Run a proxy with these settings before the server at `port`."""
    proxy = HttpProxy(port, **settings)  # type: ignore[arg-type]
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await proxy.accept(reader, writer)
        except asyncio.CancelledError:
            pass  # the end of the test; asyncio's own callback would report it as a fault
        finally:
            tasks.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{proxy.prefix}"
    try:
        yield proxy
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
