"""What goes into the journal and comes out of it.

What is made for every batch is a struct, at a tenth of what a frozen dataclass costs to make.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from headway.domain.identifiers import ExecutionId, WorkflowId
from headway.domain.position import Cursor
from headway.domain.stored_lines import Lines, text_of


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
    questions: int = 0  # to people, that are open


class Batch(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Events of one execution from one producer, stored together or not at all.

    Args:
        bodies: Encoded events without their seq (`encode_body`), oldest first, at least one.
        producer_id: Who numbers them; `first_producer_seq` is the number of the first (from 1, no gap).
        lease: Needed from the runner; refused if a newer one exists. `None` for anybody else.
        expected_last_seq: The seq the log must be at, or `None`.
        overlooks: Kinds of events that the log may have got since `expected_last_seq`: the batch holds
            nonetheless. For whoever appends beside a runner that never pauses.
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
    overlooks: frozenset[str] = frozenset()
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
    """A run of stored events as one piece: `body` is their lines, each ended by a newline.

    `lines` is the same as it is stored, perhaps compressed; that they match the tags has then been checked.
    """

    first_seq: int
    last_seq: int
    tag_before: int
    tag_after: int
    lines: Lines

    @property
    def body(self) -> bytes:
        return text_of(self.lines)


class Head(msgspec.Struct, frozen=True, gc=False):
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
    input: bytes  # JSON object, as it is shown
    queued: bytes  # body of the first event
    created_at: str
    first: Sequence[bytes] = ()
    by: str | None = None
    retry_of: ExecutionId | None = None
    idempotency_key: str | None = None
    request_digest: str | None = None
    private_input: bytes | None = field(default=None, repr=False)  # as it is, where that is not to be shown


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
    private_input: bytes | None = field(default=None, repr=False)

    @property
    def real_input(self) -> bytes:
        """What the workflow is run with. For workers and retries: no viewer gets it."""
        return self.input if self.private_input is None else self.private_input


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionFilter:
    """Which executions to list, newest first; `before` is the id the page before ended on.

    Args:
        since: Leave out those with a lower id; ids begin with the time they were made at.
        text: Only those with it in their id or error, in any case of the letters A to Z.
        asking: Only those that wait for a person's answer.
        ids: Only these; empty for all.
    """

    workflow_id: WorkflowId | None = None
    statuses: frozenset[str] = frozenset()  # statuses or phases; empty for all
    limit: int = 50
    before: ExecutionId | None = None
    since: ExecutionId | None = None
    text: str | None = None
    asking: bool = False
    ids: frozenset[ExecutionId] = frozenset()


class Run(msgspec.Struct, frozen=True, gc=False):
    """An execution as a bar in a row of its workflow's: how it went and how long it took."""

    execution_id: ExecutionId
    workflow_id: WorkflowId
    phase: str
    started_at: str | None
    ended_at: str | None
    error: str | None
