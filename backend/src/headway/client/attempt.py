"""One try to follow a feed over one transport: what it shares with the others, and how it may end."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from headway.client.ladder import Transport
from headway.domain.position import Cursor
from headway.errors import HeadwayError
from headway.protocol.client_effects import Sealed
from headway.protocol.viewer_position import Run, Snapshot, ViewerPosition

MAX_WAITING_NEWS, MAX_WAITING_BYTES = 8_192, 4 << 20  # beyond it nothing more is read

News = Run | Snapshot | Sealed


@dataclass(frozen=True, slots=True)
class Again:
    """Come back, after `wait_s` or in one's own time; `reached` where it opened and nothing came through."""

    reason: str
    wait_s: float | None = None
    reached: bool = False


@dataclass(frozen=True, slots=True)
class Unfit:
    """This transport does not work here."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The server says no, over any transport."""

    error: HeadwayError


@dataclass(frozen=True, slots=True)
class Done:
    """The log has ended, and all of it is here."""


Ending = Again | Unfit | Refused | Done


class Attempt(Protocol):
    """Follows `feed` until it ends; cancelled when another has taken over."""

    transport: Transport
    up_at: float | None  # when the first thing came through
    moves_at: float | None  # when another is to take over, because the server asked for it

    async def run(self) -> Ending: ...


class Feed:
    """What the attempts of one viewer share: where it is, and what it has not taken yet.

    Publishing never waits, so that news of two attempts stay in order; who reads from the network asks for
    `room` first.
    """

    def __init__(self, position: ViewerPosition) -> None:
        self.position = position
        self.on_taken: Callable[[Cursor], None] = lambda cursor: None  # of the attempt that acknowledges
        self._news: deque[News] = deque()
        self._bytes = 0
        self._moved = asyncio.Event()
        self._is_over = False
        self._error: BaseException | None = None
        self._roomy = asyncio.Event()
        self._roomy.set()

    def publish(self, news: News) -> None:
        self._news.append(news)
        self._bytes += _size(news)
        if len(self._news) > MAX_WAITING_NEWS or self._bytes > MAX_WAITING_BYTES:
            self._roomy.clear()
        self._moved.set()

    async def room(self) -> None:
        """Wait until the viewer has taken enough."""
        await self._roomy.wait()

    def finish(self, error: BaseException | None) -> None:
        """Nothing will be published any more, and why where that is a fault."""
        self._is_over, self._error = True, error
        self._moved.set()

    async def next(self) -> News | None:
        """The oldest news; `None` after the last, or the fault that ended the feed."""
        while not self._news:
            if self._error is not None:
                raise self._error
            if self._is_over:
                return None
            self._moved.clear()
            await self._moved.wait()
        news = self._news.popleft()
        self._bytes -= _size(news)
        if len(self._news) <= MAX_WAITING_NEWS // 2 and self._bytes <= MAX_WAITING_BYTES // 2:
            self._roomy.set()
        return news


def _size(news: News) -> int:
    return sum(map(len, news.lines)) if isinstance(news, Run) else 0
