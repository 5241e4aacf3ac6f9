"""One subscription of a rich connection: where it is, what it waits for, how much may be under way.

```
opening ──found──▶ loading ──snapshot_read──▶ idle ◀──────────────┐
   ▲  └──resumed──────────────────────────────▶ │ more, room      │ written
   │                                            ▼                 │
   └── continuity broken ─────────────────── reading ──events──▶ writing ──seal──▶ ended
```
`idle` without room is `paused` until an ack. A workflow that has never run leaves it `waiting`, and from
`ended` a subscription to a workflow goes on to the next execution, from its start. Every read is a question
to the shell, one at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from headway.domain.position import Cursor
from headway.protocol.codec import snapshot_parts
from headway.protocol.effects import (
    Effect,
    Follow,
    Found,
    Offer,
    Piece,
    ReadEvents,
    ReadSnapshot,
    Room,
    Send,
    SendEvents,
)
from headway.protocol.messages import Ev, Limits, Result, Sub, SubOk, Why
from headway.protocol.resume import LogHead, Reset, Resumed, agrees_with, decide
from headway.protocol.window import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """How much one frame holds, and from how far behind on events may be left out in mode `state`."""

    frame_events: int = 256
    frame_bytes: int = 65_536
    conflated_events: int = 4_096  # most that one conflated frame covers


class Stage(Enum):
    OPENING = auto()
    WAITING = auto()
    LOADING = auto()
    IDLE = auto()
    READING = auto()
    WRITING = auto()
    PAUSED = auto()
    ENDED = auto()


def continues(piece: Piece, cursor: Cursor) -> bool:
    """The piece starts exactly where the viewer is, in the same history."""
    return piece.after == cursor.seq and piece.tag_before == cursor.tag and piece.epoch == cursor.epoch


def header_of(x: str, piece: Piece) -> Ev:
    """What is said of a run to whoever follows `x`."""
    return Ev(
        x=x,
        after=piece.after,
        upto=piece.upto,
        cur=str(piece.cursor),
        n=piece.count,
        cf=piece.left_out,
        eos=piece.seal if piece.is_end else None,
    )


def header_of_offer(x: str, offer: Offer) -> Ev:
    """The same, of a run that is offered."""
    return Ev(x=x, after=offer.before.seq, upto=offer.upto, cur=str(offer.behind), n=offer.count)


class Subscription:
    """Turns answers of the shell into what the viewer is sent; holds no event."""

    def __init__(
        self, number: int, request: Sub, cursor: Cursor | None, *, limits: Limits, pacing: Pacing
    ) -> None:
        self.number, self.x, self.mode, self.tail = number, request.x, request.mode, request.tail
        self._pacing = pacing
        self.stage = Stage.OPENING
        self.stalled_since: float | None = None
        self.cursor = cursor
        self.execution_id = request.execution_id
        self._known_seq = 0  # the log reaches at least here
        self._hinted_seq = 0  # hints since the last read was asked for
        self._closed = False  # so the last head said
        self._sealed = False  # the last frame carried the seal
        self._from_start = False
        self._window = Window(limits, frame_events=pacing.frame_events, frame_bytes=pacing.frame_bytes)

    def open(self) -> list[Effect]:
        """Ask what to follow, and whether the log still holds what the viewer has."""
        self.stage, self._sealed = Stage.OPENING, False
        return [Follow(number=self.number, x=self.x, execution_id=self.execution_id, cursor=self.cursor)]

    def found(self, found: Found | None) -> list[Effect]:
        """What `x` names now; `None` while there is nothing, and again once there is."""
        if found is None:
            return self._wait()
        if not self._accepts(found):
            return []
        head, self.execution_id = found.head, found.execution_id
        self._know(head)
        decision = decide(self.cursor, head, tag=found.tag, mode=self.mode)
        if isinstance(decision, Resumed):
            self.stage = Stage.IDLE
            answer = self._answer(head, "resumed", cur=str(self.cursor))
            return [Send(answer), *self.advance()]
        self.stage = Stage.LOADING
        if isinstance(decision, Reset):
            answer = self._answer(head, "reset", why=decision.why)
        else:
            answer = self._answer(head, "snapshot")
        start = self._from_start and head.trimmed_upto == 0
        self._from_start = False
        upto, tail = (0, 0) if start else (head.last_seq, self.tail)
        return [Send(answer), ReadSnapshot(self.number, found.execution_id, upto, tail)]

    def snapshot_read(self, cursor: Cursor, state: bytes, logs: list[bytes]) -> list[Effect]:
        """State as JSON at `cursor`, and stored lines of the last log events before it."""
        if self.stage is not Stage.LOADING:
            return []
        self.cursor, self.stage = cursor, Stage.IDLE
        self._window.clear()
        parts = snapshot_parts(self.x, cursor, state, logs)
        return [*(Send(part) for part in parts), *self.advance()]

    def events_read(self, piece: Piece, now: float) -> list[Effect]:
        """The run of events after the cursor; where it does not continue from there, look again."""
        if self.stage is not Stage.READING or self.cursor is None:
            return []
        if not continues(piece, self.cursor):
            return self.open()
        self._know(piece.head)
        self._known_seq = max(piece.head.last_seq, self._hinted_seq)
        if piece.upto == piece.after and not piece.is_end:
            self.stage = Stage.IDLE
            return []
        self._window.sent(piece.upto, piece.count, len(piece.lines))
        self.cursor, self.stage, self.stalled_since = piece.cursor, Stage.WRITING, now
        self._sealed = piece.is_end
        return [SendEvents(self.number, header_of(self.x, piece), piece.lines)]

    def offered(self, offer: Offer) -> bool:
        """Take the newest run at once, where asking for it would come to the same; the shell writes it."""
        if self.stage is not Stage.IDLE or self.cursor != offer.before or offer.closes:
            return False
        upto = offer.behind.seq
        if upto < self._known_seq or not self._window.admits(upto, offer.count, offer.size):
            return False
        self.cursor, self._known_seq = offer.behind, upto
        return True

    @property
    def room(self) -> Room | None:
        """For runs that would be taken if they were offered, one after the other."""
        if self.stage is not Stage.IDLE or self.cursor is None or self.cursor.seq < self._known_seq:
            return None
        return Room(self.cursor, self._window.events, self._window.bytes)

    def settled(self, offers: Sequence[Offer]) -> None:
        """They have been taken: the same as if each had been offered."""
        for offer in offers:
            self._window.sent(offer.behind.seq, offer.count, offer.size)
            self.cursor, self._known_seq = offer.behind, offer.behind.seq

    def held_up(self, now: float) -> None:
        """What was offered and taken is being written since then."""
        self.stage, self.stalled_since = Stage.WRITING, now

    def written(self, *, follows_on: bool) -> list[Effect]:
        """The last frame is out; `follows_on` to the next execution after the end."""
        if self.stage is not Stage.WRITING or self.cursor is None:
            return []
        self.stalled_since = None
        if self._sealed:
            self.stage = Stage.ENDED
            return [Follow(number=self.number, x=self.x, after=self.execution_id)] if follows_on else []
        self.stage = Stage.IDLE
        return self.advance()

    def acked(self, seq: int) -> tuple[bool, list[Effect]]:
        """Whether the ack took anything back, and what that lets go on."""
        moved = self._window.acked(seq)
        if self.stage is Stage.PAUSED and self._window.is_open:
            self.stage = Stage.IDLE
        return moved, self.advance()

    def grew(self, last_seq: int) -> list[Effect]:
        """A hint, perhaps an old one."""
        self._known_seq = max(self._known_seq, last_seq)
        self._hinted_seq = max(self._hinted_seq, last_seq)
        return self.advance()

    def checked(self, head: LogHead, asked_at: int) -> list[Effect]:
        """A head read afresh: what it contradicts is looked at again.

        Args:
            head: Of the log.
            asked_at: Where the viewer was, at least, when it was asked for: a shorter log is no news else.
        """
        if not self._is_settled or self.cursor is None:
            return []
        if head.epoch == self.cursor.epoch and asked_at <= head.last_seq < self.cursor.seq:
            return []  # it has been sent more meanwhile
        reopened = self.stage is Stage.ENDED and (not head.closed or head.last_seq > self.cursor.seq)
        if reopened or not agrees_with(self.cursor, head):
            return self.open()
        self._know(head)
        return self.advance()

    def gone(self) -> list[Effect]:
        """The log is not there any more. Who has all that was asked for is not told; others look again."""
        has_all = self.stage is Stage.ENDED and self.x == self.execution_id
        return self.open() if self._is_settled and not has_all else []

    def advance(self) -> list[Effect]:
        """Ask for the next events, if there are any and there is room for them."""
        if self.stage is not Stage.IDLE or self.cursor is None or self.execution_id is None:
            return []
        behind = self._known_seq - self.cursor.seq
        if behind <= 0 and not self._closed:
            return []
        if not self._window.is_open:
            self.stage = Stage.PAUSED
            return []
        self.stage, self._hinted_seq = Stage.READING, 0
        pacing = self._pacing
        conflate = self.mode == "state" and behind > pacing.frame_events
        most = pacing.conflated_events if conflate else pacing.frame_events
        return [
            ReadEvents(
                number=self.number,
                execution_id=self.execution_id,
                after=self.cursor.seq,
                max_events=min(most, self._window.events),
                max_bytes=min(pacing.frame_bytes, self._window.bytes),
                conflate=conflate,
                tail=self.tail,
            )
        ]

    @property
    def _is_settled(self) -> bool:
        """No question of its own is open."""
        return self.stage in (Stage.IDLE, Stage.PAUSED, Stage.ENDED)

    def _accepts(self, found: Found) -> bool:
        """A successor once this execution has ended; before, what was asked for."""
        if self.stage is Stage.ENDED and found.execution_id != self.execution_id:
            self.cursor, self._from_start, self._sealed = None, True, False
            return True
        wanted = self.stage in (Stage.OPENING, Stage.WAITING)
        return wanted and self.execution_id in (None, found.execution_id)

    def _wait(self) -> list[Effect]:
        """A viewer that is there before the start sees all of it."""
        if self.stage is not Stage.OPENING or self.execution_id is not None:
            return []
        self.stage, self._from_start = Stage.WAITING, True
        return [Send(SubOk(x=self.x, result="waiting"))]

    def _know(self, head: LogHead) -> None:
        self._known_seq, self._closed = head.last_seq, head.closed

    def _answer(
        self, head: LogHead, result: Result, *, why: Why | None = None, cur: str | None = None
    ) -> SubOk:
        return SubOk(
            x=self.x, result=result, why=why, execution_id=self.execution_id, head=head.last_seq, cur=cur
        )
