"""A viewer of the rich protocol for tests: the client's own rules, and what its user would have by them."""

from copy import copy
from dataclasses import dataclass, field

from headway.domain.events import Totals, decode_line
from headway.domain.execution import State
from headway.domain.position import Cursor
from headway.protocol import messages as m
from headway.protocol.client_effects import ClientEffect, Say, Sealed, Tell
from headway.protocol.client_session import ClientSession
from headway.protocol.codec import decode_server
from headway.protocol.conflation import absorb
from headway.protocol.viewer_position import Run, Snapshot, ViewerPosition


@dataclass(slots=True)
class View:
    """What the viewer has: `lines` are those applied after the snapshot at `base`."""

    position: ViewerPosition
    state: State | None = None
    base: int = 0
    lines: list[bytes] = field(default_factory=list)
    conflated: bool = False

    @property
    def cursor(self) -> Cursor | None:
        return self.position.cursor

    @cursor.setter
    def cursor(self, cursor: Cursor) -> None:
        self.position.cursor = cursor

    @property
    def execution_id(self) -> str | None:
        return self.position.execution_id

    @property
    def sealed(self) -> Totals | None:
        """The end is read from the log, so it cannot get lost with a frame."""
        return self.state.totals if self.state is not None else None

    def copy(self) -> "View":
        """What a page keeps over a reload."""
        state = self.state.copy() if self.state is not None else None
        return View(self.position.copy(), state, self.base, list(self.lines), self.conflated)


class ViewerModel:
    """One subscription of a client, over any number of connections; a second passes with each frame."""

    def __init__(self, x: str, mode: m.Mode = "full", *, tail: int = 5, whole: int = 0) -> None:
        self.x, self.mode, self.tail = x, mode, tail
        self._views = [View(ViewerPosition(x, whole=whole))]  # the one, shared by all its connections
        self._now = 0.0
        self.told: list[str] = []  # results and reasons, oldest first
        self.moves: list[tuple[str, str]] = []  # from one execution to another, and nothing was wrong

    @property
    def view(self) -> View:
        return self._views[0]

    @view.setter
    def view(self, view: View) -> None:
        self._views[0] = view

    def beside(self) -> "ViewerModel":
        """The same viewer on a further connection."""
        return copy(self)

    def connected(self) -> list[m.AnyClientMessage]:
        """What it says first on a new connection."""
        self._session = ClientSession(self.view.position, self._now, mode=self.mode, tail=self.tail)
        return self._carry_out(self._session.open())

    def receive(self, frame: bytes) -> list[m.AnyClientMessage]:
        """Apply a frame by the rules; the answer goes back on the same connection."""
        match decode_server(frame)[0]:
            case m.SubOk(x=self.x) as answer:
                self.told.append(answer.why or answer.result)
            case m.Err(x=self.x) as refusal:
                self.told.append(refusal.code)
        said = self._carry_out(self._session.receive(frame, self._now))
        if self.view.cursor is not None:
            said += self._carry_out(self._session.applied(self.view.cursor.seq, self._now))
        self._now += 1.0  # so that it acknowledges
        return said + self._carry_out(self._session.tick(self._now))

    def _carry_out(self, effects: list[ClientEffect]) -> list[m.AnyClientMessage]:
        said: list[m.AnyClientMessage] = []
        for effect in effects:
            match effect:
                case Say(message):
                    said.append(message)
                case Tell(Run() as run):
                    self._apply(run)
                case Tell(Snapshot(state=state, cursor=cursor, why=why)):
                    before = self.view.state.execution_id if self.view.state is not None else None
                    if before not in (None, state.execution_id) and why is None:
                        assert self.view.sealed is not None, f"{before} is left before its end"
                        self.moves.append((before, state.execution_id))
                    self.view = View(self.view.position, state, cursor.seq)
                case Sealed(totals):
                    assert totals == self.view.sealed
        return said

    def _apply(self, run: Run) -> None:
        view = self.view
        assert view.state is not None
        if run.left_out is not None:
            absorb(view.state, run.left_out)
            view.conflated = True
        for line in run.lines:
            view.state.apply(decode_line(line))
            view.lines.append(line)
