"""Keeps a feed going: one attempt after the other, over the best transport that works, without a hole.

A successor begins beside the attempt in use and takes over once something comes through it: where a server
asks to move, and where a better transport may work again. Both go on from the same position, so what they
overlap in is taken once.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Self, assert_never

from headway.client.attempt import Again, Attempt, Done, Ending, Feed, Refused, Unfit
from headway.client.http_feed import ending_of
from headway.client.ladder import Ladder, Transport
from headway.errors import HeadwayError

LOOK_S = 0.25  # how late a timer or a successor may be noticed


@dataclass(frozen=True, slots=True)
class Observers:
    """Who is told, on the feed's loop: of a cut with the wait after it, and of another transport with why."""

    cut: Callable[[str, float], None]
    transport: Callable[[Transport, str], None]


class _Running:
    """An attempt and its task."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.task: asyncio.Task[Ending] = asyncio.create_task(attempt.run())

    @property
    def is_up(self) -> bool:
        return self.attempt.up_at is not None and not self.task.done()

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


class Relay:
    """Fills `feed` until the log ends or the server refuses; both end the feed too. Use it with `async with`.

    Args:
        feed: Gets what the attempts find.
        prepare: What has to be asked before the first attempt; tried again like an attempt.
        begin: Makes an attempt over a transport.
        transports: What may be used, best first.
        observers: Are told of cuts and of changes of the transport.
    """

    def __init__(
        self,
        feed: Feed,
        *,
        prepare: Callable[[], Awaitable[None]],
        begin: Callable[[Transport], Attempt],
        transports: Sequence[Transport],
        observers: Observers,
    ) -> None:
        self._feed = feed
        self._prepare = prepare
        self._begin = begin
        self._ladder = Ladder(transports)
        self._observers = observers
        self._told: Transport = transports[0]
        self._current: _Running | None = None
        self._successor: _Running | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        error: BaseException | None = None
        try:
            await self._get_ready()
            self._current = _Running(self._begin(self._ladder.transport))
            while not await self._step(self._current):
                pass
        except Exception as raised:  # noqa: BLE001 - the viewer gets it, whatever it is
            error = raised
        finally:
            self._feed.finish(error)
            for running in (self._current, self._successor):
                if running is not None:
                    await running.stop()

    async def _get_ready(self) -> None:
        while True:
            try:
                return await self._prepare()
            except HeadwayError as error:
                if isinstance(ending_of(error), Refused):
                    raise
                await self._wait(error.message, self._ladder.lost(random.random(), up_s=None))

    async def _step(self, current: _Running) -> bool:
        """Wait until something changes, and act on it; true at the end."""
        successor = self._successor
        tasks = [each.task for each in (current, successor) if each is not None]
        await asyncio.wait(tasks, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
        if current.is_up:
            self._up(current.attempt.transport)
        if successor is not None and successor.is_up:
            await self._hand_over(current, successor)
        elif successor is not None and successor.task.done():
            self._successor = None
            return self._failed_beside(current, successor.task.result())
        elif current.task.done():
            return await self._after(current.attempt, current.task.result())
        elif successor is None:
            self._look_for_successor(current.attempt)
        return False

    async def _hand_over(self, current: _Running, successor: _Running) -> None:
        self._current, self._successor = successor, None
        await current.stop()
        self._up(successor.attempt.transport)

    def _failed_beside(self, current: _Running, ending: Ending) -> bool:
        """A successor has ended before it could take over; the one in use goes on, whatever the reason."""
        if current.attempt.moves_at is not None:
            current.attempt.moves_at = monotonic() + self._ladder.lost(random.random(), up_s=None)
        else:
            self._ladder.better_failed(monotonic())
        return isinstance(ending, Done)

    def _look_for_successor(self, attempt: Attempt) -> None:
        now = monotonic()
        if attempt.moves_at is not None and now >= attempt.moves_at:
            self._successor = _Running(self._begin(attempt.transport))
        elif (better := self._ladder.better(now)) is not None:
            self._successor = _Running(self._begin(better))

    async def _after(self, attempt: Attempt, ending: Ending) -> bool:
        """What follows the end of the attempt in use: its successor, another try, or another transport."""
        up_s = monotonic() - attempt.up_at if attempt.up_at is not None else None
        match ending:
            case Done():
                return True
            case Refused(error):
                raise error
            case _ if self._successor is not None:
                self._current, self._successor = self._successor, None
                return False
            case Again(reason, reached=True) if self._ladder.broke_early():
                await self._descend(reason)
            case Again(reason, wait_s):
                lost_s = self._ladder.lost(random.random(), up_s=up_s)
                await self._wait(reason, lost_s if wait_s is None else wait_s)
            case Unfit(reason):
                await self._descend(reason)
            case _:
                assert_never(ending)
        self._current = _Running(self._begin(self._ladder.transport))
        return False

    async def _descend(self, reason: str) -> None:
        wait_s = self._ladder.unfit(random.random())
        self._tell(self._ladder.transport, reason)
        if wait_s > 0:
            await self._wait(reason, wait_s)

    async def _wait(self, reason: str, wait_s: float) -> None:
        self._observers.cut(reason, wait_s)
        await asyncio.sleep(wait_s)

    def _up(self, transport: Transport) -> None:
        self._ladder.up(transport, monotonic())
        self._tell(transport, "it works again")

    def _tell(self, transport: Transport, reason: str) -> None:
        if transport != self._told:
            self._told = transport
            self._observers.transport(transport, reason)
