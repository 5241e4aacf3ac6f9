"""A uvicorn server that lets its viewers go before it stops."""

import asyncio
import logging
from types import FrameType

import uvicorn
from typing_extensions import override

from headway.services.feed import Feed

_log = logging.getLogger(__name__)


class DrainingServer(uvicorn.Server):
    """The first signal drains, then uvicorn's own shutdown follows; a second one does not wait for that.

    Args:
        config: See `server_config`.
        feed: Whose viewers are asked to move.
        drain_s: How long that may take.
    """

    def __init__(self, config: uvicorn.Config, feed: Feed, *, drain_s: float) -> None:
        super().__init__(config)
        self._feed = feed
        self._drain_s = drain_s
        self._draining: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @override
    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        await super().main_loop()

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called by a signal, between any two instructions of the main thread."""
        if self._loop is None or self._feed.is_draining:
            super().handle_exit(sig, frame)
        else:
            self._feed.is_draining = True
            self._loop.call_soon_threadsafe(self._begin, sig)

    def _begin(self, sig: int) -> None:
        self._draining = asyncio.ensure_future(self._drain(sig))

    async def _drain(self, sig: int) -> None:
        try:
            if self._feed.viewers:
                _log.info("%d viewers are asked to move", self._feed.viewers)
                await self._feed.drain(self._drain_s)
        finally:
            super().handle_exit(sig, None)
