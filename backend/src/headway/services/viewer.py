"""One viewer: a cursor, and the outlet it is written to. There is no queue of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from headway.protocol.close_codes import CloseCode
from headway.services.chunk import Chunk, SimplePiece
from headway.services.tail import Tail


class Writer(Protocol):
    """Whoever writes to an outlet, and is told how that goes."""

    def pause(self) -> None:
        """The outlet takes no more."""
        ...

    def resume(self) -> None:
        """The outlet takes frames again."""
        ...

    def lost(self) -> None:
        """The connection is gone or going: nothing can be written any more."""
        ...


class Outlet(Protocol):
    """Where a connection's frames go; used on the event loop only."""

    def report_to(self, writer: Writer) -> None:
        """Tell this one of pauses from now on."""
        ...

    @property
    def is_paused(self) -> bool:
        """True while the peer takes no more; nothing is written then."""
        ...

    @property
    def write(self) -> Callable[[bytes], None]:
        """Takes whole frames, never blocks, and may pause the outlet before it returns."""
        ...

    def pending_bytes(self) -> int:
        """What the peer has not taken yet, as far as is known here; a smaller figure means progress."""
        ...

    def close(self, code: CloseCode, reason: str) -> None:
        """Send a close frame and end the connection."""
        ...

    def abort(self) -> None:
        """End the connection now, without a word."""
        ...


class Guide(Protocol):
    """What a viewer leaves to the fan-out."""

    def fetch(self, viewer: "Viewer", tail: Tail, after: int) -> None:
        """Read from the store what has left the ring, and hand it to `Viewer.take`."""
        ...

    def move_on(self, viewer: "Viewer", tail: Tail) -> None:
        """The viewer has seen the end of its execution and wants the next one."""
        ...

    def paused(self, viewer: "Viewer") -> None: ...

    def resumed(self, viewer: "Viewer") -> None: ...

    def detach(self, viewer: "Viewer") -> None: ...


@dataclass(frozen=True, slots=True)
class PlainForm:
    """Simple-mode frames; all viewers take the same."""

    def frame_of(self, run: Chunk) -> bytes:
        return run.frames


PLAIN = PlainForm()


class Viewer:
    """Carries one connection along a tail, at the pace of its peer.

    At the head the tail writes to it directly. Whenever its outlet pauses it leaves the head, and when the
    outlet resumes it goes on from its cursor, through the ring or the store, until it is at the head again.

    Args:
        outlet: Where its frames go.
        guide: Reads for it and finds it the next execution.
        moves_on: After a terminal event it follows the workflow's next execution.
        beat_s: It wants to hear something after this many seconds of silence.
        now: Monotonic seconds.
    """

    __slots__ = ("_cursor", "_fetching", "_guide", "_tail", "beat_s", "moves_on", "outlet", "spoken_at")

    def __init__(
        self, outlet: Outlet, guide: Guide, *, moves_on: bool, beat_s: int | None, now: float
    ) -> None:
        self.outlet = outlet
        self.moves_on = moves_on
        self.beat_s = beat_s
        self.spoken_at = now
        self._guide = guide
        self._tail: Tail | None = None
        self._cursor = 0
        self._fetching = False

    @property
    def cursor(self) -> int:
        """Seq of the last event it has been given while it was not at the head."""
        return self._cursor

    @property
    def tail(self) -> Tail | None:
        """What it follows now; `None` while it waits for an execution."""
        return self._tail

    def follow(self, tail: Tail, after: int) -> None:
        """Go on with this execution, with the events after seq `after`."""
        self._tail, self._cursor, self._fetching = tail, after, False
        tail.join(self)
        self.advance()

    def leave(self) -> Tail | None:
        """Follow nothing; returns the tail if nobody is left on it."""
        tail, self._tail = self._tail, None
        return tail if tail is not None and tail.leave(self) else None

    def say(self, frames: bytes, now: float) -> None:
        """Write frames that are no events of the log."""
        self.spoken_at = now
        if not self.outlet.is_paused:
            self.outlet.write(frames)

    def is_silent(self, now: float) -> bool:
        """True if its beat is due: it has everything, and has heard nothing for `beat_s`."""
        if self.beat_s is None or self.outlet.is_paused:
            return False
        heard_at = self.spoken_at
        if self._tail is not None:
            if not self._tail.is_at_head(self):
                return False
            heard_at = max(heard_at, self._tail.published_at)
        return now - heard_at >= self.beat_s

    def advance(self) -> None:
        """Write what follows the cursor until the outlet pauses, something must be fetched, or the head."""
        tail = self._tail
        if tail is None or self._fetching:
            return
        self._leave_head(tail)
        while not self.outlet.is_paused:
            if self._cursor == tail.head:
                if tail.is_closed and self.moves_on:
                    self._guide.move_on(self, tail)
                else:
                    tail.join_head(self)
                return
            if self._cursor > tail.head:
                tail.await_head(self)
                return
            piece = tail.piece_after(self._cursor)
            if piece is None:
                self._fetching = True
                self._guide.fetch(self, tail, self._cursor)
                return
            self._write(piece)

    def given(self, chunk: Chunk) -> None:
        """Its turn at the head."""
        self.outlet.write(chunk.frames)
        if chunk.closes:
            self.advance()
        elif self._tail is not None and not self.outlet.is_paused:
            self._tail.enlist(self, PLAIN, self.outlet.write)

    def missed(self, upto: int) -> None:
        """The tail is there, with more than it could give."""
        self.advance()

    def take(self, tail: Tail, piece: SimplePiece) -> None:
        """What was fetched has come; it is dropped if the viewer has left that tail meanwhile."""
        if tail is not self._tail or not self._fetching or piece.after != self._cursor:
            return
        self._fetching = False
        self._write(piece)
        self.advance()

    def pause(self) -> None:
        """The outlet takes no more."""
        if self._tail is not None:
            self._leave_head(self._tail)
        self._guide.paused(self)

    def resume(self) -> None:
        """The outlet takes frames again."""
        self._guide.resumed(self)
        self.advance()

    def lost(self) -> None:
        """The connection is gone or going: nothing can be written any more."""
        self._guide.detach(self)

    def end(self, code: CloseCode, reason: str) -> None:
        """Close the connection."""
        self.outlet.close(code, reason)

    def _leave_head(self, tail: Tail) -> None:
        seq = tail.leave_head(self)
        if seq is not None:
            self._cursor = seq

    def _write(self, piece: SimplePiece) -> None:
        self._cursor = piece.upto
        self.outlet.write(piece.frames)
