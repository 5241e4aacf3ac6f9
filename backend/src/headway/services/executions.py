"""The use cases on executions: start, cancel, retry, and every way to look at them.

Blocking, on the journal; used by the HTTP API and by the command line, and knows neither.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Raw

from headway.domain import events as e
from headway.domain.identifiers import ExecutionId, WorkflowId
from headway.domain.masking import Masks
from headway.domain.position import Cursor
from headway.domain.timestamps import timestamp
from headway.domain.workflow import SourceFile, WorkflowDefinition
from headway.errors import (
    IdempotencyConflict,
    PayloadTooLarge,
    WorkflowNotFound,
    WorkflowUnavailable,
)
from headway.ports import Clock, ExecutionFilter, Hint, HintBus, Journal, NewExecution
from headway.services.claims import notable_events
from headway.services.controls import Controls, check_key, checked_name, receipt_id
from headway.services.execution_ids import ExecutionIds
from headway.services.inputs import check_finite, check_input, not_json
from headway.services.log_text import line_of
from headway.services.reused_steps import reused_steps
from headway.services.secret_inputs import check_no_mask, restored_input, shown_input
from headway.services.states import events_between, load_state
from headway.services.statistics import RECENT_RUNS, StatisticsView, statistics
from headway.services.subscription import begin_of_workflow
from headway.services.views import (
    DescriptionView,
    EventsView,
    ExecutionsView,
    FollowedView,
    SourceView,
    Started,
    WorkflowsView,
    WorkflowView,
    view_of,
    workflow_view,
)

MAX_INPUT_BYTES = 1 << 20
_PIECE_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Origin:
    """What a new execution does over, if anything: from which step on, and what it takes over."""

    retry_of: ExecutionId | None = None
    from_step: str | None = None
    copies: Sequence[e.EventData] = ()

    @property
    def digest(self) -> bytes:
        step = "" if self.from_step is None else f"\0{self.from_step}"
        return f"{self.retry_of or ''}{step}".encode("utf-8", "replace")

    def first_events(self, new_id: ExecutionId, by: str | None) -> list[e.EventData]:
        """The receipt and the results that the log begins with."""
        if self.retry_of is None:
            return []
        message = f"does {self.retry_of} over" + (f" from {self.from_step}" if self.from_step else "")
        receipt = e.ControlRequested(
            control="retry", control_id=receipt_id("retry", new_id), by=by, message=message
        )
        return [receipt, *self.copies]


@dataclass(frozen=True, slots=True)
class Executions:
    """Starts, controls and shows executions.

    Args:
        journal: Where they are.
        hints: Told when there is something to run or to see.
        clock: Stamps what is appended here.
        entropy: Gives 80 random bits for an execution's id.
        masks: What nobody is shown of an input beside the secrets that its schema declares, nor of lines from
            outside.
    """

    journal: Journal
    hints: HintBus
    clock: Clock
    entropy: Callable[[], int]
    masks: Masks = field(default_factory=Masks)
    _ids: ExecutionIds = field(default_factory=ExecutionIds)

    def start(
        self,
        workflow_id: str,
        input: dict[str, Any],
        *,
        by: str | None = None,
        idempotency_key: str | None = None,
        origin: "Origin | None" = None,
    ) -> Started:
        """Queue a new execution.

        Args:
            workflow_id: What to run.
            input: JSON object that fits the workflow's schema; at most 1 MiB encoded.
            by: Who asks for it, as the log will say.
            idempotency_key: Of 1 to 200 characters; with a known one nothing is started again.
            origin: What this one does over.

        Raises:
            WorkflowNotFound: No file that is served defines it.
            WorkflowUnavailable: Its file does not import now.
            InvalidInput: Naming each field.
            PayloadTooLarge: The input is above the limit.
            IdempotencyConflict: The key came with another input.
        """
        check_key(idempotency_key)
        by, origin = checked_name(by), origin or Origin()
        encoded = _encode_input(input)
        digest = _digest(input, origin)
        # First of all: what was started is started, whatever has become of the workflow since.
        first = self._known(WorkflowId(workflow_id), idempotency_key, digest)
        if first is not None:
            return first
        definition, source = self._definition(workflow_id)
        if source is not None and source.import_error is not None:
            cause = source.import_error.strip().splitlines()[-1]
            raise WorkflowUnavailable(
                f"{source.path} does not import: {cause}; mend it, then start again",
                workflow_id=workflow_id,
                source=source.path,
            )
        check_no_mask(input)
        check_input(definition, input)
        shown = _encode_input(shown_input(definition.input_schema, input, self.masks))
        now_ns = self.clock.now_ns()
        now = timestamp(now_ns)
        new_id = self._ids.next(now_ns // 1_000_000, self.entropy())
        queued = e.ExecutionQueued(
            input=Raw(shown),
            by=by,
            retry_of=origin.retry_of,
            from_step=origin.from_step,
            plan=definition.plan,
        )
        new = NewExecution(
            execution_id=new_id,
            workflow_id=definition.workflow_id,
            input=shown,
            private_input=None if shown == encoded else encoded,
            queued=e.encode_body(queued, now),
            created_at=now,
            first=[e.encode_body(data, now) for data in origin.first_events(new_id, by)],
            by=by,
            retry_of=origin.retry_of,
            idempotency_key=idempotency_key,
            request_digest=digest,
        )
        found, created = self.journal.create(new)
        if created:
            self.hints.publish([Hint("queue"), Hint("events", found, 1 + len(new.first))])
        return Started(execution_id=found, workflow_id=definition.workflow_id, created=created)

    def retry(
        self,
        execution_id: ExecutionId,
        input: dict[str, Any] | None = None,
        *,
        from_step: str | None = None,
        by: str | None = None,
        idempotency_key: str | None = None,
    ) -> Started:
        """Start a new execution of the same workflow, which does this one over.

        Args:
            execution_id: What to do over, whether it has ended or not.
            input: In place of its input; what is shown in place of a secret stands for the secret.
            from_step: A step's id or name: results of the steps done before it began, and of the other items
                of its group, are taken over, and used where the new run asks for the same step with the same
                arguments.
            by: Who asks for it.
            idempotency_key: As of `start`.

        Raises:
            InvalidInput: Naming each field, or `from_step` where it never began such a step.
            PositionLost: Retention has removed the results that `from_step` needs.
        """
        record = self.journal.get(execution_id)
        wanted = msgspec.json.decode(record.real_input)
        if input is not None:
            wanted = restored_input(input, msgspec.json.decode(record.input), wanted)
        origin = Origin(execution_id, from_step)
        copies: Sequence[e.EventData] = ()
        is_known = self._known(record.workflow_id, idempotency_key, _digest(wanted, origin)) is not None
        if from_step is not None and not is_known:
            log = notable_events(self.journal, execution_id, record.head.last_seq)
            copies = reused_steps(log, from_step)
        return self.start(
            record.workflow_id,
            wanted,
            by=by,
            idempotency_key=idempotency_key,
            origin=replace(origin, copies=copies),
        )

    @property
    def controls(self) -> Controls:
        """What can be asked of an execution that runs."""
        return Controls(self.journal, self.hints, self.clock, self.entropy)

    def workflows(self) -> WorkflowsView:
        """All workflows by id, and the files they come from."""
        definitions, sources = self.journal.definitions()
        errors = {source.path: source.import_error for source in sources}
        return WorkflowsView(
            workflows=[
                self._workflow_view(definition, errors.get(definition.source))
                for definition in sorted(definitions, key=lambda one: one.workflow_id)
            ],
            sources=[
                SourceView(path=source.path, import_error=source.import_error, loaded_at=source.loaded_at)
                for source in sorted(sources, key=lambda one: one.path)
            ],
        )

    def workflow(self, workflow_id: str) -> WorkflowView:
        """One workflow. Raises `WorkflowNotFound`."""
        definition, source = self._definition(workflow_id)
        return self._workflow_view(definition, source.import_error if source else None)

    def followed(self, workflow_id: str, after: ExecutionId | None) -> FollowedView:
        """Which execution a viewer of the workflow begins with, or goes on to after another one.

        Raises:
            WorkflowNotFound: Neither defined nor ever run.
            ExecutionNotFound: `after` is no execution of it.
        """
        begin = begin_of_workflow(self.journal, WorkflowId(workflow_id), after)
        if begin is None or after is None:
            return FollowedView(execution_id=begin.execution_id if begin is not None else None)
        return FollowedView(execution_id=self.journal.follow(begin.workflow_id, after))

    def statistics(self) -> StatisticsView:
        """How each workflow's executions went lately, by workflow id."""
        ids = sorted(definition.workflow_id for definition in self.journal.definitions()[0])
        return statistics(self.journal.recent(ids, RECENT_RUNS))

    def list(self, wanted: ExecutionFilter) -> ExecutionsView:
        """A page of executions, newest first."""
        records = self.journal.find(wanted)
        return ExecutionsView(
            executions=[view_of(record) for record in records],
            next_cursor=records[-1].execution_id if len(records) == wanted.limit else None,
        )

    def describe(self, execution_id: ExecutionId) -> DescriptionView:
        """An execution with its state, both at one cursor. Raises `ExecutionNotFound`."""
        record = self.journal.get(execution_id)
        state = load_state(self.journal, execution_id, record.head.last_seq)
        return DescriptionView(execution=view_of(record), state=state, cursor=str(record.head.cursor))

    def events(self, execution_id: ExecutionId, after: int, limit: int) -> EventsView:
        """Up to `limit` events after seq `after`, as stored; at most about 1 MiB.

        Raises:
            ExecutionNotFound: There is no such execution.
            PositionLost: Retention has removed events after `after`.
        """
        head = self.journal.get(execution_id).head
        segments = self.journal.read(execution_id, after, max_events=limit)
        lines = [Raw(line) for segment in segments for line in segment.body.splitlines()]
        if segments:
            upto, tag = segments[-1].last_seq, segments[-1].tag_after
        else:
            upto = min(after, head.last_seq)
            tag = self.journal.tag_at(execution_id, upto)
        cursor = Cursor(head.epoch, upto, tag)
        return EventsView(
            events=lines, cursor=str(cursor), last_seq=max(head.last_seq, upto), closed=head.closed
        )

    def lines(self, execution_id: ExecutionId, after: int = 0) -> Iterator[bytes]:
        """The stored lines after seq `after` up to the end as it is now, in pieces of whole lines.

        Raises (before the first piece):
            ExecutionNotFound: There is no such execution.
            PositionLost: Retention has removed events after `after`.
        """
        head = self.journal.get(execution_id).head
        return self._pieces(execution_id, max(after, head.trimmed_upto), head.last_seq)

    def log_lines(self, execution_id: ExecutionId) -> Iterator[str]:
        """The log and how it ended as lines for people, each with its newline, from what retention has left.

        Raises:
            ExecutionNotFound: There is no such execution.
        """
        head = self.journal.get(execution_id).head
        return (
            f"{shown}\n"
            for event in events_between(self.journal, execution_id, head.trimmed_upto, head.last_seq)
            if (shown := line_of(event)) is not None
        )

    def check_ready(self) -> None:
        """Raises `JournalUnavailable` if the journal cannot be read, or takes no more writes."""
        self.journal.find(ExecutionFilter(limit=1))
        self.journal.check_writable()

    def _known(self, workflow_id: WorkflowId, idempotency_key: str | None, digest: str) -> Started | None:
        """What was started with the key. Raises `IdempotencyConflict` where it was another request."""
        known = None if idempotency_key is None else self.journal.known(workflow_id, idempotency_key)
        if known is None:
            return None
        execution_id, first_digest = known
        if first_digest != digest:
            raise IdempotencyConflict(execution_id=execution_id)
        return Started(execution_id=execution_id, workflow_id=workflow_id, created=False)

    def _definition(self, workflow_id: str) -> tuple[WorkflowDefinition, SourceFile | None]:
        definitions, sources = self.journal.definitions()
        for definition in definitions:
            if definition.workflow_id == workflow_id:
                return definition, next((one for one in sources if one.path == definition.source), None)
        raise WorkflowNotFound(f"no workflow {workflow_id!r} is served here", workflow_id=workflow_id)

    def _workflow_view(self, definition: WorkflowDefinition, import_error: str | None) -> WorkflowView:
        latest = self.journal.find(ExecutionFilter(workflow_id=definition.workflow_id, limit=1))
        return workflow_view(definition, import_error, latest[0] if latest else None)

    def _pieces(self, execution_id: ExecutionId, after: int, upto: int) -> Iterator[bytes]:
        while after < upto:
            segments = self.journal.read(execution_id, after, max_events=upto - after, max_bytes=_PIECE_BYTES)
            if not segments:
                return
            yield b"".join(segment.body for segment in segments)
            after = segments[-1].last_seq


def _digest(input: dict[str, Any], origin: Origin) -> str:
    """The same for the same input, in whatever order its members come."""
    return sha256(msgspec.json.encode(input, order="deterministic") + origin.digest).hexdigest()


def _encode_input(input: dict[str, Any]) -> bytes:
    try:
        check_finite(input, "the input")
        encoded = msgspec.json.encode(input)
    except (TypeError, ValueError) as error:
        raise not_json(input, "the input", error) from error
    if len(encoded) > MAX_INPUT_BYTES:
        raise PayloadTooLarge(
            f"the input has {len(encoded):,} bytes; at most {MAX_INPUT_BYTES:,}", limit_bytes=MAX_INPUT_BYTES
        )
    return encoded
