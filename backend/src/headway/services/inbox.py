"""What emitters leave for the recorder: bounded, and woken for once a batch; knows no journal.

Emitters are on any thread and must not wait, so they only append to a deque. The recorder's thread is woken
by the first event after it fell idle, by a full batch, and by anybody who waits for an answer; else it looks
by itself when its window is over.
"""

import contextlib
import threading
from asyncio import Future
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, final

from headway.domain.events import EventData, Log, StepProgressed, Totals

if TYPE_CHECKING:
    from headway.services.lane import Lane

BATCH_EVENTS = 256  # wakes the recorder before its window is over
TAKE_EVENTS = 1_024  # at most so many go into one transaction
TAKE_CHARS = 1 << 20
MAX_EVENTS = 100_000  # beyond it, what may be dropped is, oldest first
MAX_CHARS = 32 << 20  # of log messages


@final
class Latest:
    """Progress of one step that nothing has followed yet: newer figures take its place in the inbox."""

    __slots__ = ("data",)

    def __init__(self, data: StepProgressed) -> None:
        self.data = data


@dataclass(slots=True, frozen=True)
class Seal:
    """The terminal event to be: built when everything before it has its seq."""

    build: Callable[[Totals], EventData]


Entry = EventData | Latest | Seal
Item = tuple[int, "Lane", Entry, "Future[None] | None"]  # unix ns, where to, what, who waits


@dataclass(slots=True)
class Dropped:
    """What a lane had to give up since its last flush."""

    logs: int = 0
    progress: int = 0


class Inbox:
    """Any thread puts, one thread waits and takes."""

    def __init__(
        self, now_ns: Callable[[], int], *, max_events: int = MAX_EVENTS, max_chars: int = MAX_CHARS
    ) -> None:
        self._now_ns = now_ns
        self._max_events, self._max_chars = max_events, max_chars
        self._crowd = min(BATCH_EVENTS, max_events)
        self._items: deque[Item] = deque()
        self._kept: list[Item] = []  # taken out of `_items` to make room, older than all of it
        self._dropped: dict[Lane, Dropped] = {}
        self._chars = 0  # of log messages; threads may race on it, so it starts anew when the inbox is empty
        self._room = threading.Lock()  # between an emitter that makes room and the recorder that takes
        self._wakes: SimpleQueue[None] = SimpleQueue()
        self._idle = False
        self._gathering = False
        self._urgent = False

    def put(self, lane: "Lane", entry: Entry) -> None:
        """Leave an event; never blocks, never raises."""
        items = self._items
        items.append((self._now_ns(), lane, entry, None))
        if type(entry) is Log:
            self._chars += _chars(entry)
        if self._idle:
            self._idle = False
            self._wakes.put(None)
        elif len(items) >= self._crowd:
            self._crowded()

    @property
    def is_crowded(self) -> bool:
        """True from a quarter full on: who can wait without holding up a workflow then does."""
        return len(self._items) * 4 > self._max_events or self._chars * 4 > self._max_chars

    def put_waiting(self, lane: "Lane", entry: Entry, waiter: "Future[None]") -> None:
        """Leave an event that somebody waits for: it is stored at once, with all before it."""
        self._items.append((self._now_ns(), lane, entry, waiter))
        self.urge()

    def urge(self) -> None:
        """Let the recorder look now."""
        if not self._urgent:
            self._urgent = True
            self._wakes.put(None)

    def wait(self, window_s: float, idle_s: float) -> None:
        """Let events gather for `window_s`, then wait up to `idle_s` for a first one.

        Only who waits for an answer, or fills a batch, ends the window early.
        """
        if window_s > 0:
            self._gathering = True
            if not self._urgent and len(self._items) < self._crowd:
                self._sleep(window_s)
            self._gathering = False
        self._idle = True
        if not self._items and not self._urgent:
            self._sleep(idle_s)
        self._idle = False

    def take(self) -> tuple[list[Item], dict["Lane", Dropped]]:
        """The oldest events, as many as make one transaction, and what was given up before them."""
        while not self._wakes.empty():
            self._wakes.get_nowait()
        self._urgent = False  # before the items: who puts from now on wakes us again
        with self._room:
            taken, self._kept = self._kept, []
            dropped, self._dropped = self._dropped, {}
            chars = 0
            items = self._items
            while items and len(taken) < TAKE_EVENTS and chars < TAKE_CHARS:
                item = items.popleft()
                taken.append(item)
                if type(item[2]) is Log:
                    chars += _chars(item[2])
            self._chars = max(0, self._chars - chars) if items else 0
        return taken, dropped

    @property
    def turns(self) -> int:
        """How often to take until everything that is here now is taken."""
        return -(-(len(self._items) + len(self._kept)) // TAKE_EVENTS)

    def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(Empty):
            self._wakes.get(timeout=max(0.0, seconds))

    def _crowded(self) -> None:
        if self._gathering:
            self._gathering = False
            self._wakes.put(None)
        if len(self._items) > self._max_events or self._chars > self._max_chars:
            self._make_room()

    def _make_room(self) -> None:
        with self._room:
            items = self._items
            while items and (len(items) > self._max_events or self._chars > self._max_chars):
                item = items.popleft()
                _, lane, entry, _ = item
                if type(entry) is Log:
                    self._chars -= _chars(entry)
                    self._dropped.setdefault(lane, Dropped()).logs += 1
                elif type(entry) is Latest:
                    lane.forget_latest(entry)
                    self._dropped.setdefault(lane, Dropped()).progress += 1
                else:
                    self._kept.append(item)


def _chars(log: Log) -> int:
    return len(log.message) if type(log.message) is str else 0  # users may hand over anything
