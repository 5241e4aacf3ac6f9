"""The client's side of one rich connection, without I/O: frames and time in; effects out.

Knows no socket, clock or randomness, and one subscription. The position outlives the connection: the next
one goes on from it, and two may share it while one takes over from the other. The server's side is
`session`; `backend/tests/unit/test_feed_machine.py` lets the two play.
"""

from msgspec import UNSET, MsgspecError, Struct, json

from headway.domain.execution import State
from headway.domain.position import Cursor
from headway.errors import (
    ClientError,
    ExecutionNotFound,
    InvalidMessage,
    Unauthorized,
    errors_by_code,
)
from headway.protocol import messages as m
from headway.protocol.client_effects import (
    ClientEffect,
    Drop,
    Move,
    Say,
    Sealed,
    Stop,
    Tell,
    Up,
)
from headway.protocol.close_codes import CloseCode, asks_to_stop
from headway.protocol.codec import decode_server
from headway.protocol.viewer_position import ViewerPosition, is_at

SILENCE_S = 25.0  # without any frame a connection that looks open is not believed
ACK_S = 1.0
CLIENT = "headway-python"

_decode_state = json.Decoder(State).decode


class _Restart(Struct):
    retry: int | None = None  # milliseconds


_decode_restart = json.Decoder(_Restart).decode


class ClientSession:
    """One connection of a viewer.

    Args:
        position: Where the viewer is; shared with the connections before and after this one.
        now: Monotonic seconds, here and everywhere; `tick` at least once a second.
        token: For `hello`, where the handshake does not carry it.
        mode: `state` lets the server leave progress and log lines out while the viewer lags.
        tail: Log lines wanted with a snapshot.
    """

    def __init__(
        self,
        position: ViewerPosition,
        now: float,
        *,
        token: str | None = None,
        mode: m.Mode = "full",
        tail: int = 200,
    ) -> None:
        self._position = position
        self._token = token
        self._mode, self._tail = mode, tail
        self._heard_at = now
        self._limits = m.Limits()
        self._why: m.Why | None = None
        self._awaits_snap = True
        self._awaits_answer = False  # until then no gap is news
        self._snap: list[m.Snap] = []
        self._behind_at: str | None = None  # at the last ping
        self._end: tuple[str | None, Cursor] | None = None  # of an execution, that came over this connection
        self._applied = self._acked = position.cursor.seq if position.cursor else 0
        self._acked_at = now
        self._unacked_bytes = 0
        self.is_up = False

    def open(self) -> list[ClientEffect]:
        """What is said first."""
        return [Say(m.Hello(token=self._token, client=CLIENT)), self._sub()]

    def receive(self, frame: str | bytes, now: float) -> list[ClientEffect]:
        """A frame's text; what is told of it counts as taken by the viewer with `applied`."""
        self._heard_at = now
        try:
            message, body = decode_server(frame)
            return self._obey(message, body)
        except (InvalidMessage, MsgspecError) as error:
            return [Drop(f"the server sent what is no frame: {error}")]

    def heard(self, at: float) -> None:
        """Bytes came, perhaps of a frame that is not whole yet: over a slow line that may take long."""
        self._heard_at = max(self._heard_at, at)

    def applied(self, seq: int, now: float) -> list[ClientEffect]:
        """The viewer has taken everything up to `seq`; acknowledges at half a window."""
        self._applied = seq
        half_events, half_bytes = self._limits.window_events // 2, self._limits.window_bytes // 2
        if seq - self._acked >= half_events or self._unacked_bytes >= half_bytes:
            return self._ack(now)
        return []

    def tick(self, now: float) -> list[ClientEffect]:
        """What is due at `now`."""
        if now - self._heard_at >= SILENCE_S:
            return [Drop(f"no frame for {SILENCE_S:.0f} s")]
        if self._applied > self._acked and now - self._acked_at >= ACK_S:
            return self._ack(now)
        return []

    def closed(self, code: int, reason: str) -> ClientEffect:
        """The connection has ended with this code; 1006 where it just broke."""
        if code == CloseCode.UNAUTHORIZED:
            return Stop(Unauthorized(reason or None))
        if asks_to_stop(code):
            return Stop(ClientError(reason or f"the server closed the feed with code {code}"))
        wait_s = _restart_wait_s(reason) if code == CloseCode.SERVICE_RESTART else None
        return Drop(reason if reason and wait_s is None else f"the connection ended with code {code}", wait_s)

    def _obey(self, message: m.AnyServerMessage | None, body: bytes) -> list[ClientEffect]:
        mine = self._position.x
        match message:
            case m.Welcome():
                self._limits = message.limits
                return []
            case m.SubOk(x=x) if x == mine:
                return self._answered(message)
            case m.Snap(x=x) if x == mine:
                return self._snapshot(message)
            case m.Ev(x=x) if x == mine:
                return self._events(message, body)
            case m.Ping():
                return [Say(m.Pong(n=message.n)), *self._check(message.heads.get(mine))]
            case m.Err(x=x) if x == mine:
                return [self._refused(message)]
            case m.AuthSoon() if self._token is not None:
                return [Say(m.Auth(token=self._token))]
            case m.Drain():
                return [Move(*message.in_s)]
            case _:
                return []

    def _answered(self, answer: m.SubOk) -> list[ClientEffect]:
        """A stream begins: what follows is of it, and what an older one still sends fails the checks."""
        self._awaits_snap = answer.result in ("snapshot", "reset")
        self._awaits_answer = False
        self._why = answer.why
        self._snap = []
        self.is_up = True
        return [Up(), self._sub()] if self._is_overtaken(answer) else [Up()]

    def _is_overtaken(self, answer: m.SubOk) -> bool:
        """It goes on from where the viewer was before a reset that the server sent by itself, or a move."""
        cursor = self._position.cursor
        if answer.result != "resumed" or answer.cur is None or cursor is None:
            return False
        if answer.execution_id not in (None, self._position.execution_id):
            return True
        goes_on = Cursor.parse(answer.cur)
        return goes_on.epoch != cursor.epoch or goes_on.seq > cursor.seq

    def _snapshot(self, part: m.Snap) -> list[ClientEffect]:
        if not self._awaits_snap:
            return []
        self._snap = [part] if part.part == 1 else [*self._snap, part]
        first = self._snap[0]
        if len(self._snap) < part.parts or first.state is UNSET or first.cur != part.cur:
            return []
        cursor = Cursor.parse(part.cur)
        state, why = _decode_state(first.state), self._why
        logs = [line for each in self._snap for line in each.logs]
        self._awaits_snap, self._snap, self._why = False, [], None
        if not self._is_news(state.execution_id, cursor, why):
            return [self._sub()]
        told = self._position.adopt(state, cursor, logs=logs, why=why)
        self._applied = self._acked = told.cursor.seq
        return [Tell(told)] if told.cursor == cursor else [Tell(told), self._sub()]

    def _is_news(self, execution_id: str, cursor: Cursor, why: m.Why | None) -> bool:
        """Not so where another connection has brought it, or has left it behind, meanwhile.

        A workflow goes on to another execution only from the end of the one that is here, as this connection
        has brought it: so the order is the server's, and none is passed over.
        """
        here = self._position.cursor
        if here is None:
            return True
        if execution_id != self._position.execution_id:
            return is_at(self._end, self._position)
        is_skip = self._mode == "state" and cursor.seq > here.seq  # the server leaves out what lies between
        return why is not None or is_skip or not self._position.holds(execution_id, cursor)

    def _events(self, header: m.Ev, body: bytes) -> list[ClientEffect]:
        if self._awaits_snap or self._position.cursor is None:
            return []
        effects: list[ClientEffect] = []
        if not self._position.has(header):
            if not self._position.fits(header, body):
                return [] if self._awaits_answer else [self._sub()]
            effects.append(Tell(self._position.take(header, body)))
            self._unacked_bytes += len(body)
        if header.eos is not None and str(self._position.cursor) == header.cur:
            self._end = (self._position.execution_id, self._position.cursor)
            effects.append(Sealed(header.eos))
        return effects

    def _check(self, head: str | None) -> list[ClientEffect]:
        """Beside the head, or for two pings behind it or without the snapshot: subscribe again."""
        if head is None:
            return []
        at, cursor = Cursor.parse(head), self._position.cursor
        if cursor is None or self._awaits_snap:
            behind: str | None = "without a snapshot"
        elif at.epoch != cursor.epoch or (at.seq == cursor.seq and at.tag != cursor.tag):
            return [self._sub()]
        else:
            behind = str(cursor) if at.seq > cursor.seq else None
        is_stuck, self._behind_at = behind is not None and behind == self._behind_at, behind
        return [self._sub()] if is_stuck else []

    def _refused(self, err: m.Err) -> ClientEffect:
        """The subscription has ended: for good, unless there is another way or the server is only busy."""
        kind = errors_by_code().get(err.code, ClientError)
        if kind is ExecutionNotFound and self._position.forget():
            return self._sub()
        if not issubclass(kind, ClientError) or err.retry is not None:
            return Drop(err.msg, err.retry / 1_000 if err.retry is not None else None)
        return Stop(kind(err.msg))

    def _sub(self) -> ClientEffect:
        self._awaits_answer = True
        return Say(self._position.sub(self._mode, self._tail))

    def _ack(self, now: float) -> list[ClientEffect]:
        self._acked, self._acked_at, self._unacked_bytes = self._applied, now, 0
        return [Say(m.Ack(x=self._position.x, seq=self._applied))]


def _restart_wait_s(reason: str) -> float | None:
    try:
        retry = _decode_restart(reason).retry
    except MsgspecError:
        return None
    return retry / 1_000 if retry is not None else None
