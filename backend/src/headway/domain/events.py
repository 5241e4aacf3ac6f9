"""The event union: one data struct per kind, with its wire type and the fields every viewer may read.

An event is `{"seq", "kind", "type", "timestamp", "data"}`. What an emitter builds is only the data struct
(tens of nanoseconds); `encode_body` adds the rest, once, off the emitter's thread. The stored line of an
event is `{"seq":N,` before that body.
"""

from enum import StrEnum
from typing import Any, ClassVar, Literal, get_args

import msgspec
from msgspec import UNSET, Raw, UnsetType

from headway.errors import InvalidMessage

WireType = Literal["status", "log", "progress", "error", "complete"]
Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
LEVELS: tuple[str, ...] = get_args(Level)
MAX_MESSAGE_BYTES = 65_536  # a longer log message is cut and carries its full length
ERROR_LEVELS = frozenset({"ERROR", "CRITICAL"})


def null() -> Raw:
    """JSON's `null`, undecoded."""
    return Raw(b"null")


class Status(StrEnum):
    """Status of an execution, as far as a naive client can tell."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Phase(StrEnum):
    """Finer than `Status`: what the execution is doing now."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"  # for an approval, a signal or a timer
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepStatus(StrEnum):
    RUNNING = "running"
    RETRYING = "retrying"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class Totals(msgspec.Struct, gc=False):
    """What the seal says: a viewer that counted the same has everything."""

    events: int
    logs: int
    errors: int
    dropped: int = 0


class PlannedStep(msgspec.Struct, gc=False):
    """A step the workflow says it will run; `after` names the steps it waits for."""

    name: str
    after: list[str] = msgspec.field(default_factory=list)
    weight: float = 1.0


class EventData(msgspec.Struct, omit_defaults=True, gc=False):
    """What one kind of event says. Strings and numbers only; anything richer arrives encoded, as `Raw`."""

    kind: ClassVar[str] = ""
    wire: ClassVar[WireType] = "status"
    constant: ClassVar[dict[str, Any]] = {}  # fields with one value for the kind: encoded, never stored
    terminal: ClassVar[bool] = False
    droppable: ClassVar[bool] = False  # may be given up, counted, when the store stalls


class ExecutionQueued(EventData, kw_only=True):
    kind = "execution.queued"
    constant: ClassVar[dict[str, Any]] = {"status": "running", "phase": "queued"}
    input: Raw
    by: str | None = None
    retry_of: str | None = None
    from_step: str | None = None
    plan: list[PlannedStep] = msgspec.field(default_factory=list)  # as known now; the start has its own
    message: str | None = None


class ExecutionStarted(EventData, kw_only=True):
    kind = "execution.started"
    constant: ClassVar[dict[str, Any]] = {"status": "running", "phase": "running"}
    attempt: int
    worker: str
    reused_steps: int = 0  # whose results were copied from the execution that this one does over
    progress: float | UnsetType = UNSET  # set by the recorder: the roll-up
    indeterminate: bool = False
    plan: list[PlannedStep] = msgspec.field(default_factory=list)
    message: str | None = None


class ExecutionResumed(EventData, kw_only=True):
    """Crash recovery of an open execution; `attempt` counts the times it was taken up."""

    kind = "execution.resumed"
    constant: ClassVar[dict[str, Any]] = {"status": "running", "phase": "running"}
    attempt: int
    worker: str
    reused_steps: int = 0
    progress: float | UnsetType = UNSET
    indeterminate: bool = False
    plan: list[PlannedStep] = msgspec.field(default_factory=list)
    message: str | None = None


class ExecutionResult(msgspec.Struct, gc=False, kw_only=True):
    """What `onExecutionComplete` gets."""

    execution_id: str
    status: str
    output: Raw = msgspec.field(default_factory=null)
    error: str | None = None
    totals: Totals


class ExecutionCompleted(EventData, kw_only=True):
    kind = "execution.completed"
    wire: ClassVar[WireType] = "complete"
    constant: ClassVar[dict[str, Any]] = {"status": "completed", "phase": "completed", "progress": 100.0}
    terminal = True
    message: str = "completed"
    totals: Totals
    result: ExecutionResult


class ExecutionFailed(EventData, kw_only=True):
    kind = "execution.failed"
    wire: ClassVar[WireType] = "error"
    constant: ClassVar[dict[str, Any]] = {"status": "failed", "phase": "failed"}
    terminal = True
    error: str  # one line: "KeyError: 'sku'"
    code: str = "workflow_failed"
    message: str | None = None
    traceback: str | None = None
    step: str | None = None
    step_id: str | None = None
    progress: float | UnsetType = UNSET
    totals: Totals
    result: ExecutionResult


class ExecutionCancelled(EventData, kw_only=True):
    kind = "execution.cancelled"
    wire: ClassVar[WireType] = "complete"
    constant: ClassVar[dict[str, Any]] = {"status": "cancelled", "phase": "cancelled"}
    terminal = True
    message: str = "cancelled"
    by: str | None = None
    progress: float | UnsetType = UNSET
    totals: Totals
    result: ExecutionResult


class StepStarted(EventData, kw_only=True):
    kind = "step.started"
    constant: ClassVar[dict[str, Any]] = {"status": "running", "step_status": "running"}
    step: str
    step_id: str
    attempt: int = 1
    key: str | None = None  # digest of name, lane and arguments; recovery finds results by it
    parent: str | None = None
    total: int | None = None  # how many items the step will go through, where known
    unit: str | None = None
    weight: float = 1.0
    message: str | None = None


class StepProgressed(EventData, kw_only=True):
    """`done` of `total` in `unit`; `progress` is the execution's, set by the recorder."""

    kind = "step.progressed"
    wire: ClassVar[WireType] = "progress"
    droppable = True
    progress: float | UnsetType = UNSET
    indeterminate: bool = False
    step: str | None = None
    step_id: str | None = None
    done: int | float | None = None
    total: int | float | None = None
    unit: str | None = None
    message: str | None = None


class StepRetrying(EventData, kw_only=True):
    kind = "step.retrying"
    wire: ClassVar[WireType] = "log"
    constant: ClassVar[dict[str, Any]] = {"level": "ERROR", "step_status": "retrying"}
    step: str
    step_id: str
    attempt: int  # the one that failed
    max_attempts: int
    backoff_s: float
    message: str
    error: str
    traceback: str | None = None


class StepCompleted(EventData, kw_only=True):
    kind = "step.completed"
    wire: ClassVar[WireType] = "progress"
    constant: ClassVar[dict[str, Any]] = {"step_status": "completed"}
    progress: float | UnsetType = UNSET
    indeterminate: bool = False
    step: str
    step_id: str
    attempt: int = 1
    key: str | None = None
    duration_s: float | None = None
    reused: bool = False  # copied from the execution that this one does over; the step was not run here
    result: Raw | UnsetType = (
        UNSET  # absent where the result cannot be encoded: a resumed run does the step again
    )
    message: str | None = None


class StepFailed(EventData, kw_only=True):
    """The step has no try left; the workflow may still catch the error, so this is a log line."""

    kind = "step.failed"
    wire: ClassVar[WireType] = "log"
    constant: ClassVar[dict[str, Any]] = {"level": "ERROR", "step_status": "failed"}
    step: str
    step_id: str
    attempt: int = 1
    message: str
    error: str
    traceback: str | None = None
    duration_s: float | None = None
    input: str | None = None  # its arguments by name as JSON text, at most 1 KiB, ended by … where cut


class StepSkipped(EventData, kw_only=True):
    kind = "step.skipped"
    constant: ClassVar[dict[str, Any]] = {"status": "running", "step_status": "skipped"}
    step: str
    step_id: str
    message: str | None = None


class StepCancelled(EventData, kw_only=True):
    kind = "step.cancelled"
    constant: ClassVar[dict[str, Any]] = {"status": "running", "step_status": "cancelled"}
    step: str
    step_id: str
    attempt: int = 1
    message: str | None = None


class Log(EventData):
    kind = "log"
    wire: ClassVar[WireType] = "log"
    droppable = True
    level: str
    message: str
    step_id: str | None = None
    step: str | None = None
    logger: str | None = None
    stream: str | None = None  # stdout, stderr or logging
    length: int | None = None  # bytes before the cut, where the message was cut


class Control(EventData, kw_only=True):
    """What the three kinds of a control share; `control_id` is its receipt.

    A cancel with `force` ends the worker where its event loop does not answer.
    """

    control: str  # cancel, retry, approve or signal
    control_id: str
    by: str | None = None
    force: bool = False
    message: str | None = None


class ControlRequested(Control, kw_only=True):
    kind = "control.requested"
    constant: ClassVar[dict[str, Any]] = {"status": "running"}
    phase: str | None = None  # of the execution from now on, where the request itself changes it


class ControlDelivered(Control, kw_only=True):
    kind = "control.delivered"
    constant: ClassVar[dict[str, Any]] = {"status": "running"}


class ControlEffective(Control, kw_only=True):
    kind = "control.effective"
    constant: ClassVar[dict[str, Any]] = {"status": "running"}


class ApprovalRequested(EventData, kw_only=True):
    """The workflow waits for a person's answer; `form` is the JSON Schema of what comes with a yes."""

    kind = "approval.requested"
    constant: ClassVar[dict[str, Any]] = {"status": "running", "phase": "waiting"}
    approval_id: str
    message: str
    key: str | None = None  # digest of place and question; recovery finds the answer by it
    step_id: str | None = None
    form: Raw | UnsetType = UNSET
    deadline: str | None = None
    on_deadline: str | None = None  # reject, approve or fail


class ApprovalAnswered(EventData, kw_only=True):
    """The first answer counts; `phase` is the execution's after it, for viewers that do not fold."""

    kind = "approval.answered"
    constant: ClassVar[dict[str, Any]] = {"status": "running"}
    approval_id: str
    approved: bool
    phase: str | None = None
    by: str | None = None
    values: Raw | UnsetType = UNSET
    reason: str | None = None  # in the words of who answered
    expired: bool = False  # nobody answered in time
    control_id: str | None = None
    message: str | None = None


class WaitStarted(EventData, kw_only=True):
    """The workflow waits for a time (`timer`) or for a message (`signal`), at most `until`."""

    kind = "wait.started"
    constant: ClassVar[dict[str, Any]] = {"status": "running", "phase": "waiting"}
    wait_id: str
    wait: str  # timer or signal
    key: str | None = None
    name: str | None = None  # of the signal
    step_id: str | None = None
    until: str | None = None
    message: str | None = None


class WaitEnded(EventData, kw_only=True):
    """A wait is over, also one for an approval whose answer the code no longer wants."""

    kind = "wait.ended"
    constant: ClassVar[dict[str, Any]] = {"status": "running"}
    wait_id: str
    wait: str  # timer, signal or approval
    outcome: str  # elapsed, received or cancelled
    phase: str | None = None
    key: str | None = None
    name: str | None = None
    signal_id: str | None = None  # the one it took
    step_id: str | None = None


class SignalReceived(EventData, kw_only=True):
    """A message to the workflow; it stays in the log until a wait of its name takes it."""

    kind = "signal.received"
    constant: ClassVar[dict[str, Any]] = {"status": "running"}
    signal_id: str  # also the `control_id` of its receipt
    name: str
    value: Raw = msgspec.field(default_factory=null)
    by: str | None = None


class Output(EventData, kw_only=True):
    """A named file the workflow leaves behind; its bytes are served by the HTTP API."""

    kind = "output"
    wire: ClassVar[WireType] = "log"
    constant: ClassVar[dict[str, Any]] = {"level": "INFO"}
    name: str
    media_type: str
    size: int  # bytes
    sha256: str
    message: str
    step_id: str | None = None


class Gap(EventData, kw_only=True):
    """Events a producer had to give up because the store stalled."""

    kind = "gap"
    wire: ClassVar[WireType] = "log"
    constant: ClassVar[dict[str, Any]] = {"level": "WARNING"}
    dropped: int
    logs: int = 0
    progress: int = 0
    message: str


KINDS: dict[str, type[EventData]] = {
    data.kind: data
    for data in (
        *(ExecutionQueued, ExecutionStarted, ExecutionResumed),
        *(ExecutionCompleted, ExecutionFailed, ExecutionCancelled),
        *(StepStarted, StepProgressed, StepRetrying, StepCompleted, StepFailed, StepSkipped, StepCancelled),
        *(Log, Output, Gap),
        *(ControlRequested, ControlDelivered, ControlEffective, ApprovalRequested, ApprovalAnswered),
        *(WaitStarted, WaitEnded, SignalReceived),
    )
}


class Event(msgspec.Struct, frozen=True, gc=False):
    """One immutable record of an execution; `seq` counts from 1 without a gap."""

    seq: int
    timestamp: str  # RFC 3339, UTC, microseconds, "Z"
    data: EventData

    @property
    def kind(self) -> str:
        return self.data.kind


class _Envelope(msgspec.Struct):
    seq: int
    kind: str
    timestamp: str
    data: Raw


_encode = msgspec.json.Encoder().encode
_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decoders = {kind: msgspec.json.Decoder(data) for kind, data in KINDS.items()}
# What stands before the timestamp of a kind, and between it and the kind's own fields.
_AROUND = {
    data: (
        f'"kind":"{kind}","type":"{data.wire}","timestamp":"'.encode(),
        b'","data":%b' % (_encode(data.constant)[:-1] + b"," if data.constant else b"{"),
    )
    for kind, data in KINDS.items()
}


def encode_body(data: EventData, timestamp: str) -> bytes:
    """Encode everything of an event but its seq: `"kind":…,"type":…,"timestamp":…,"data":{…}}`.

    Never fails on text: lone surrogates are replaced, in `data` too: what is folded is what is stored.
    """
    try:
        fields = _encode(data)
    except UnicodeEncodeError:
        _replace_surrogates(data)
        fields = _encode(data)
    before, after = _AROUND[type(data)]
    return b"".join((before, timestamp.encode(), after, fields[1:], b"}"))


def stored_line(seq: int, body: bytes) -> bytes:
    """The line the journal keeps, without its newline: what the tag is computed over."""
    return b'{"seq":%d,%b' % (seq, body)


def decode_line(line: bytes) -> Event:
    """Read a stored line.

    Raises:
        InvalidMessage: The line is no event of a known kind.
    """
    try:
        envelope = _decode_envelope(line)
        return Event(envelope.seq, envelope.timestamp, _decoders[envelope.kind].decode(envelope.data))
    except KeyError as unknown:
        raise InvalidMessage(f"unknown kind {unknown}", field="kind") from None
    except msgspec.MsgspecError as error:
        raise InvalidMessage(f"not an event: {error}") from error


def cut_message(message: str) -> tuple[str, int | None]:
    """Bound a log message; the second value is its full length in bytes where it was cut."""
    if len(message) * 4 <= MAX_MESSAGE_BYTES:
        return message, None
    encoded = message.encode("utf-8", "replace")
    if len(encoded) <= MAX_MESSAGE_BYTES:
        return message, None
    return encoded[:MAX_MESSAGE_BYTES].decode("utf-8", "ignore"), len(encoded)


def _replace_surrogates(struct: msgspec.Struct) -> None:
    for field in struct.__struct_fields__:
        setattr(struct, field, _encodable(getattr(struct, field)))


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if isinstance(value, msgspec.Struct):
        _replace_surrogates(value)
    return value
