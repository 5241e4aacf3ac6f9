"""`headway serve`: a server and workers, supervised, and the address of the page."""

import asyncio
import contextlib
import sys
import webbrowser
from collections.abc import Sequence

from headway.cli import exits
from headway.cli.supervising import supervise
from headway.config import Settings

READY_POLL_S = 0.05


def serve(settings: Settings, files: Sequence[str]) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    settings.require_safe_binding()
    supervise(settings, files, listens=True, announce=_announce)
    return exits.COMPLETED


async def _announce(settings: Settings) -> None:
    """Say where the page is once it answers."""
    while not await _answers(settings.host, settings.port):  # noqa: ASYNC110 - another process
        await asyncio.sleep(READY_POLL_S)
    sys.stdout.write(f"Headway is at {settings.server_url} (Ctrl-C ends it)\n")
    sys.stdout.flush()
    if settings.open:
        await asyncio.to_thread(webbrowser.open, settings.server_url)


async def _answers(host: str, port: int) -> bool:
    with contextlib.suppress(OSError):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return (await reader.readline()).startswith(b"HTTP/1.1 ")
        finally:
            writer.close()
    return False
