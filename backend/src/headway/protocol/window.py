"""How much a viewer may be sent before it says that it has applied it."""

from collections import deque

from headway.protocol.messages import Limits


class Window:
    """Frames sent and not yet acknowledged, bounded in events and bytes.

    Args:
        frame_events: What a full frame holds; also `frame_bytes`.
    """

    __slots__ = ("_bytes", "_events", "_frame_bytes", "_frame_events", "_limits", "_newest_ack", "_sent")

    def __init__(self, limits: Limits, *, frame_events: int = 1, frame_bytes: int = 1) -> None:
        self._limits = limits
        self._frame_events, self._frame_bytes = frame_events, frame_bytes
        self.clear()

    def clear(self) -> None:
        self._sent: deque[tuple[int, int, int]] = deque()  # (upto, events, bytes)
        self._events = self._bytes = 0
        self._newest_ack = -1

    @property
    def events(self) -> int:
        """Room left, in events."""
        return self._limits.window_events - self._events

    @property
    def bytes(self) -> int:
        """Room left, in bytes; one long line may take it below zero."""
        return self._limits.window_bytes - self._bytes

    @property
    def is_open(self) -> bool:
        """There is room: for a full frame if an ack is due, as a short one would cut what is stored."""
        events, room = self.events, self.bytes
        if events <= 0 or room <= 0:
            return False
        is_short = events < self._frame_events and 2 * self._events >= self._limits.window_events
        return not is_short and not (
            room < self._frame_bytes and 2 * self._bytes >= self._limits.window_bytes
        )

    def sent(self, upto: int, events: int, size: int) -> None:
        self._sent.append((upto, events, size))
        self._events += events
        self._bytes += size

    def admits(self, upto: int, events: int, size: int) -> bool:
        """Count a frame as sent, if there is room for all of it."""
        limits = self._limits
        if self._events + events > limits.window_events or self._bytes + size > limits.window_bytes:
            return False
        self.sent(upto, events, size)
        return True

    def acked(self, seq: int) -> bool:
        """Take back the frames that end at or before `seq`; True if it says more than the acks before it."""
        newest = self._newest_ack
        if self._sent:
            self._newest_ack = max(newest, min(seq, self._sent[-1][0]))
        while self._sent and self._sent[0][0] <= seq:
            _, events, size = self._sent.popleft()
            self._events -= events
            self._bytes -= size
        return self._newest_ack > newest


class TokenBucket:
    """Allows `per_s` a second after a burst; time comes in."""

    __slots__ = ("_at", "_burst", "_left", "_per_s")

    def __init__(self, per_s: float, burst: float, now: float) -> None:
        self._per_s, self._burst, self._left, self._at = per_s, burst, burst, now

    def take(self, now: float) -> bool:
        """Take one; False if none is left."""
        self._left = min(self._burst, self._left + max(0.0, now - self._at) * self._per_s)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
