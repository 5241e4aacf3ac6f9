"""Rich mode in one process: makes its connections, gives them time, and lets them go when the server ends."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Self

from headway.errors import ServerDraining, TooManyConnections
from headway.ports import Clock, HintBus, Journal
from headway.protocol.session import Session, SessionOptions
from headway.services.feed_viewer import FeedViewer, Surroundings
from headway.services.lobby import Lobby
from headway.services.shared_reads import SharedReads
from headway.services.tails import Tails, Tasks
from headway.services.viewer import Outlet

TICK_S = 1.0
TICKED_AT_ONCE = 50
MAX_VIEWERS = 20_000
GOLDEN = 0.6180339887498949  # the parts of its multiples behind the point are spread evenly, however many
DRAINED_PER_S = 500  # so many are asked to move in each second of a drain
SLOT_S = 2.0  # in which one of them moves, where the server's end is waited for


class Feed:
    """Every rich connection of this process; use it as an asynchronous context manager.

    Args:
        journal: Read in the threads of `tails`.
        hints: Say which rows of the list changed.
        tails: Shared with simple mode; open for longer than this.
        clock: Time.
        node: Names this process in the names of its connections.
        options: Of each session.
        max_viewers: Further connections are refused.
        tick_s: Between two looks at what is due.
    """

    def __init__(
        self,
        journal: Journal,
        hints: HintBus,
        tails: Tails,
        clock: Clock,
        *,
        node: str,
        options: SessionOptions | None = None,
        max_viewers: int = MAX_VIEWERS,
        tick_s: float = TICK_S,
    ) -> None:
        self._clock = clock
        self._node = node
        self._options = options or SessionOptions()
        self._max_viewers = max_viewers
        self._tick_s = tick_s
        self._tasks = Tasks()
        self._around = Surroundings(
            tails=tails,
            reads=SharedReads(journal, tails, clock),
            lobby=Lobby(journal, hints, tails, clock),
            clock=clock,
            tasks=self._tasks,
        )
        self._numbers = count(1)
        self._viewers: dict[FeedViewer, None] = {}  # in the order in which they came
        self._emptied = asyncio.Event()
        self.is_draining = False

    async def __aenter__(self) -> Self:
        self._tasks.spawn(self._tick_for_ever())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._around.lobby.end()
        await self._tasks.end()

    @property
    def viewers(self) -> int:
        """How many connections there are."""
        return len(self._viewers)

    def check_room(self) -> None:
        """Before a connection is accepted.

        Raises:
            ServerDraining: This server is about to end.
            TooManyConnections: It has as many as it may.
        """
        if self.is_draining:
            raise ServerDraining
        if len(self._viewers) >= self._max_viewers:
            raise TooManyConnections(f"this server already has {self._max_viewers:,} viewers; try later")

    def attach(self, outlet: Outlet, *, knows: Callable[[str | None], bool], deflated: bool) -> FeedViewer:
        """Begin a session on `outlet`. The caller tells the viewer of what comes in, and when it is `lost`.

        Args:
            outlet: Of an accepted connection.
            knows: Whether a token (or, without one, the handshake) is good.
            deflated: The client takes `ev` frames compressed.
        """
        number, now = next(self._numbers), self._clock.monotonic()
        session = Session(f"{self._node}-{number}", now, self._options, phase=number * GOLDEN % 1)
        viewer = FeedViewer(session, outlet, self._around, knows=knows, deflated=deflated, gone=self._forget)
        self._viewers[viewer] = None
        self._emptied.clear()
        outlet.report_to(viewer)
        return viewer

    async def drain(self, within_s: float, *, slot_s: float = SLOT_S) -> None:
        """Ask every viewer to move, each in its own slot; return when all are gone or `within_s` is over.

        Those that stay are closed at the end of their slot, those whose slot would end after `within_s` at
        that time; both are told to spread their return.

        Args:
            within_s: Of which the last slot may be a part; infinite where nobody waits for the end.
            slot_s: In which one of them moves.
        """
        self.is_draining = True
        leaving = list(self._viewers)
        spread_s = max(0, len(leaving) - 1) / DRAINED_PER_S
        slot_s = min(slot_s, max(within_s / 2, within_s - spread_s))
        last_s = min(spread_s, within_s - slot_s)  # at which a slot begins
        asked = [viewer for place, viewer in enumerate(leaving) if place / DRAINED_PER_S < last_s + 1e-6]
        back_s = max(1.0, spread_s)
        for place, viewer in enumerate(asked):
            earliest_s = place / DRAINED_PER_S
            viewer.drain(
                earliest_s=round(earliest_s, 3),
                latest_s=round(earliest_s + slot_s, 3),
                retry_ms=round(1_000 * back_s * place / len(leaving)),
            )
        if self._viewers:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._emptied.wait(), last_s + slot_s + 2 * self._tick_s)
        for place, viewer in enumerate(leaving[len(asked) :]):
            viewer.dismiss(round(1_000 * place / DRAINED_PER_S))
            if place % TICKED_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _forget(self, viewer: FeedViewer) -> None:
        self._viewers.pop(viewer, None)
        if not self._viewers:
            self._emptied.set()

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._tick_s)
            for number, viewer in enumerate(list(self._viewers), 1):
                viewer.tick()
                if number % TICKED_AT_ONCE == 0 or viewer not in self._viewers:
                    await asyncio.sleep(0)  # ending one costs as much as many events: others go on between
