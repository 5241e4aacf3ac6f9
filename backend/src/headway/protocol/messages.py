"""Every message of the rich protocol (`headway.v1`) as a struct; knows no socket, no time and no session.

One text frame is one JSON object with its name in `t`; only `ev` has lines after it (see `codec`). Unknown
fields are ignored, so both sides can be upgraded one after the other.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from headway.domain.events import Totals

SUBPROTOCOL = "headway.v1"
DEFLATE_SUBPROTOCOL = "headway.v1.deflate"  # the same, with `ev` frames compressed (`deflate`)
SUBPROTOCOLS = (SUBPROTOCOL, DEFLATE_SUBPROTOCOL)
LOBBY = "*"  # the subscription to the list of executions

Mode = Literal["full", "state"]
Result = Literal["resumed", "snapshot", "reset", "waiting"]
Why = Literal["epoch", "ahead", "trimmed", "fork"]
Name = Annotated[str, Meta(min_length=1, max_length=128)]
Ref = Annotated[str, Meta(max_length=64)]
Count = Annotated[int, Meta(ge=0)]


class ClientMessage(
    msgspec.Struct, tag_field="t", tag="", kw_only=True, omit_defaults=True, frozen=True, gc=False
):
    """What a client may send; `ref` comes back in the `err` the message causes."""

    ref: Ref | None = None


class Hello(ClientMessage, tag="hello", frozen=True):
    """First message of a client; `token` where the handshake carried none."""

    token: Annotated[str, Meta(max_length=4_096)] | None = None
    client: Annotated[str, Meta(max_length=128)] | None = None


class Sub(ClientMessage, tag="sub", frozen=True):
    """Subscribe or resume; a second one for the same `x` replaces the first.

    Args:
        x: An execution id, a workflow id, or `*`.
        execution_id: Only with a workflow: the execution that `cur` belongs to.
        cur: The cursor to go on from.
        mode: `state` permits frames with progress and log lines left out, where the viewer lags.
        tail: Log lines wanted with a snapshot, and kept in a frame that leaves lines out.
    """

    x: Name
    execution_id: Name | None = None
    cur: Annotated[str, Meta(max_length=64)] | None = None
    mode: Mode = "full"
    tail: Annotated[int, Meta(ge=0, le=1_000)] = 200


class Ack(ClientMessage, tag="ack", frozen=True):
    """Everything up to `seq` is applied: opens the window."""

    x: Name
    seq: Count


class Unsub(ClientMessage, tag="unsub", frozen=True):
    x: Name


class Auth(ClientMessage, tag="auth", frozen=True):
    """A fresh token, on `auth_soon`."""

    token: Annotated[str, Meta(max_length=4_096)]


class Pong(ClientMessage, tag="pong", frozen=True):
    n: Count


class Limits(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the server bears from one connection."""

    message_bytes: int = 16_384
    messages_per_s: int = 20
    burst: int = 60
    subscriptions: int = 128
    window_events: int = 4_096
    window_bytes: int = 1 << 20


class LeftOut(msgspec.Struct, frozen=True, gc=False):
    """Events that a conflated frame covers without carrying them: how many, and how many were log lines."""

    events: int
    logs: int = 0
    errors: int = 0


class Row(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What the lobby shows of one execution."""

    execution_id: str
    workflow_id: str
    status: str
    phase: str
    progress: float
    indeterminate: bool = False
    created_at: str | None = None
    started_at: str | None = None
    ended_at: str | None = None


class ServerMessage(
    msgspec.Struct, tag_field="t", tag="", kw_only=True, omit_defaults=True, frozen=True, gc=False
):
    """What a server may send."""


class Welcome(ServerMessage, tag="welcome", frozen=True):
    """Answers `hello`: `ping` and `pong` in seconds, `jitter` in milliseconds, `now` in RFC 3339."""

    conn: str
    ping: float
    pong: float
    jitter: int
    limits: Limits
    now: str


class SubOk(ServerMessage, tag="sub_ok", frozen=True):
    """Says how the stream goes on; after `snapshot` and `reset` comes `snap` (of the lobby: `rows`)."""

    x: str
    result: Result
    why: Why | None = None
    execution_id: str | None = None
    head: int = 0
    cur: str | None = None


class Snap(ServerMessage, tag="snap", frozen=True):
    """State as of `cur`, exact; `state` stands in the first of the parts, log lines in all."""

    x: str
    cur: str
    part: int
    parts: int
    state: Raw | UnsetType = UNSET
    logs: list[Raw] = msgspec.field(default_factory=list)


class Ev(ServerMessage, tag="ev", frozen=True):
    """Header of the stored lines that follow it: all of `(after, upto]`, or what `cf` does not leave out."""

    x: str
    after: int
    upto: int
    cur: str
    n: int
    cf: LeftOut | None = None
    eos: Totals | None = None


class Rows(ServerMessage, tag="rows", frozen=True):
    """Lobby: rows that changed; with `reset`, all there are to show."""

    x: str
    rows: list[Row]
    reset: bool = False


class Ping(ServerMessage, tag="ping", frozen=True):
    """`heads`: for each subscription the cursor of its log's end, as read just now."""

    n: int
    heads: dict[str, str]


class Err(ServerMessage, tag="err", frozen=True):
    """A fault of one message or one subscription; the connection goes on. `retry` in milliseconds."""

    code: str
    msg: str
    x: str | None = None
    retry: int | None = None
    ref: str | None = None


class AuthSoon(ServerMessage, tag="auth_soon", frozen=True, rename={"in_s": "in"}):
    """The token ends in so many seconds."""

    in_s: int


class Drain(ServerMessage, tag="drain", frozen=True, rename={"in_s": "in"}):
    """Move to another connection between so many seconds from now; this one serves until then."""

    in_s: tuple[float, float]


AnyClientMessage = Hello | Sub | Ack | Unsub | Auth | Pong
AnyServerMessage = Welcome | SubOk | Snap | Ev | Rows | Ping | Err | AuthSoon | Drain
CLIENT_MESSAGES: dict[str, type[AnyClientMessage]] = {
    "hello": Hello,
    "sub": Sub,
    "ack": Ack,
    "unsub": Unsub,
    "auth": Auth,
    "pong": Pong,
}
SERVER_MESSAGES: dict[str, type[AnyServerMessage]] = {
    "welcome": Welcome,
    "sub_ok": SubOk,
    "snap": Snap,
    "ev": Ev,
    "rows": Rows,
    "ping": Ping,
    "err": Err,
    "auth_soon": AuthSoon,
    "drain": Drain,
}
