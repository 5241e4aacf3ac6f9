"""Which transport a feed uses, and when it tries again; pure: time and chance come in as arguments."""

from collections.abc import Sequence
from typing import Literal

Transport = Literal["websocket", "sse", "poll"]
TRANSPORTS: tuple[Transport, ...] = ("websocket", "sse", "poll")  # best first

BACKOFF_FIRST_S, BACKOFF_MAX_S = 0.25, 20.0
STEADY_S = 5.0  # a connection that was up so long counts as a success
EARLY_LOSSES = 2  # in a row, before anything came through: this transport does not work here
BETTER_FIRST_S, BETTER_MAX_S = 60.0, 600.0  # until a better transport is tried again


def backoff_s(tries: int, random_unit: float) -> float:
    """Full jitter: anything up to 0.25 s, 0.5 s, … 20 s after the first, second, … failure in a row."""
    ceiling: float = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** min(tries, 16))
    return random_unit * ceiling


class Ladder:
    """The transports of one feed: down where one does not work, up again when its time has come."""

    def __init__(self, transports: Sequence[Transport] = TRANSPORTS) -> None:
        self._rungs = tuple(transports)
        self._rung = self._candidate = 0
        self._tries = self._early = 0
        self._better_at: float | None = None
        self._better_s = BETTER_FIRST_S

    @property
    def transport(self) -> Transport:
        return self._rungs[self._rung]

    def up(self, transport: Transport, now: float) -> None:
        """Something came through this one: it is the one in use. May be said again and again."""
        rung = self._rungs.index(transport)
        if rung != self._rung:
            self._rung, self._candidate = rung, 0
        self._early = 0
        if self._rung == 0:
            self._better_at, self._better_s = None, BETTER_FIRST_S
        elif self._better_at is None:
            self._better_at = now + self._better_s

    def lost(self, random_unit: float, *, up_s: float | None) -> float:
        """How long to wait after a connection that was up for `up_s`, or never.

        Where not even a lesser transport came up, the transports are not at fault: the best is next.
        """
        if up_s is None:
            self._rung = 0
        elif up_s >= STEADY_S:
            self._tries = 0
        wait_s = backoff_s(self._tries, random_unit)
        self._tries += 1
        return wait_s

    def broke_early(self) -> bool:
        """It opened and ended before anything came through; true if that says that it does not work here."""
        self._early += 1
        return self._early >= EARLY_LOSSES

    def unfit(self, random_unit: float) -> float:
        """Down to the next transport, at once; after the last one begin with the best, after a while."""
        self._early = 0
        if self._rung + 1 < len(self._rungs):
            self._rung += 1
            return 0.0
        return self.lost(random_unit, up_s=None)

    def better(self, now: float) -> Transport | None:
        """The better transport to try beside the one in use, once it is time."""
        if self._better_at is None or now < self._better_at or self._rung == 0:
            return None
        return self._rungs[self._candidate]

    def better_failed(self, now: float) -> None:
        """It still does not work: the next one at once, all of them again after twice as long."""
        self._candidate += 1
        if self._candidate >= self._rung:
            self._candidate = 0
            self._better_s = min(BETTER_MAX_S, 2 * self._better_s)
            self._better_at = now + self._better_s
