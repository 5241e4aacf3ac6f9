"""The rules of one rich connection, without I/O: messages, answers and time in; effects out.

```
hello ──hello──▶ authenticating ──authenticated──▶ open ──drain──▶ draining
  └── 5 s, or anything else ──▶ closed ◀── breach, no pong, stalled write, token ended, drained ──┘
```
Knows no socket, clock, journal or randomness. `docs/protocol.md` states the rules;
`backend/tests/unit/test_feed_machine.py` holds them, with a client, to the invariants.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

import msgspec

from headway.domain.position import Cursor
from headway.errors import HeadwayError, InvalidMessage, PositionLost, ServerDraining, TooManySubscriptions
from headway.protocol import messages as m
from headway.protocol.close_codes import CloseCode
from headway.protocol.codec import decode_client
from headway.protocol.effects import (
    Abort,
    Authenticate,
    Authorise,
    Close,
    Effect,
    Found,
    Offer,
    Piece,
    ReadHeads,
    Room,
    Send,
    Unfollow,
)
from headway.protocol.lobby import LobbySubscription
from headway.protocol.resume import LogHead
from headway.protocol.subscription import Pacing, Subscription
from headway.protocol.window import TokenBucket


@dataclass(frozen=True, slots=True, kw_only=True)
class Timers:
    """Seconds, but for `jitter_ms`: over how long clients spread their reconnects."""

    hello_s: float = 5.0
    ping_s: float = 15.0
    pong_s: float = 10.0
    stall_s: float = 15.0
    auth_soon_s: float = 60.0
    auth_grace_s: float = 25.0
    jitter_ms: int = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    timers: Timers = field(default_factory=Timers)
    limits: m.Limits = field(default_factory=m.Limits)
    pacing: Pacing = field(default_factory=Pacing)


class Life(Enum):
    HELLO = auto()
    AUTHENTICATING = auto()
    OPEN = auto()
    DRAINING = auto()
    CLOSED = auto()


AnySubscription = Subscription | LobbySubscription


class Session:
    """One connection. Every method returns what to do next, in order; after `Close` or `Abort`, nothing.

    Args:
        conn: Names the connection in `welcome` and in logs.
        now: Monotonic seconds, here and everywhere; `tick` about once a second.
        phase: From 0 to 1: how much of the first interval between pings is left out, so that connections
            which came together are not pinged together.
    """

    def __init__(
        self, conn: str, now: float, options: SessionOptions | None = None, *, phase: float = 0.0
    ) -> None:
        self._conn = conn
        options = options or SessionOptions()
        self._timers, self._limits, self._pacing = options.timers, options.limits, options.pacing
        self._life = Life.HELLO
        self._hello_by = now + self._timers.hello_s
        self._bucket = TokenBucket(self._limits.messages_per_s, self._limits.burst, now)
        self._parked: list[m.AnyClientMessage] = []
        self._by_x: dict[str, AnySubscription] = {}
        self._by_number: dict[int, AnySubscription] = {}
        self._numbers = 0
        self._ping_at = now + self._timers.ping_s * (1.0 - phase)
        self._pings = 0
        self._heads_asked: dict[int, int] | None = None  # where each stood when they were asked for
        self._pong_by: float | None = None
        self._pong_awaited: int | None = None
        self._ping_is_out = True  # all that was written before the last ping has been taken, and the ping
        self._token_until: float | None = None
        self._warned = False
        self._drained_at: float | None = None
        self._drain_retry_ms = 0

    @property
    def life(self) -> Life:
        return self._life

    # What the client sends.

    def receive(self, frame: str | bytes, now: float) -> list[Effect]:
        """A frame from the client: `str` for text, `bytes` for binary."""
        if self._life is Life.CLOSED:
            return []
        if isinstance(frame, bytes):
            return self._close(CloseCode.BINARY_FRAME, "text frames only")
        if len(frame.encode("utf-8", "replace")) > self._limits.message_bytes:
            return self._close(CloseCode.FRAME_TOO_BIG, f"at most {self._limits.message_bytes} bytes")
        self._pong_by = None
        try:
            message = decode_client(frame)
        except InvalidMessage as error:
            return self._misfit(error, now)
        if isinstance(message, m.Ack) and self._life in (Life.OPEN, Life.DRAINING):
            return self._ack(message, now)
        if self._is_awaited(message):
            return []
        return self._charge(now) or self._sorted(message)

    def _sorted(self, message: m.AnyClientMessage | None) -> list[Effect]:
        match self._life, message:
            case Life.HELLO, m.Hello():
                self._life = Life.AUTHENTICATING
                return [Authenticate(message.token)]
            case (Life.HELLO, _) | (_, m.Hello()):
                return self._close(CloseCode.PROTOCOL_BREACH, "hello comes first, and once")
            case _, None:
                return []
            case Life.AUTHENTICATING, _:
                self._parked.append(message)
                return []
            case _:
                return self._obey(message)

    def _obey(self, message: m.AnyClientMessage) -> list[Effect]:
        match message:
            case m.Sub():
                return self._subscribe(message)
            case m.Unsub():
                return self._end(self._by_x.get(message.x))
            case m.Auth():
                return [Authenticate(message.token)]
            case _:
                return []

    def _subscribe(self, request: m.Sub) -> list[Effect]:
        known = self._by_x.get(request.x)
        if known is None and self._life is Life.DRAINING:
            return [_err(request, ServerDraining("this connection is ending; subscribe on another"))]
        if known is None and len(self._by_x) >= self._limits.subscriptions:
            most = self._limits.subscriptions
            return [_err(request, TooManySubscriptions(f"at most {most} a connection"))]
        try:
            cursor = Cursor.parse(request.cur) if request.cur is not None else None
        except InvalidMessage as error:
            return [_err(request, error)]
        self._numbers += 1
        subscription: AnySubscription
        if request.x == m.LOBBY:
            subscription = LobbySubscription(self._numbers)
        else:
            subscription = Subscription(
                self._numbers, request, cursor, limits=self._limits, pacing=self._pacing
            )
        ended = self._end(known)
        self._by_x[request.x] = self._by_number[subscription.number] = subscription
        return [*ended, *subscription.open()]

    def _ack(self, ack: m.Ack, now: float) -> list[Effect]:
        """An ack that moves answers a frame of ours and costs nothing; others count as messages."""
        subscription = self._by_x.get(ack.x)
        if not isinstance(subscription, Subscription):
            return self._charge(now)
        moved, effects = subscription.acked(ack.seq)
        return effects if moved else self._charge(now)

    def _is_awaited(self, message: m.AnyClientMessage | None) -> bool:
        if not isinstance(message, m.Pong) or self._life not in (Life.OPEN, Life.DRAINING):
            return False
        awaited, self._pong_awaited = message.n == self._pong_awaited, None
        self._ping_is_out = self._ping_is_out or awaited
        return awaited

    def _misfit(self, error: InvalidMessage, now: float) -> list[Effect]:
        if self._life is Life.HELLO:
            return self._close(CloseCode.PROTOCOL_BREACH, "hello comes first")
        x, ref = error.fields.get("x"), error.fields.get("ref")
        answer = m.Err(
            code=error.code,
            msg=error.message,
            x=x if isinstance(x, str) else None,
            ref=ref if isinstance(ref, str) else None,
        )
        return self._charge(now) or [Send(answer)]

    def _charge(self, now: float) -> list[Effect]:
        if self._bucket.take(now):
            return []
        return self._close(
            CloseCode.TOO_MANY_MESSAGES, f"at most {self._limits.messages_per_s} messages a second"
        )

    # What the shell answers.

    def authenticated(self, until: float | None, now: float, timestamp: str) -> list[Effect]:
        """The token holds until then (`None`: no end). `timestamp` is the time of day, for `welcome`."""
        self._token_until, self._warned = until, False
        if self._life in (Life.OPEN, Life.DRAINING):
            return [Authorise(number, each.x) for number, each in self._by_number.items()]
        if self._life is not Life.AUTHENTICATING:
            return []
        self._life = Life.OPEN
        timers = self._timers
        welcome = m.Welcome(
            conn=self._conn,
            ping=timers.ping_s,
            pong=timers.pong_s,
            jitter=timers.jitter_ms,
            limits=self._limits,
            now=timestamp,
        )
        parked, self._parked = self._parked, []
        effects: list[Effect] = [Send(welcome)]
        for message in parked:
            effects += self._obey(message)
        return effects

    def login_refused(self, reason: str) -> list[Effect]:
        """The token does not hold, or was revoked."""
        return self._close(CloseCode.UNAUTHORIZED, reason)

    def found(self, number: int, found: Found | None) -> list[Effect]:
        """Answers `Follow`; `None` while a workflow has nothing to follow, and again once it has."""
        return self._with(number, lambda each: each.found(found))

    def snapshot_read(self, number: int, cursor: Cursor, state: bytes, logs: list[bytes]) -> list[Effect]:
        """Answers `ReadSnapshot`: the state as JSON at `cursor`, and stored lines of log events."""
        return self._with(number, lambda each: each.snapshot_read(cursor, state, logs))

    def events_read(self, number: int, piece: Piece, now: float) -> list[Effect]:
        """Answers `ReadEvents`."""
        return self._with(number, lambda each: each.events_read(piece, now))

    def offered(self, number: int, offer: Offer) -> bool:
        """The newest run of a log, whole: True if its frame is to be written now, which needs no answer.

        A short way for the many who have everything before it; for the others, `grew` is the way. Only where
        the transport has no room for the frame, `held_up` says so, and `written` when it has.
        """
        subscription = self._by_number.get(number)
        return isinstance(subscription, Subscription) and subscription.offered(offer)

    def room(self, number: int) -> Room | None:
        """For runs that need not be `offered` one by one; `None` while it would take none.

        What was written of it is `settled` before anything else is said or asked here, but for `tick`.
        """
        subscription = self._alive(number)
        return subscription.room if isinstance(subscription, Subscription) else None

    def settled(self, number: int, offers: Sequence[Offer]) -> None:
        """These runs, which follow each other, were written within the `room` that there was."""
        subscription = self._alive(number)
        if isinstance(subscription, Subscription):
            subscription.settled(offers)

    def held_up(self, number: int, now: float) -> None:
        """The frame of what was `offered` is not out yet."""
        subscription = self._alive(number)
        if isinstance(subscription, Subscription):
            subscription.held_up(now)

    def refused(self, number: int, error: HeadwayError, *, retry_ms: int | None = None) -> list[Effect]:
        """Answers any question about a subscription that cannot be served; it ends, the others go on.

        Only a position that retention has removed meanwhile is looked at again.
        """
        subscription = self._alive(number)
        if subscription is None:
            return []
        if isinstance(error, PositionLost):
            return subscription.open()
        answer = m.Err(code=error.code, msg=error.message, x=subscription.x, retry=retry_ms)
        return [*self._end(subscription), Send(answer)]

    def written(self, number: int, now: float) -> list[Effect]:
        """Answers `SendEvents` and `SendRows`: the transport has taken the frame."""
        match self._alive(number):
            case Subscription() as each:
                return each.written(follows_on=each.x != each.execution_id)
            case LobbySubscription() as lobby:
                return lobby.written(now)
            case _:
                return []

    def grew(self, number: int, last_seq: int) -> list[Effect]:
        """A hint that the log reaches at least so far; it may be lost, repeated, late or wrong."""
        return self._with(number, lambda each: each.grew(last_seq))

    def heads_read(self, heads: Mapping[int, LogHead | None], now: float) -> list[Effect]:
        """Answers `ReadHeads`: heals lost hints here, and in `ping` at the client.

        `None` says that the execution is not there any more.
        """
        asked, self._heads_asked = self._heads_asked, None
        if self._life not in (Life.OPEN, Life.DRAINING) or asked is None:
            return []
        known = {number: head for number, head in heads.items() if head is not None}
        effects: list[Effect] = [Send(m.Ping(n=self._pings, heads=self._named(known)))]
        self._pong_by, self._pong_awaited = now + self._timers.pong_s, self._pings
        self._ping_is_out = False
        for number, head in heads.items():
            each = self._alive(number)
            if isinstance(each, Subscription):
                effects += each.checked(head, asked.get(number, 0)) if head is not None else each.gone()
        return effects

    def rows_read(self, number: int, rows: Sequence[m.Row], now: float) -> list[Effect]:
        """Answers `Follow` of the lobby."""
        lobby = self._alive(number)
        return lobby.rows_read(rows, now) if isinstance(lobby, LobbySubscription) else []

    def rows_changed(self, number: int, rows: Sequence[m.Row], now: float) -> list[Effect]:
        """Rows that `LobbyRows` lets pass."""
        lobby = self._alive(number)
        return lobby.rows_changed(rows, now) if isinstance(lobby, LobbySubscription) else []

    def rows_gone(self, number: int) -> list[Effect]:
        """Rows of the lobby are no longer there."""
        lobby = self._alive(number)
        return lobby.rows_gone() if isinstance(lobby, LobbySubscription) else []

    def drain(self, *, earliest_s: float, latest_s: float, retry_ms: int, now: float) -> list[Effect]:
        """Ask the client to move within this slot; serve it until it has, or the slot ends."""
        if self._life is not Life.OPEN:
            return [] if self._life is Life.DRAINING else self.dismiss(retry_ms)
        self._life, self._drain_retry_ms = Life.DRAINING, retry_ms
        self._drained_at = now + latest_s
        return [Send(m.Drain(in_s=(earliest_s, latest_s)))]

    def dismiss(self, retry_ms: int) -> list[Effect]:
        """The server ends now: say when to come back."""
        return self._close(CloseCode.SERVICE_RESTART, msgspec.json.encode({"retry": retry_ms}).decode())

    @property
    def is_owed(self) -> bool:
        """The peer is cut off unless it takes what was written: `moved` says that it does."""
        return not self._ping_is_out or any(
            each.stalled_since is not None for each in self._by_number.values()
        )

    def moved(self, now: float, *, ping_is_out: bool) -> None:
        """The peer has taken bytes since this was last said; `ping_is_out` if the last ping is among them.

        Where nobody says so, a write counts as stalled, and a ping as out, from when it was handed over.
        """
        for each in self._by_number.values():
            if each.stalled_since is not None:
                each.stalled_since = now
        if self._ping_is_out:
            return
        self._ping_is_out = ping_is_out
        if self._pong_by is not None:
            self._pong_by = now + self._timers.pong_s

    # What time brings.

    def tick(self, now: float) -> list[Effect]:
        """What is due at `now`."""
        if self._life is Life.CLOSED:
            return []
        if self._life is Life.HELLO:
            late = now >= self._hello_by
            return self._close(CloseCode.HELLO_TIMEOUT, "no hello") if late else []
        if self._pong_by is not None and now >= self._pong_by:
            return self._abort(CloseCode.NO_PONG)
        if self._is_stalled(now):
            return self._abort(CloseCode.SLOW_READER)
        if self._drained_at is not None and now >= self._drained_at:
            return self.dismiss(self._drain_retry_ms)
        return self._token_due(now) + self._ping_due(now)

    def _token_due(self, now: float) -> list[Effect]:
        if self._token_until is None:
            return []
        if now >= self._token_until + self._timers.auth_grace_s:
            return self._close(CloseCode.UNAUTHORIZED, "the token has ended")
        if self._warned or now < self._token_until - self._timers.auth_soon_s:
            return []
        self._warned = True
        return [Send(m.AuthSoon(in_s=max(0, round(self._token_until - now))))]

    def _ping_due(self, now: float) -> list[Effect]:
        if now < self._ping_at or self._life not in (Life.OPEN, Life.DRAINING):
            return []
        if not self._ping_is_out:
            return []  # they would pile up before a slow reader
        self._ping_at = now + self._timers.ping_s
        self._pings += 1
        watched = self._watched()
        self._heads_asked = {number: self._seq_of(number) for number in watched}
        return [ReadHeads(watched)]

    def _seq_of(self, number: int) -> int:
        each = self._by_number[number]
        cursor = each.cursor if isinstance(each, Subscription) else None
        return 0 if cursor is None else cursor.seq

    def _watched(self) -> dict[int, str]:
        """The execution behind each subscription that has one by now."""
        return {
            number: each.execution_id
            for number, each in self._by_number.items()
            if isinstance(each, Subscription) and each.execution_id is not None
        }

    def _named(self, heads: Mapping[int, LogHead]) -> dict[str, str]:
        return {
            self._by_number[number].x: str(Cursor(head.epoch, head.last_seq, head.last_tag))
            for number, head in heads.items()
            if number in self._by_number
        }

    def _is_stalled(self, now: float) -> bool:
        return any(
            each.stalled_since is not None and now - each.stalled_since >= self._timers.stall_s
            for each in self._by_number.values()
        )

    # Ends.

    def _end(self, subscription: AnySubscription | None) -> list[Effect]:
        if subscription is None:
            return []
        del self._by_x[subscription.x], self._by_number[subscription.number]
        return [Unfollow(subscription.number)]

    def _close(self, code: CloseCode, reason: str) -> list[Effect]:
        if self._life is Life.CLOSED:
            return []
        return [*self._leave(), Close(code, reason)]

    def _abort(self, code: CloseCode) -> list[Effect]:
        return [*self._leave(), Abort(code)]

    def _leave(self) -> list[Effect]:
        self._life = Life.CLOSED
        numbers = list(self._by_number)
        self._by_number.clear()
        self._by_x.clear()
        return [Unfollow(number) for number in numbers]

    def _alive(self, number: int) -> AnySubscription | None:
        return self._by_number.get(number) if self._life is not Life.CLOSED else None

    def _with(self, number: int, act: Callable[[Subscription], list[Effect]]) -> list[Effect]:
        subscription = self._alive(number)
        return act(subscription) if isinstance(subscription, Subscription) else []


def _err(request: m.Sub, error: HeadwayError) -> Send:
    return Send(m.Err(code=error.code, msg=error.message, x=request.x, ref=request.ref))
