"""The rules of one simple-mode connection: what may be asked, where to start, what a client may send.

Pure: time comes in as an argument. `docs/protocol.md` states the rules; `backend/tests/test_websockets.py`
holds a real server to them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from headway.domain.events import KINDS
from headway.domain.execution import State, status_fields
from headway.domain.identifiers import ExecutionId, is_execution_id
from headway.errors import InvalidMessage
from headway.protocol.close_codes import CloseCode
from headway.protocol.codec import kind_of

BACKLOG_EVENTS = 1_000  # events before the head that a late viewer gets as stored
MIN_BEAT_S, MAX_BEAT_S = 5, 60
MAX_CLIENT_FRAME_BYTES = 65_536
CLIENT_FRAMES_PER_S = 20.0
CLIENT_FRAME_BURST = 60.0

_TERMINAL_KINDS = frozenset(kind.encode() for kind, data in KINDS.items() if data.terminal)
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleQuery:
    """What the query string asks for.

    Args:
        execution_id: Follow this one (first), not the current one of the workflow.
        after: Send events from `after` + 1 on, without a folded frame.
        beat_s: Send a folded frame after this many seconds of silence.
    """

    execution_id: ExecutionId | None = None
    after: int | None = None
    beat_s: int | None = None


def parse_query(parameters: Iterable[tuple[str, str]]) -> SimpleQuery:
    """Read the query's parameters; unknown names are left for later versions.

    Raises:
        InvalidMessage: Naming the parameter at fault, also one that is given twice.
    """
    given: dict[str, str] = {}
    for name, value in parameters:
        if name in given:
            raise InvalidMessage(f"{name} is given more than once", field=name)
        given[name] = value
    execution = given.get("execution")
    if execution is not None and not is_execution_id(execution):
        raise InvalidMessage("execution must be an execution id", field="execution")
    return SimpleQuery(
        execution_id=ExecutionId(execution) if execution is not None else None,
        after=_whole_number(given, "after", 0, 2**53 - 1),
        beat_s=_whole_number(given, "beat", MIN_BEAT_S, MAX_BEAT_S),
    )


@dataclass(frozen=True, slots=True)
class Start:
    """Where a viewer starts: events from `seq` + 1 on, before them a folded frame if `folded`."""

    seq: int
    folded: bool


def where_to_start(last_seq: int, trimmed_upto: int, after: int | None) -> Start:
    """Decide by how far the log reaches and what the viewer says it has.

    A position that the log cannot continue from is answered by a folded frame: its `as_of` tells the viewer
    that what it has is not the start of what follows.
    """
    if after is not None and trimmed_upto <= after <= last_seq:
        return Start(after, folded=False)
    seq = max(0, last_seq - BACKLOG_EVENTS, trimmed_upto)
    return Start(seq, folded=seq > 0 or after is not None)


def snapshot_text(state: State) -> bytes:
    """The folded frame that stands for the events up to `state.seq`."""
    return _encode(_folded(state, state.updated_at or "", snapshot=True) | {"state": state})


def beat_text(state: State, timestamp: str) -> bytes:
    """The folded frame that breaks a silence."""
    return _encode(_folded(state, timestamp, beat=True))


def idle_beat_text(workflow_id: str, timestamp: str) -> bytes:
    """What breaks the silence of a workflow that has not run, or not lately: there is nothing to fold."""
    return _encode(
        {
            "workflow_id": workflow_id,
            "kind": "snapshot",
            "type": "status",
            "timestamp": timestamp,
            "beat": True,
            "data": {},
        }
    )


def is_closing(body: bytes) -> bool:
    """True if the last of these stored lines is the terminal event."""
    start = body.rfind(b"\n", 0, len(body) - 1) + 1
    return kind_of(body[start : start + 80]) in _TERMINAL_KINDS


class Allowance:
    """What a client may send in simple mode: nothing that matters, and little of it.

    Text frames are read and ignored, up to 20 a second after a burst of 60.
    """

    __slots__ = ("_left", "_updated_at")

    def __init__(self, now: float) -> None:
        self._left = CLIENT_FRAME_BURST
        self._updated_at = now

    def breach(self, payload: str | bytes, now: float) -> CloseCode | None:
        """Account for a frame that arrived at `now`; the code to close with, if it breaks a limit."""
        if isinstance(payload, bytes):
            return CloseCode.BINARY_FRAME
        if len(payload.encode("utf-8", "replace")) > MAX_CLIENT_FRAME_BYTES:
            return CloseCode.FRAME_TOO_BIG
        refilled = self._left + (now - self._updated_at) * CLIENT_FRAMES_PER_S
        self._left = min(CLIENT_FRAME_BURST, refilled) - 1.0
        self._updated_at = now
        return CloseCode.TOO_MANY_FRAMES if self._left < 0 else None


def _folded(state: State, timestamp: str, **mark: bool) -> dict[str, object]:
    return {
        "execution_id": state.execution_id,
        "workflow_id": state.workflow_id,
        "kind": "snapshot",
        "type": "status",
        "timestamp": timestamp,
        **mark,
        "as_of": state.seq,
        "data": status_fields(state),
    }


def _whole_number(given: dict[str, str], name: str, least: int, most: int) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and least <= int(text) <= most):
        raise InvalidMessage(f"{name} must be a whole number from {least} to {most}", field=name)
    return int(text)
