"""A proxy as companies put it before the internet: clients name the server they want, and it goes there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.support.fault_proxy import Link, Writer


class ForwardProxy:
    """Goes to `port` on this machine, whatever name is asked for; remembers each request's first line."""

    def __init__(self, port: int) -> None:
        self.requests: list[str] = []
        self.url = ""
        self._port = port

    async def accept(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            request = head.partition(b"\r\n")[0].decode()
            self.requests.append(request)
            server = await asyncio.open_connection("127.0.0.1", self._port)
            if request.startswith("CONNECT "):
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                server[1].write(head)  # a server takes the whole address in place of a path: RFC 9112, 3.2.2
            await Link().carry((reader, writer), server)


@asynccontextmanager
async def forward_proxy(port: int) -> AsyncIterator[ForwardProxy]:
    proxy = ForwardProxy(port)
    listener = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    async with listener:
        proxy.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        yield proxy
