"""A uvicorn server that lets its viewers go before it stops."""

import asyncio
import logging
import math
from collections.abc import Callable
from types import FrameType
from typing import Protocol

import uvicorn
from typing_extensions import override

from headway.services.feed import Feed

RELIEVED_SLOT_S = 5.0  # in which a viewer moves to the successor: nobody waits for this server's end

_log = logging.getLogger(__name__)


class Succession(Protocol):
    """Whoever finds a server the one that takes over from it on the same socket."""

    def serves(self) -> None:
        """Connections are answered from now on."""
        ...

    async def leave(self, stop_accepting: Callable[[], None]) -> bool:
        """Leave new connections to the successor; true once it serves, false where there will be none."""
        ...


class DrainingServer(uvicorn.Server):
    """The first signal drains, then uvicorn's own shutdown follows; a second one does not wait for that.

    Args:
        config: See `server_config`.
        feed: Whose viewers are asked to move.
        drain_s: How long that may take, where no successor serves.
        succession: Finds them another server here; without one they have to know of another.
    """

    def __init__(
        self, config: uvicorn.Config, feed: Feed, *, drain_s: float, succession: Succession | None = None
    ) -> None:
        super().__init__(config)
        self._feed = feed
        self._drain_s = drain_s
        self._succession = succession
        self._draining: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @override
    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        if self._succession is not None:
            self._succession.serves()
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
            is_relieved = self._succession is not None and await self._succession.leave(self._stop_accepting)
            if self._feed.viewers:
                _log.info("%d viewers are asked to move", self._feed.viewers)
                if is_relieved:
                    await self._feed.drain(math.inf, slot_s=RELIEVED_SLOT_S)
                else:
                    await self._feed.drain(self._drain_s)
        finally:
            super().handle_exit(sig, None)

    def _stop_accepting(self) -> None:
        """Who connects from now on waits at the socket for the successor."""
        for server in self.servers:
            server.close()
