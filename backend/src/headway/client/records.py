"""What a server answers, decoded: unknown fields are ignored, so an older client reads a newer server."""

from typing import Any

import msgspec
from msgspec import Raw

from headway.domain.events import Event, decode_line
from headway.domain.execution import State
from headway.domain.position import Cursor


class ExecutionRow(msgspec.Struct, kw_only=True):
    """One row of the list of executions."""

    execution_id: str
    workflow_id: str
    status: str
    phase: str
    progress: float = 0.0
    indeterminate: bool = False
    attempt: int = 0
    created_at: str
    started_at: str | None = None
    ended_at: str | None = None
    message: str | None = None
    error: str | None = None
    error_code: str | None = None
    by: str | None = None
    retry_of: str | None = None
    input: Raw = Raw(b"null")
    last_seq: int = 0
    closed: bool = False


class ExecutionDetails(msgspec.Struct, kw_only=True):
    """One execution with its whole state; `cursor` is the position the state is at, with its proof."""

    execution: ExecutionRow
    state: State
    cursor: str

    @property
    def position(self) -> Cursor:
        return Cursor.parse(self.cursor)


class ExecutionPage(msgspec.Struct, kw_only=True):
    executions: list[ExecutionRow]
    next_cursor: str | None = None


class WorkflowRow(msgspec.Struct, kw_only=True):
    """A workflow as the server knows it; `import_error` tells why its file does not import now."""

    workflow_id: str
    title: str = ""
    description: str = ""
    input_schema: dict[str, Any] = msgspec.field(default_factory=dict)
    source: str = ""
    import_error: str | None = None


class WorkflowPage(msgspec.Struct, kw_only=True):
    workflows: list[WorkflowRow]


class Started(msgspec.Struct, kw_only=True):
    """Answer to a start; `created` is false where the idempotency key was known."""

    execution_id: str
    workflow_id: str
    created: bool = True


class Receipt(msgspec.Struct, kw_only=True):
    """Answer to a control; its stages follow as events that carry the same `control_id`."""

    control_id: str
    control: str
    execution_id: str


class Update(msgspec.Struct, kw_only=True):
    """One frame of the feed: an event (with `seq`), or a folded frame (without) for all before it.

    `state` is the whole state of a folded frame that opens a feed; `raw` is the frame as it came.
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
    beat: bool = False
    state: State | None = None
    raw: bytes = b""

    @property
    def is_terminal(self) -> bool:
        return self.seq is not None and self.type in ("complete", "error")

    def event(self) -> Event | None:
        """The event as the fold takes it; `None` for a folded frame.

        Raises:
            InvalidMessage: The server is newer and knows a kind that this client does not.
        """
        return None if self.seq is None else decode_line(self.raw)


_decode_update = msgspec.json.Decoder(Update).decode


def decode_update(frame: bytes) -> Update:
    """Read one frame of the feed in simple mode.

    Raises:
        msgspec.MsgspecError: The frame is none.
    """
    update = _decode_update(frame)
    update.raw = frame
    return update
