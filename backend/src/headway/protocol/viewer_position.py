"""What a viewer has of one log, what proves it, and the rules by which it takes more; pure.

The rules are those of "What a client must do with a frame" in `docs/protocol.md`, the same whatever the
transport; each check is a function of its own. Guarded by test_feed_machine, which takes them away in turn.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Raw

from headway.domain.execution import State
from headway.domain.position import Cursor, chain, initial_tag
from headway.protocol import messages as m
from headway.protocol.codec import lines_of

WHOLE = 2**53  # no log is longer: all of it is wanted


@dataclass(frozen=True, slots=True)
class Run:
    """Stored lines that follow what the viewer had.

    `left_out` counts what the range has beside them; the chain was checked on every line after
    `verified_from`.
    """

    execution_id: str
    before: Cursor
    cursor: Cursor
    lines: list[bytes]
    left_out: m.LeftOut | None = None
    verified_from: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state in place of all that the viewer had, exact at `cursor`.

    `logs` are the last log lines before it, as stored. `why` is the reason, where the log could not be
    continued from what the viewer had.
    """

    state: State
    cursor: Cursor
    logs: tuple[bytes, ...] = ()
    why: m.Why | None = None


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


def is_at(end: tuple[str | None, Cursor] | None, position: "ViewerPosition") -> bool:
    """The viewer has everything up to this end of an execution."""
    return end == (position.execution_id, position.cursor)


class ViewerPosition:
    """Where a viewer is: one execution at a time of an execution's or a workflow's feed.

    Args:
        x: An execution id or a workflow id.
        execution_id: Whose `cursor` it is; needed with a workflow.
        cursor: Where to go on, from an earlier viewer; `None` begins anew.
        whole: A log of at most so many events is wanted from its first event on, a longer one from a state.
    """

    def __init__(
        self, x: str, *, execution_id: str | None = None, cursor: Cursor | None = None, whole: int = 0
    ) -> None:
        self.x = x
        self.execution_id = execution_id
        self.cursor = cursor
        self.verified_from = cursor.seq if cursor else 0
        self._whole = whole
        self._rewound: tuple[str, str] | None = None  # execution and epoch: once each, else it may circle
        self._is_forgotten = False

    def copy(self) -> "ViewerPosition":
        """What a viewer keeps over a restart of its own."""
        twin = ViewerPosition(self.x, execution_id=self.execution_id, cursor=self.cursor, whole=self._whole)
        twin.verified_from, twin._rewound = self.verified_from, self._rewound
        twin._is_forgotten = self._is_forgotten
        return twin

    def sub(self, mode: m.Mode, tail: int) -> m.Sub:
        """How to go on from here."""
        return m.Sub(
            x=self.x,
            execution_id=self.execution_id if self.cursor and self.x != self.execution_id else None,
            cur=str(self.cursor) if self.cursor else None,
            mode=mode,
            tail=tail,
        )

    def has(self, header: m.Ev) -> bool:
        """Everything that the frame covers is here already."""
        return self.cursor is not None and is_duplicate(header, self.cursor)

    def fits(self, header: m.Ev, body: bytes) -> bool:
        """The frame follows what is here, and is what the log holds there.

        Raises:
            InvalidMessage: Its `cur` is no cursor.
        """
        cursor = self.cursor
        return cursor is not None and follows(header, cursor) and is_same_chain(header, body, cursor)

    def take(self, header: m.Ev, body: bytes) -> Run:
        """Go on behind a frame that fits."""
        assert self.cursor is not None
        assert self.execution_id is not None
        before, self.cursor = self.cursor, Cursor.parse(header.cur)
        if header.cf is not None:
            self.verified_from = self.cursor.seq
        return Run(self.execution_id, before, self.cursor, lines_of(body), header.cf, self.verified_from)

    def adopt(
        self, state: State, cursor: Cursor, *, logs: Sequence[Raw] = (), why: m.Why | None = None
    ) -> Snapshot:
        """Take a state in place of what is here.

        A log that is wanted whole is asked for from its first event instead: the snapshot is then the empty
        state before it, and the caller subscribes again.
        """
        if self._is_forgotten:
            why, self._is_forgotten = why or "ahead", False
        wants_whole = self.wants_whole(state.execution_id, cursor, why)
        self.execution_id = state.execution_id
        if wants_whole:
            self._rewound = (state.execution_id, cursor.epoch)
            cursor = Cursor(cursor.epoch, 0, initial_tag(cursor.epoch))
            state, logs = State(execution_id=state.execution_id, workflow_id=state.workflow_id), ()
        self.cursor, self.verified_from = cursor, cursor.seq
        return Snapshot(state, cursor, tuple(bytes(line) for line in logs), why)

    def holds(self, execution_id: str, cursor: Cursor) -> bool:
        """Whether what is here is of the log at `cursor`: then going on from here repeats and skips nothing.

        Of two executions it says nothing: which one comes after the other only the server knows, as neither
        ids nor times are in the order of creation.
        """
        here = self.cursor
        return here is not None and execution_id == self.execution_id and cursor.epoch == here.epoch

    def forget(self) -> bool:
        """The execution is not there any more: go on with the workflow's others, as after a restore.

        False where that is no way out: the execution itself was asked for, or nothing of it is here.
        """
        if self.cursor is None or self.x == self.execution_id:
            return False
        self.cursor = self.execution_id = None
        self._is_forgotten = True
        return True

    def believe(self, execution_id: str, cursor: Cursor) -> None:
        """Begin behind a cursor that was not proven by what is here."""
        self.execution_id, self.cursor, self.verified_from = execution_id, cursor, cursor.seq

    def wants_whole(self, execution_id: str, cursor: Cursor, why: m.Why | None = None) -> bool:
        """A snapshot at this cursor will be passed over, for the log from its first event."""
        if why == "trimmed" or not 0 < cursor.seq <= self._whole:
            return False
        if why is None and self.holds(execution_id, cursor):
            return False
        return self._rewound != (execution_id, cursor.epoch)
