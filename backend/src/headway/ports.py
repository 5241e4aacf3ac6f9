"""What the services need from the outside, as protocols; adapters carry them out.

The journal is synchronous and safe to call from any thread: callers on an event loop use a thread.
What is made for every batch is a struct, at a tenth of what a frozen dataclass costs to make.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import msgspec

from headway.domain.events import EventData
from headway.domain.identifiers import ExecutionId, WorkflowId
from headway.domain.position import Cursor
from headway.domain.workflow import SourceFile, WorkflowDefinition


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to append as the runner of an execution; a higher `epoch` ends every lower one."""

    owner: str
    epoch: int


class Summary(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a list shows of an execution; stored with each append that changes it."""

    status: str
    phase: str
    progress: float
    indeterminate: bool = False
    attempt: int = 0
    started_at: str | None = None
    ended_at: str | None = None
    message: str | None = None
    error: str | None = None  # first line
    error_code: str | None = None


class Batch(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Events of one execution from one producer, stored together or not at all.

    Args:
        bodies: Encoded events without their seq (`encode_body`), oldest first, at least one.
        producer_id: Who numbers them; `first_producer_seq` is the number of the first (from 1, no gap).
        lease: Needed from the runner; refused if a newer one exists. `None` for anybody else.
        expected_last_seq: The seq the log must be at, or `None`.
        closes: The last event is terminal.
        summary: Replaces the stored one; `None` keeps it.
        checkpoint: JSON of the state after the last event; only with `expected_last_seq`.
        progressed: A step's result is among them: the execution's count of crashes starts anew.
    """

    execution_id: ExecutionId
    producer_id: str
    first_producer_seq: int
    bodies: Sequence[bytes]
    producer_epoch: int = 0
    lease: Lease | None = None
    expected_last_seq: int | None = None
    closes: bool = False
    summary: Summary | None = None
    checkpoint: bytes | None = None
    progressed: bool = False


class Appended(msgspec.Struct, frozen=True, gc=False):
    """Where a batch is in the log; `duplicate` if an earlier try had already stored it."""

    first_seq: int
    last_seq: int
    last_tag: int
    duplicate: bool = False


class Segment(msgspec.Struct, frozen=True, gc=False):
    """A run of stored events as one piece: `body` is their lines, each ended by a newline."""

    first_seq: int
    last_seq: int
    tag_before: int
    tag_after: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """How far an execution's log reaches."""

    epoch: str
    last_seq: int
    last_tag: int
    closed: bool
    trimmed_upto: int = 0

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.epoch, self.last_seq, self.last_tag)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewExecution:
    """An execution to be queued; its first event is `execution.queued`, then come those of `first`."""

    execution_id: ExecutionId
    workflow_id: WorkflowId
    input: bytes  # JSON object
    queued: bytes  # body of the first event
    created_at: str
    first: Sequence[bytes] = ()
    by: str | None = None
    retry_of: ExecutionId | None = None
    idempotency_key: str | None = None
    request_digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRecord:
    """One row of the list of executions."""

    execution_id: ExecutionId
    workflow_id: WorkflowId
    head: Head
    summary: Summary
    input: bytes
    created_at: str
    by: str | None = None
    retry_of: ExecutionId | None = None
    lease_owner: str | None = None
    lease_epoch: int = 0
    crashes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionFilter:
    """Which executions to list, newest first; `before` is the id the page before ended on."""

    workflow_id: WorkflowId | None = None
    statuses: frozenset[str] = frozenset()  # statuses or phases; empty for all
    limit: int = 50
    before: ExecutionId | None = None


class EventLog(Protocol):
    """The ordered log of each execution."""

    def append(self, batches: Sequence[Batch]) -> list[Appended | Exception]:
        """Store the batches in one durable transaction; each stands or falls by itself.

        Returns:
            For each batch where it is now, or why it was refused: `AppendConflict` (not at
            `expected_last_seq`), `ProducerGap`, `LeaseLost`, `ExecutionClosed`, `ExecutionNotFound`.

        Raises:
            JournalUnavailable: The outcome is unknown; retry the same batches.
        """
        ...

    def read(
        self, execution_id: ExecutionId, after: int, *, max_events: int = 10_000, max_bytes: int = 1 << 20
    ) -> list[Segment]:
        """Segments that hold the events after `after`, oldest first; the first one is cut to start there.

        Returns at least one event if there is one, and otherwise stops at the limits, or earlier (but with
        16 KiB) before a segment that it would have to cut.

        Raises:
            ExecutionNotFound: There is no such execution.
            PositionLost: Retention has removed events after `after`.
        """
        ...

    def heads(self, execution_ids: Sequence[ExecutionId]) -> dict[ExecutionId, Head]:
        """Heads of those that exist."""
        ...

    def checkpoint(self, execution_id: ExecutionId, at_most: int) -> tuple[int, bytes] | None:
        """The newest stored state at or before seq `at_most`: its seq and JSON."""
        ...

    def tag_at(self, execution_id: ExecutionId, seq: int) -> int:
        """The chained tag at `seq`, recomputed from what is stored."""
        ...


class Catalog(Protocol):
    """Executions and definitions as rows."""

    def create(self, new: NewExecution) -> tuple[ExecutionId, bool]:
        """Queue an execution with its first event.

        Returns:
            The id, and whether it is new: with a known `idempotency_key` it is the first one's.

        Raises:
            IdempotencyConflict: The key came with another `request_digest`.
        """
        ...

    def get(self, execution_id: ExecutionId) -> ExecutionRecord:
        """Raises `ExecutionNotFound`."""
        ...

    def find(self, wanted: ExecutionFilter) -> list[ExecutionRecord]: ...

    def follow(self, workflow_id: WorkflowId, after: ExecutionId | None) -> ExecutionId | None:
        """Which execution a viewer of the workflow follows.

        With `after`: the next one by start order, if any. Without: the oldest open one that has been started,
        else the oldest queued one, else the latest.
        """
        ...

    def put_definitions(self, source: SourceFile, definitions: Sequence[WorkflowDefinition]) -> None:
        """Replace what this file defines; with an import error the former definitions stay, marked by it."""
        ...

    def definitions(self) -> tuple[list[WorkflowDefinition], list[SourceFile]]: ...

    def retain_sources(self, paths: Sequence[str]) -> None:
        """Forget the definitions of files that are no longer served."""
        ...


SUSPECT_CRASHES = 2  # one that has so many may be what takes its workers down


class StartQueue(Protocol):
    """Who runs what. A lease ends when its owner is known to be dead, never by a clock."""

    def claim(self, owner: str, workflow_ids: Sequence[WorkflowId], limit: int) -> list[ExecutionRecord]:
        """Take up to `limit` open executions that nobody holds, oldest first; raises their lease epoch.

        Where there are suspects (`SUSPECT_CRASHES`), it is one of them alone, with the most crashes.
        """
        ...

    def forgive(self, execution_id: ExecutionId) -> None:
        """Count the execution's crashes anew: it has run for a while and harmed nobody."""
        ...

    def release(self, owner: str, *, crashed: bool) -> list[ExecutionRecord]:
        """End the leases of an owner that is gone; a crash is counted on each of its executions."""
        ...

    def owners(self) -> list[str]:
        """Owners of leases on open executions."""
        ...


class Maintenance(Protocol):
    """Life cycle of the store itself."""

    def trim(self, execution_id: ExecutionId, upto: int) -> None:
        """Remove a closed execution's events up to `upto`; remembered as `trimmed_upto`."""
        ...

    def close(self) -> None: ...


class Housekeeping(Protocol):
    """Keeps the store small. Each call is one short durable step: a crash between two leaves nothing torn."""

    def uncompacted(self, limit: int) -> list[ExecutionId]:
        """Closed executions whose log is still as it was appended, in order of creation."""
        ...

    def compact(self, execution_id: ExecutionId, after: int) -> int | None:
        """Join the next run of small segments behind seq `after`; a closed execution's are compressed too.

        What can be read, at every position and with its tag, stays the same to the byte.

        Returns:
            The seq to go on after; `None` at the end of the log, where a closed execution is done for good.

        Raises:
            ExecutionNotFound: There is no such execution.
            JournalCorrupt: What is stored does not match its tags; it is left as it is.
        """
        ...

    def ended(self, before: str, limit: int) -> list[ExecutionId]:
        """Closed executions that ended before this time, oldest first; never a workflow's latest one."""
        ...

    def forget(self, execution_id: ExecutionId) -> bool:
        """Remove the next part of a closed execution, the start of its log first.

        Returns:
            True once nothing of it is left.

        Raises:
            ConflictError: It is open.
        """
        ...

    def used_bytes(self) -> int:
        """What the store takes, as near as can be told cheaply."""
        ...


class Journal(EventLog, Catalog, StartQueue, Maintenance, Housekeeping, Protocol):
    """The durable store: one contract suite runs on every implementation."""


class Hint(msgspec.Struct, frozen=True, gc=False):
    """A lossy "look again": `topic` is `events` (an execution's log grew), `queue`, or `definitions`."""

    topic: str
    execution_id: ExecutionId | None = None
    last_seq: int = 0


class HintBus(Protocol):
    """Carries hints between processes; may lose, repeat and reorder them, never blocks."""

    def publish(self, hints: Sequence[Hint]) -> None: ...

    def subscribe(self, receive: Callable[[Sequence[Hint]], None]) -> Callable[[], None]:
        """Call `receive` (on any thread, quickly) for hints of other members and of this one.

        Returns:
            A function that ends the subscription.
        """
        ...

    def close(self) -> None: ...


class Clock(Protocol):
    def now_ns(self) -> int:
        """Unix time in nanoseconds."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOptions:
    """How a step runs; see `headway.step`."""

    name: str
    retries: int = 0
    backoff_s: float = 1.0
    timeout_s: float | None = None
    weight: float = 1.0
    process: bool = False
    max_concurrency: int | None = None


class RunnableStep(Protocol):
    """A user's function as a step."""

    @property
    def options(self) -> StepOptions: ...

    @property
    def function(self) -> Callable[..., Any]: ...

    @property
    def is_async(self) -> bool: ...

    def restore(self, value: Any) -> Any:
        """Make a recorded JSON result what the function's return annotation says."""
        ...


class RunnableWorkflow(Protocol):
    """A user's function as a workflow."""

    @property
    def definition(self) -> WorkflowDefinition: ...

    @property
    def function(self) -> Callable[..., Any]: ...

    @property
    def is_async(self) -> bool: ...

    def arguments(self, input: Mapping[str, Any]) -> dict[str, Any]:
        """Validate the input and make it what the type hints say.

        Raises:
            InvalidInput: Naming each field.
        """
        ...


OnDeadline = Literal["reject", "approve", "fail"]


@dataclass(frozen=True, slots=True)
class Timer:
    """A wait for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A wait for a person's answer; `form` is the JSON Schema, encoded, of the values that come with a yes.

    It ends in a `Reply`, or with `fail` in `ApprovalTimeout` where nobody answers in time.
    """

    message: str
    form: bytes | None = None
    deadline_s: float | None = None
    on_deadline: OnDeadline = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer: `values` as JSON says them; `expired` where it is the deadline's, not a person's."""

    approved: bool
    by: str = ""
    values: Any = None
    expired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A wait for a message of this name; ends in its value, or in `SignalTimeout`."""

    name: str
    timeout_s: float | None = None


Wait = Timer | Question | Signal


class Scope(Protocol):
    """Where user code is: inside which execution, and which step of it (if any).

    `emit` never blocks and never raises. `Scope` objects are cheap; one exists for the workflow body and one
    for each running attempt of a step.
    """

    @property
    def execution_id(self) -> ExecutionId: ...

    @property
    def step_id(self) -> str | None: ...

    @property
    def step_name(self) -> str | None: ...

    @property
    def cancelled(self) -> bool:
        """Plain functions look here to stop early; asynchronous ones are cancelled."""
        ...

    def emit(self, data: EventData) -> None: ...

    def run_step(self, step: RunnableStep, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Awaitable[Any]:
        """Run (or recall) a step from asynchronous code on the engine's loop."""
        ...

    def run_step_blocking(self, step: RunnableStep, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The same from a plain function, in its thread."""
        ...

    def map(
        self, step: RunnableStep, items: Sequence[Any], *, concurrency: int | None, return_exceptions: bool
    ) -> Awaitable[list[Any]]:
        """One step an item, in a group that shows done of total; results in the items' order."""
        ...

    def map_blocking(
        self, step: RunnableStep, items: Sequence[Any], *, concurrency: int | None, return_exceptions: bool
    ) -> list[Any]: ...

    def wait(self, wanted: Wait) -> Awaitable[Any]:
        """Wait (or recall how a wait ended); it goes on after a crash where it was."""
        ...

    def wait_blocking(self, wanted: Wait) -> Any:
        """The same from a plain function, in its thread."""
        ...

    def branch(self, index: int) -> "Scope":
        """The scope of one branch of a `gather`, so that its steps are found again after a crash."""
        ...

    def save_output(self, name: str, content: bytes, media_type: str) -> None:
        """Keep a file with the execution and emit `output`."""
        ...


current_scope: ContextVar[Scope | None] = ContextVar("headway_scope", default=None)


class OutputStore(Protocol):
    """Files that executions leave behind."""

    def save(self, execution_id: ExecutionId, name: str, content: bytes) -> None: ...

    def load(self, execution_id: ExecutionId, name: str) -> bytes:
        """Raises `OutputNotFound`."""
        ...

    def remove(self, execution_id: ExecutionId) -> None:
        """Remove all that an execution left; harmless to repeat."""
        ...


class Engine(Protocol):
    """Runs workflows. The embedded engine is one; adapters of other engines are others."""

    @property
    def capabilities(self) -> "Capabilities": ...

    async def start(self) -> None: ...

    async def stop(self, grace_s: float) -> None:
        """Stop taking executions; give running ones `grace_s`, then leave them for the next worker."""
        ...


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do; drives what the screen offers."""

    cancel: bool = True
    retry: bool = True
    signals: bool = True  # and approvals
    plan_known: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
