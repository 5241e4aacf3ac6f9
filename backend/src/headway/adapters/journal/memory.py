"""The journal in memory: the whole contract without a disk, for tests of ours and of users."""

import secrets
import threading
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from string import ascii_lowercase, ascii_uppercase

from typing_extensions import override

from headway.adapters.journal.admission import (
    CHECKPOINT_SPACING,
    QUEUED,
    ProducerMark,
    Standing,
    admit,
    mark_of,
    overlooks,
    queued_batch,
    seal,
)
from headway.adapters.journal.segments import cut_start, join, page
from headway.domain.identifiers import ExecutionId, WorkflowId
from headway.domain.position import initial_tag
from headway.domain.workflow import SourceFile, WorkflowDefinition
from headway.errors import (
    AppendConflict,
    ConflictError,
    ExecutionNotFound,
    IdempotencyConflict,
    JournalUnavailable,
    PositionLost,
)
from headway.ports import (
    SUSPECT_CRASHES,
    Appended,
    Batch,
    ExecutionFilter,
    ExecutionRecord,
    Head,
    Journal,
    NewExecution,
    Run,
    Segment,
    Summary,
)

_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)  # as SQLite has it


@dataclass(slots=True)
class _Log:
    """One execution with everything that belongs to it."""

    new: NewExecution
    epoch: str
    summary: Summary = QUEUED
    last_seq: int = 0
    last_tag: int = 0
    closed: bool = False
    trimmed_upto: int = 0
    lease_owner: str | None = None
    lease_epoch: int = 0
    crashes: int = 0
    segments: list[Segment] = field(default_factory=list)
    checkpoints: list[tuple[int, bytes]] = field(default_factory=list)
    producers: dict[str, ProducerMark] = field(default_factory=dict)
    compacted: bool = False

    def head(self) -> Head:
        return Head(self.epoch, self.last_seq, self.last_tag, self.closed, self.trimmed_upto)

    def standing(self) -> Standing:
        return Standing(self.last_seq, self.last_tag, self.closed, self.lease_owner, self.lease_epoch)

    def record(self) -> ExecutionRecord:
        return ExecutionRecord(
            execution_id=self.new.execution_id,
            workflow_id=self.new.workflow_id,
            head=self.head(),
            summary=self.summary,
            input=self.new.input,
            created_at=self.new.created_at,
            by=self.new.by,
            retry_of=self.new.retry_of,
            lease_owner=self.lease_owner,
            lease_epoch=self.lease_epoch,
            crashes=self.crashes,
            private_input=self.new.private_input,
        )

    def store(self, batch: Batch) -> Appended:
        segment = seal(batch, self.last_seq, self.last_tag)
        self.segments.append(segment)
        self.producers[batch.producer_id] = mark_of(batch, segment)
        self.last_seq, self.last_tag = segment.last_seq, segment.tag_after
        self.summary = batch.summary or self.summary
        self.closed = batch.closes
        self.crashes = 0 if batch.progressed else self.crashes
        if batch.checkpoint is not None:
            self._keep_checkpoint(segment.last_seq, batch.checkpoint)
        return Appended(segment.first_seq, segment.last_seq, segment.tag_after)

    def _keep_checkpoint(self, seq: int, state: bytes) -> None:
        kept = self.checkpoints
        if kept and seq - (kept[-2][0] if len(kept) > 1 else 0) <= CHECKPOINT_SPACING:
            kept.pop()
        kept.append((seq, state))

    def segment_index(self, seq: int) -> int:
        """Which segment holds `seq`, or the place behind the last."""
        index = bisect_right(self.segments, seq, key=lambda segment: segment.first_seq) - 1
        return index if index >= 0 and seq <= self.segments[index].last_seq else index + 1


class MemoryJournal(Journal):
    """A journal that lives and dies with its process.

    Args:
        new_epoch: Makes the epoch of a new execution: 8 lower-case hex digits.
    """

    def __init__(self, *, new_epoch: Callable[[], str] = lambda: secrets.token_hex(4)) -> None:
        self._new_epoch = new_epoch
        self._lock = threading.RLock()
        self._logs: dict[ExecutionId, _Log] = {}  # in order of creation
        self._keys: dict[tuple[WorkflowId, str], NewExecution] = {}
        self._definitions: dict[WorkflowId, tuple[str, WorkflowDefinition]] = {}  # with its file
        self._sources: dict[str, SourceFile] = {}
        self._is_closed = False

    @override
    def append(self, batches: Sequence[Batch]) -> list[Appended | Exception]:
        with self._lock:
            self._check_open()
            return [self._append_one(batch) for batch in batches]

    @override
    def read(
        self, execution_id: ExecutionId, after: int, *, max_events: int = 10_000, max_bytes: int = 1 << 20
    ) -> list[Segment]:
        with self._lock:
            log = self._log(execution_id)
            if after < log.trimmed_upto:
                raise PositionLost(trimmed_upto=log.trimmed_upto)
            following = log.segments[log.segment_index(after + 1) :]
        return page(following, after, max_events=max_events, max_bytes=max_bytes)

    @override
    def heads(self, execution_ids: Sequence[ExecutionId]) -> dict[ExecutionId, Head]:
        with self._lock:
            self._check_open()
            return {key: self._logs[key].head() for key in execution_ids if key in self._logs}

    @override
    def checkpoint(self, execution_id: ExecutionId, at_most: int) -> tuple[int, bytes] | None:
        with self._lock:
            self._check_open()
            stored = self._logs[execution_id].checkpoints if execution_id in self._logs else []
            return next((kept for kept in reversed(stored) if kept[0] <= at_most), None)

    @override
    def producers(self, execution_id: ExecutionId, prefix: str) -> int:
        with self._lock:
            return sum(producer_id.startswith(prefix) for producer_id in self._log(execution_id).producers)

    @override
    def tag_at(self, execution_id: ExecutionId, seq: int) -> int:
        with self._lock:
            log = self._log(execution_id)
            if not log.trimmed_upto <= seq <= log.last_seq:
                raise PositionLost(trimmed_upto=log.trimmed_upto, last_seq=log.last_seq)
            if seq == log.last_seq:
                return log.last_tag
            following = log.segments[log.segment_index(seq + 1)]
        return cut_start(following, seq).tag_before

    @override
    def create(self, new: NewExecution) -> tuple[ExecutionId, bool]:
        with self._lock:
            self._check_open()
            key = (new.workflow_id, new.idempotency_key) if new.idempotency_key is not None else None
            first = self._keys.get(key) if key else None
            if first is not None:
                if first.request_digest != new.request_digest:
                    raise IdempotencyConflict(execution_id=first.execution_id)
                return first.execution_id, False
            if new.execution_id in self._logs:
                raise ConflictError(f"execution {new.execution_id} exists already")
            epoch = self._new_epoch()
            log = self._logs[new.execution_id] = _Log(new, epoch, last_tag=initial_tag(epoch))
            log.store(queued_batch(new))
            if key:
                self._keys[key] = new
            return new.execution_id, True

    @override
    def known(self, workflow_id: WorkflowId, idempotency_key: str) -> tuple[ExecutionId, str | None] | None:
        with self._lock:
            self._check_open()
            first = self._keys.get((workflow_id, idempotency_key))
            return (first.execution_id, first.request_digest) if first else None

    @override
    def get(self, execution_id: ExecutionId) -> ExecutionRecord:
        with self._lock:
            return self._log(execution_id).record()

    @override
    def find(self, wanted: ExecutionFilter) -> list[ExecutionRecord]:
        with self._lock:
            self._check_open()
            logs = list(self._logs.values())
            older = logs if wanted.before is None else logs[: self._place(wanted.before) or 0]
            matching = (log.record() for log in reversed(older) if _matches(log, wanted))
            return list(islice(matching, max(0, wanted.limit)))

    @override
    def recent(self, workflow_ids: Sequence[WorkflowId], limit: int) -> list[Run]:
        pages = (
            self.find(ExecutionFilter(workflow_id=workflow_id, limit=limit)) for workflow_id in workflow_ids
        )
        return [_to_run(record) for page in pages for record in page]

    @override
    def follow(self, workflow_id: WorkflowId, after: ExecutionId | None) -> ExecutionId | None:
        with self._lock:
            self._check_open()
            mine = [log for log in self._logs.values() if log.new.workflow_id == workflow_id]
            if after is not None:
                place = self._place(after)
                later = islice(self._logs, len(self._logs) if place is None else place + 1, None)
                return next((key for key in later if self._logs[key].new.workflow_id == workflow_id), None)
            still_open = [log for log in mine if not log.closed]
            started = [log for log in still_open if log.summary.started_at is not None]
            chosen = next(iter(started or still_open or mine[-1:]), None)
            return chosen.new.execution_id if chosen else None

    @override
    def put_definitions(self, source: SourceFile, definitions: Sequence[WorkflowDefinition]) -> None:
        with self._lock:
            self._check_open()
            self._sources[source.path] = source
            if source.import_error is not None:
                return
            kept = {key: (path, one) for key, (path, one) in self._definitions.items() if path != source.path}
            self._definitions = kept | {one.workflow_id: (source.path, one) for one in definitions}

    @override
    def definitions(self) -> tuple[list[WorkflowDefinition], list[SourceFile]]:
        with self._lock:
            self._check_open()
            return (
                [self._definitions[key][1] for key in sorted(self._definitions)],
                [self._sources[path] for path in sorted(self._sources)],
            )

    @override
    def retain_sources(self, paths: Sequence[str]) -> None:
        with self._lock:
            self._check_open()
            self._sources = {path: one for path, one in self._sources.items() if path in paths}
            self._definitions = {key: one for key, one in self._definitions.items() if one[0] in paths}

    @override
    def claim(self, owner: str, workflow_ids: Sequence[WorkflowId], limit: int) -> list[ExecutionRecord]:
        with self._lock:
            self._check_open()
            free = [log for log in self._logs.values() if not log.closed and log.lease_owner is None]
            wanted = [log for log in free if log.new.workflow_id in workflow_ids]
            suspect = max(wanted, key=lambda log: log.crashes, default=None)
            if suspect is not None and suspect.crashes >= SUSPECT_CRASHES:
                wanted = [suspect]
            taken = wanted[: max(0, limit)]
            for log in taken:
                log.lease_owner = owner
                log.lease_epoch += 1
            return [log.record() for log in taken]

    @override
    def forgive(self, execution_id: ExecutionId) -> None:
        with self._lock:
            self._log(execution_id).crashes = 0

    @override
    def release(self, owner: str, *, crashed: bool) -> list[ExecutionRecord]:
        with self._lock:
            self._check_open()
            held = [log for log in self._logs.values() if not log.closed and log.lease_owner == owner]
            for log in held:
                log.lease_owner = None
                log.crashes += crashed
            return [log.record() for log in held]

    @override
    def owners(self) -> list[str]:
        with self._lock:
            self._check_open()
            return sorted(
                {log.lease_owner for log in self._logs.values() if log.lease_owner and not log.closed}
            )

    @override
    def written_to(self, owner: str, prefix: str) -> list[ExecutionId]:
        with self._lock:
            self._check_open()
            held = [log for log in self._logs.values() if not log.closed and log.lease_owner == owner]
            return [
                log.new.execution_id for log in held if any(one.startswith(prefix) for one in log.producers)
            ]

    @override
    def trim(self, execution_id: ExecutionId, upto: int) -> None:
        with self._lock:
            log = self._log(execution_id)
            if not log.closed:
                raise ConflictError(f"execution {execution_id} is still open")
            upto = min(upto, log.last_seq)
            if upto <= log.trimmed_upto:
                return
            kept = log.segments[log.segment_index(upto + 1) :]
            log.segments = [cut_start(segment, upto) for segment in kept]
            log.checkpoints = [kept for kept in log.checkpoints if kept[0] >= upto]
            log.trimmed_upto = upto

    @override
    def uncompacted(self, limit: int) -> list[ExecutionId]:
        with self._lock:
            self._check_open()
            raw = (key for key, log in self._logs.items() if log.closed and not log.compacted)
            return list(islice(raw, max(0, limit)))

    @override
    def compact(self, execution_id: ExecutionId, after: int) -> int | None:
        with self._lock:
            log = self._log(execution_id)
            first = log.segment_index(after + 1)
            if first < len(log.segments):
                log.segments[first:] = [join(log.segments[first:])]
            log.compacted = log.closed
            return None

    @override
    def ended(self, before: str, limit: int) -> list[ExecutionId]:
        with self._lock:
            self._check_open()
            latest = {log.new.workflow_id: key for key, log in self._logs.items()}.values()
            old = (
                key
                for key, log in self._logs.items()
                if log.closed and key not in latest and (log.summary.ended_at or log.new.created_at) < before
            )
            return list(islice(old, max(0, limit)))

    @override
    def forget(self, execution_id: ExecutionId) -> bool:
        with self._lock:
            self._check_open()
            log = self._logs.get(execution_id)
            if log is not None and not log.closed:
                raise ConflictError(f"execution {execution_id} is still open")
            self._logs.pop(execution_id, None)
            self._keys = {key: new for key, new in self._keys.items() if new.execution_id != execution_id}
            return True

    @override
    def used_bytes(self) -> int:
        with self._lock:
            self._check_open()
            return sum(len(segment.body) for log in self._logs.values() for segment in log.segments)

    @override
    def check_writable(self) -> None:
        return

    @override
    def close(self) -> None:
        with self._lock:
            self._is_closed = True

    def _append_one(self, batch: Batch) -> Appended | Exception:
        log = self._logs.get(batch.execution_id)
        if log is None:
            return ExecutionNotFound(execution_id=batch.execution_id)
        verdict = admit(batch, log.standing(), log.producers.get(batch.producer_id))
        if isinstance(verdict, AppendConflict) and batch.overlooks and _is_overlooked(batch, log):
            verdict = None
        return log.store(batch) if verdict is None else verdict

    def _check_open(self) -> None:
        if self._is_closed:
            raise JournalUnavailable("the journal is closed")

    def _log(self, execution_id: ExecutionId) -> _Log:
        self._check_open()
        try:
            return self._logs[execution_id]
        except KeyError:
            raise ExecutionNotFound(execution_id=execution_id) from None

    def _place(self, execution_id: ExecutionId) -> int | None:
        return next((place for place, key in enumerate(self._logs) if key == execution_id), None)


def _is_overlooked(batch: Batch, log: _Log) -> bool:
    if batch.expected_last_seq is None or batch.expected_last_seq > log.last_seq:
        return False
    following = log.segments[log.segment_index(batch.expected_last_seq + 1) :]
    return overlooks(batch, [cut_start(segment, batch.expected_last_seq).body for segment in following])


def _matches(log: _Log, wanted: ExecutionFilter) -> bool:
    execution_id, summary = log.new.execution_id, log.summary
    text, searched = _folded(wanted.text or ""), (execution_id, summary.error or "")
    return (
        (wanted.workflow_id is None or log.new.workflow_id == wanted.workflow_id)
        and (not wanted.statuses or bool(wanted.statuses & {summary.status, summary.phase}))
        and (not wanted.ids or execution_id in wanted.ids)
        and (wanted.since is None or execution_id >= wanted.since)
        and (not wanted.asking or (summary.questions > 0 and not log.closed))
        and any(text in _folded(each) for each in searched)
    )


def _folded(text: str) -> str:
    return text.translate(_LOWER)


def _to_run(record: ExecutionRecord) -> Run:
    summary = record.summary
    return Run(
        record.execution_id,
        record.workflow_id,
        summary.phase,
        summary.started_at,
        summary.ended_at,
        summary.error,
    )
