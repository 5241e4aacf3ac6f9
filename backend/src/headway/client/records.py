"""What a feed gives its user, one event or state at a time: unknown fields are ignored."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Raw

from headway.domain.events import Event, decode_line
from headway.domain.execution import State, status_fields
from headway.domain.position import Cursor, chain
from headway.protocol.frames import SimpleFramer
from headway.protocol.messages import LeftOut
from headway.protocol.viewer_position import Run, Snapshot


class Update(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An event (with `seq`), or a state in place of all before it (`snapshot`).

    Args:
        state: Of a snapshot, exact at `as_of`; `recent` are the last log lines before it, as stored.
        why: The reason of a snapshot that could not be continued from what came before: forget that.
        left_out: Events before this one that it stands for; only in mode `state`.
        cursor: Where to go on behind this update; keep it together with what you made of it.
        verified_from: The hash chain was checked on every line after this seq; 0 for all of the log.
        raw: The event as a frame of simple mode.
    """

    execution_id: str
    workflow_id: str
    kind: str
    type: str
    timestamp: str
    data: dict[str, Any]
    seq: int | None = None
    as_of: int | None = None
    snapshot: bool = False
    state: State | None = None
    recent: list[Raw] = msgspec.field(default_factory=list)
    why: str | None = None
    left_out: LeftOut | None = None
    cursor: str | None = None
    verified_from: int | None = None
    raw: bytes = b""

    @property
    def is_terminal(self) -> bool:
        """The execution has ended, and nothing follows."""
        if self.seq is None:
            return self.state is not None and self.state.closed
        return self.type in ("complete", "error")

    def event(self) -> Event | None:
        """The event as the fold takes it; `None` for a snapshot.

        Raises:
            InvalidMessage: The server is newer and knows a kind that this client does not.
        """
        return None if self.seq is None else decode_line(self.raw)


_decode_update = msgspec.json.Decoder(Update).decode


def decode_update(frame: bytes) -> Update:
    """Read one event as a frame of simple mode.

    Raises:
        msgspec.MsgspecError: The frame is none.
    """
    update = _decode_update(frame)
    update.raw = frame
    return update


def updates_of(run: Run, workflow_id: str) -> Iterator[Update]:
    """An update for each line of a run, with the cursor behind it where that is known."""
    framer = SimpleFramer(run.execution_id, workflow_id)
    epoch, tag = run.before.epoch, run.before.tag
    last = len(run.lines) - 1
    for index, line in enumerate(run.lines):
        update = decode_update(framer.text(line))
        update.verified_from = run.verified_from
        if run.left_out is None:
            tag = chain(tag, line + b"\n")
            update.cursor = str(Cursor(epoch, run.before.seq + index + 1, tag))
        else:
            update.left_out = run.left_out if index == 0 else None
            update.cursor = str(run.cursor) if index == last else None
        yield update


def update_of(snapshot: Snapshot) -> Update:
    """The update for a state."""
    update = folded(snapshot.state)
    update.recent = [Raw(line) for line in snapshot.logs]
    update.why, update.cursor = snapshot.why, str(snapshot.cursor)
    update.verified_from = snapshot.cursor.seq
    return update


def folded(state: State) -> Update:
    """A state as the update that stands for all events up to it."""
    return Update(
        execution_id=state.execution_id,
        workflow_id=state.workflow_id,
        kind="snapshot",
        type="status",
        timestamp=state.updated_at or "",
        data=status_fields(state),
        as_of=state.seq,
        snapshot=True,
        state=state,
    )
