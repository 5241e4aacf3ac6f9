"""What a session asks its shell to do, and what the shell answers with; values only.

The shell carries effects out in the order given, one writer a connection, and answers each question with the
session's method named here. An answer may come at any time: one that is too late changes nothing.

What is made for every frame is a struct, at a tenth of what a frozen dataclass costs to make.
"""

from dataclasses import dataclass

import msgspec

from headway.domain.events import Totals
from headway.domain.position import Cursor
from headway.domain.stored_lines import Lines
from headway.protocol.close_codes import CloseCode
from headway.protocol.messages import AnyServerMessage, Ev, LeftOut, Rows
from headway.protocol.resume import LogHead


@dataclass(frozen=True, slots=True)
class Send:
    """Write the message."""

    message: AnyServerMessage


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Check the token (or, without one, the handshake): `authenticated` or `login_refused`."""

    token: str | None


@dataclass(frozen=True, slots=True)
class Authorise:
    """Check again whether the subscription is permitted: `refused` if it is not."""

    number: int
    x: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """Find what `x` names and watch it: `found` or `refused`; later `grew` for each hint.

    Args:
        number: The subscription, in all answers; asked again with the same number it means "look again".
        execution_id: With a workflow: the execution wanted, or `None` for the current one.
        after: With a workflow: wait for the next execution after this one.
        cursor: Answer with the log's tag at its seq.
    """

    number: int
    x: str
    execution_id: str | None = None
    after: str | None = None
    cursor: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Unfollow:
    """Stop watching; no answer under this number is wanted any more."""

    number: int


@dataclass(frozen=True, slots=True)
class ReadSnapshot:
    """Load the state at seq `upto` and the last `tail` log lines up to it: `snapshot_read` or `refused`."""

    number: int
    execution_id: str
    upto: int
    tail: int


class ReadEvents(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Read from `after` on, at least one event if there is one: `events_read` or `refused`.

    With `conflate`, up to `max_events` are read and what `conflation.conflate` keeps of them is answered.
    """

    number: int
    execution_id: str
    after: int
    max_events: int
    max_bytes: int
    conflate: bool
    tail: int


class SendEvents(msgspec.Struct, frozen=True, gc=False):
    """Write `codec.encode_events(header, text_of(lines))`, the same bytes for all viewers: `written`."""

    number: int
    header: Ev
    lines: Lines


@dataclass(frozen=True, slots=True)
class SendRows:
    """Write the rows: `written`."""

    number: int
    message: Rows


@dataclass(frozen=True, slots=True)
class ReadHeads:
    """Read the heads of these executions afresh, by subscription: `heads_read`.

    With `None` for those that are not there any more, and with nothing at all if reading fails.
    """

    execution_ids: dict[int, str]


@dataclass(frozen=True, slots=True)
class Close:
    """Close with this code; nothing follows."""

    code: CloseCode
    reason: str


@dataclass(frozen=True, slots=True)
class Abort:
    """Cut the transport: this peer does not read, so no close frame can reach it; nothing follows."""

    code: CloseCode


Effect = (
    Send
    | Authenticate
    | Authorise
    | Follow
    | Unfollow
    | ReadSnapshot
    | ReadEvents
    | SendEvents
    | SendRows
    | ReadHeads
    | Close
    | Abort
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a subscription follows: `tag` is the log's own at the cursor asked for, if it has one."""

    execution_id: str
    head: LogHead
    tag: int | None = None


class Offer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The newest run of a log, as everyone who has all before it is offered it.

    Args:
        before: Where whoever takes it stands; `behind`, where it stands then.
        count: Events; `size`, bytes of the stored lines.
        closes: It ends with the terminal event.
    """

    before: Cursor
    behind: Cursor
    count: int
    size: int
    closes: bool

    @property
    def upto(self) -> int:
        return self.behind.seq


class Room(msgspec.Struct, frozen=True, gc=False):
    """What a session would take of runs from `cursor` on, if it were offered them one by one."""

    cursor: Cursor
    events: int
    bytes: int


class Piece(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A run of stored lines with what proves where it belongs; the newest one is shared by all its viewers.

    Args:
        after: The run covers `(after, upto]`; equal where there is nothing more.
        tag_before: The log's tag at `after`; `tag_after` the one at `upto`.
        count: How many `lines` there are.
        head: Of the same read.
        left_out: What `lines` do not carry of the run.
        seal: Totals of the terminal event, where the log is closed and `upto` is its end.
    """

    epoch: str
    after: int
    upto: int
    tag_before: int
    tag_after: int
    lines: Lines
    count: int
    head: LogHead
    left_out: LeftOut | None = None
    seal: Totals | None = None

    @property
    def cursor(self) -> Cursor:
        """Where a viewer is who has applied it."""
        return Cursor(self.epoch, self.upto, self.tag_after)

    @property
    def is_end(self) -> bool:
        """Nothing will ever follow it."""
        return self.head.closed and self.upto == self.head.last_seq
