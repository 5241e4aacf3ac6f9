"""What a client's side of a rich connection asks its shell to do; the counterpart of `effects`."""

from dataclasses import dataclass

from headway.domain.events import Totals
from headway.errors import HeadwayError
from headway.protocol import messages as m
from headway.protocol.viewer_position import Run, Snapshot


@dataclass(frozen=True, slots=True)
class Say:
    """Send the message."""

    message: m.AnyClientMessage


@dataclass(frozen=True, slots=True)
class Tell:
    """Give the viewer what is new, in this order."""

    news: Run | Snapshot


@dataclass(frozen=True, slots=True)
class Sealed:
    """The log is closed and the viewer has all of it."""

    totals: Totals


@dataclass(frozen=True, slots=True)
class Up:
    """The subscription is answered: another connection of the same viewer may end now."""


@dataclass(frozen=True, slots=True)
class Move:
    """Open another connection within these seconds from now; this one goes on until that is up."""

    earliest_s: float
    latest_s: float


@dataclass(frozen=True, slots=True)
class Drop:
    """End the connection and come back: after `wait_s`, or in its own time."""

    reason: str
    wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """End the connection and do not come back; the viewer is told why."""

    error: HeadwayError


ClientEffect = Say | Tell | Sealed | Up | Move | Drop | Stop
