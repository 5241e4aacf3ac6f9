"""A viewer of the rich protocol as plain rules, for tests: what any client must do, and no more.

Each check is a function of its own, so that a test can take it away and see what then breaks.
"""

from dataclasses import dataclass, field

import msgspec
from msgspec import UNSET

from headway.domain.events import Totals, decode_line
from headway.domain.execution import State
from headway.domain.position import Cursor, chain
from headway.protocol import messages as m
from headway.protocol.codec import decode_server, lines_of
from headway.protocol.conflation import absorb

_decode_state = msgspec.json.Decoder(State).decode


def is_duplicate(header: m.Ev, cursor: Cursor) -> bool:
    return header.upto <= cursor.seq


def follows(header: m.Ev, cursor: Cursor) -> bool:
    return header.after == cursor.seq


def is_same_chain(header: m.Ev, body: bytes, cursor: Cursor) -> bool:
    """What was received is what the server's tag says; a conflated frame cannot be checked."""
    sent = Cursor.parse(header.cur)
    if sent.epoch != cursor.epoch:
        return False
    return header.cf is not None or chain(cursor.tag, body) == sent.tag


@dataclass(slots=True)
class View:
    """What the viewer has: `lines` are those applied after the snapshot at `base`."""

    cursor: Cursor | None = None
    execution_id: str | None = None
    state: State | None = None
    base: int = 0
    lines: list[bytes] = field(default_factory=list)
    conflated: bool = False

    @property
    def sealed(self) -> Totals | None:
        """The end is read from the log, so it cannot get lost with a frame."""
        return self.state.totals if self.state is not None else None

    def copy(self) -> "View":
        """What a page keeps over a reload."""
        return View(
            self.cursor,
            self.execution_id,
            self.state.copy() if self.state is not None else None,
            self.base,
            list(self.lines),
            self.conflated,
        )


class ViewerModel:
    """One subscription of a client, over any number of connections."""

    def __init__(self, x: str, mode: m.Mode = "full", *, tail: int = 5) -> None:
        self.x, self.mode, self.tail = x, mode, tail
        self.view = View()
        self.told: list[str] = []  # results and reasons, oldest first
        self._snap: list[m.Snap] = []
        self._awaits_snap = False
        self._behind_at: str | None = None  # at the last ping

    def connected(self) -> list[m.AnyClientMessage]:
        """What it says first on a new connection."""
        self._awaits_snap, self._snap, self._behind_at = False, [], None
        return [m.Hello(client="model"), self._sub()]

    def receive(self, frame: bytes) -> list[m.AnyClientMessage]:
        """Apply a frame by the rules; the answer goes back on the same connection."""
        message, body = decode_server(frame)
        match message:
            case m.SubOk(x=self.x):
                return self._answered(message)
            case m.Snap(x=self.x):
                return self._snapshot(message)
            case m.Ev(x=self.x):
                return self._events(message, body)
            case m.Ping():
                return [m.Pong(n=message.n), *self._check(message.heads.get(self.x))]
            case m.Err(x=self.x):
                self.told.append(message.code)
                return []
            case _:
                return []

    def _answered(self, answer: m.SubOk) -> list[m.AnyClientMessage]:
        self.told.append(answer.why or answer.result)
        self._awaits_snap = answer.result in ("snapshot", "reset")
        self._snap = []
        return []

    def _snapshot(self, part: m.Snap) -> list[m.AnyClientMessage]:
        self._snap = [part] if part.part == 1 else [*self._snap, part]
        first = self._snap[0]
        if len(self._snap) < part.parts or first.state is UNSET or first.cur != part.cur:
            return []
        cursor, state = Cursor.parse(part.cur), _decode_state(bytes(first.state))
        self.view = View(cursor, state.execution_id, state, cursor.seq)
        self._awaits_snap = False
        return []

    def _events(self, header: m.Ev, body: bytes) -> list[m.AnyClientMessage]:
        cursor = self.view.cursor
        if cursor is None or self._awaits_snap:
            return []
        if header.after < header.upto and not is_duplicate(header, cursor):
            if not follows(header, cursor) or not is_same_chain(header, body, cursor):
                return [self._sub()]
            self._apply(header, body)
        if header.eos is not None and str(self.view.cursor) == header.cur:
            assert header.eos == self.view.sealed
        return [m.Ack(x=self.x, seq=header.upto)]

    def _apply(self, header: m.Ev, body: bytes) -> None:
        view = self.view
        assert view.state is not None
        if header.cf is not None:
            absorb(view.state, header.cf)
            view.conflated = True
        for line in lines_of(body):
            view.state.apply(decode_line(line))
            view.lines.append(line)
        view.cursor = Cursor.parse(header.cur)

    def _check(self, head: str | None) -> list[m.AnyClientMessage]:
        """Beside the head, or for two pings behind it or without the snapshot: subscribe again."""
        if head is None:
            return []
        at, cursor = Cursor.parse(head), self.view.cursor
        lacks_snap = cursor is None or self._awaits_snap
        beside = not lacks_snap and (
            at.epoch != cursor.epoch or (at.seq == cursor.seq and at.tag != cursor.tag)
        )
        behind = "without a snapshot" if lacks_snap else str(cursor) if at.seq > cursor.seq else None
        stuck, self._behind_at = behind is not None and behind == self._behind_at, behind
        return [self._sub()] if beside or stuck else []

    def _sub(self) -> m.Sub:
        cursor = str(self.view.cursor) if self.view.cursor is not None else None
        execution_id = self.view.execution_id if self.x != self.view.execution_id else None
        return m.Sub(x=self.x, execution_id=execution_id, cur=cursor, mode=self.mode, tail=self.tail)
