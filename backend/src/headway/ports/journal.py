"""The durable store as protocols, by what each caller needs of it; one contract suite runs on every adapter.

Synchronous and safe to call from any thread: callers on an event loop use a thread.
"""

from collections.abc import Sequence
from typing import Protocol

from headway.domain.identifiers import ExecutionId, WorkflowId
from headway.domain.workflow import SourceFile, WorkflowDefinition
from headway.ports.records import (
    Appended,
    Batch,
    ExecutionFilter,
    ExecutionRecord,
    Head,
    NewExecution,
    Run,
    Segment,
)


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

    def producers(self, execution_id: ExecutionId, prefix: str) -> int:
        """How many producers whose id begins so have written to the log."""
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

    def known(self, workflow_id: WorkflowId, idempotency_key: str) -> tuple[ExecutionId, str | None] | None:
        """The execution that was created with this key, and its `request_digest`."""
        ...

    def get(self, execution_id: ExecutionId) -> ExecutionRecord:
        """Raises `ExecutionNotFound`."""
        ...

    def find(self, wanted: ExecutionFilter) -> list[ExecutionRecord]: ...

    def recent(self, workflow_ids: Sequence[WorkflowId], limit: int) -> list[Run]:
        """The last `limit` executions of each of these workflows, newest first."""
        ...

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

    def written_to(self, owner: str, prefix: str) -> list[ExecutionId]:
        """Open executions of this owner, oldest first, that a producer whose id begins so has written to."""
        ...


class Maintenance(Protocol):
    """Life cycle of the store itself."""

    def trim(self, execution_id: ExecutionId, upto: int) -> None:
        """Remove a closed execution's events up to `upto`; remembered as `trimmed_upto`."""
        ...

    def check_writable(self) -> None:
        """Raises `JournalUnavailable` if the last write through this object failed, and one now does too."""
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
