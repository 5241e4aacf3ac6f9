"""The proxy does to connections what the chaos run believes it does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.support.fault_proxy import FaultProxy

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
BYTES = b"0123456789"


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(100):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def proxied() -> AsyncIterator[FaultProxy]:
    """A proxy in front of a server that sends everything back."""
    async with (
        await asyncio.start_server(_echo, "127.0.0.1", 0) as server,
        FaultProxy(server.sockets[0].getsockname()[1]) as proxy,
    ):
        yield proxy


@asynccontextmanager
async def connected(proxy: FaultProxy) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def answer(streams: Streams, sent: bytes = BYTES) -> bytes:
    streams[1].write(sent)
    return await asyncio.wait_for(streams[0].readexactly(len(sent)), 5)


async def test_a_link_is_cut_after_exactly_so_many_bytes() -> None:
    async with proxied() as proxy, connected(proxy) as streams:
        assert await answer(streams) == BYTES
        proxy.links[0].cut_after(4)
        streams[1].write(BYTES)

        assert await asyncio.wait_for(streams[0].read(), 5) == BYTES[:4]


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_a_frozen_direction_carries_nothing_until_it_is_thawed(direction: str) -> None:
    async with proxied() as proxy, connected(proxy) as streams:
        await answer(streams)
        (link,) = proxy.links
        link.freeze("up" if direction == "up" else "down")
        streams[1].write(BYTES)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(streams[0].readexactly(1), 0.1)
        link.thaw()

        assert await asyncio.wait_for(streams[0].readexactly(len(BYTES)), 5) == BYTES


async def test_a_frozen_link_does_not_even_tell_that_the_server_has_gone() -> None:
    served: list[asyncio.StreamWriter] = []

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(writer)

    async with (
        await asyncio.start_server(hold, "127.0.0.1", 0) as server,
        FaultProxy(server.sockets[0].getsockname()[1]) as proxy,
        connected(proxy) as streams,
    ):
        while not served:
            await asyncio.sleep(0)
        proxy.links[0].freeze("down")
        served[0].transport.abort()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(streams[0].read(1), 0.1)
        proxy.links[0].cut()

        assert await asyncio.wait_for(streams[0].read(1), 5) == b""


async def test_refused_and_unreachable_look_alike_and_a_new_target_counts_for_new_links() -> None:
    async with proxied() as proxy:
        target = proxy.target
        for proxy.refuses, proxy.target in ((True, target), (False, 1)):
            async with connected(proxy) as streams:
                with pytest.raises(ConnectionResetError):
                    await asyncio.wait_for(streams[0].read(1), 5)
        proxy.target = target
        async with connected(proxy) as streams:
            assert await answer(streams) == BYTES
