"""An execution as a worker would write it, event by event, for tests of what viewers then see."""

from itertools import count

from msgspec import Raw

from headway.domain import events as e
from headway.domain.execution import State
from headway.domain.identifiers import ExecutionId, WorkflowId, execution_id
from headway.domain.timestamps import timestamp
from headway.domain.workflow import SourceFile, WorkflowDefinition
from headway.ports import Batch, Hint, HintBus, Journal, NewExecution
from headway.services.states import encode_state, summary_of

_serial = count(1)
START_NS = 1_795_382_000_000_000_000

AUDIT_SCHEMA = {
    "type": "object",
    "properties": {
        "path": {"type": "string"},
        "limit": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
        "sizes": {"type": "array", "items": {"type": "integer"}},
    },
    "required": ["path"],
    "additionalProperties": False,
}


def define(journal: Journal, *workflow_ids: str, import_error: str | None = None) -> None:
    """Serve these workflows from one file each."""
    for workflow_id in workflow_ids:
        path = f"/flows/{workflow_id}.py"
        definition = WorkflowDefinition(
            workflow_id=WorkflowId(workflow_id),
            title=workflow_id.title(),
            input_schema=AUDIT_SCHEMA,
            source=path,
        )
        journal.put_definitions(SourceFile(path=path), [definition])
        if import_error is not None:
            journal.put_definitions(SourceFile(path=path, import_error=import_error), [])


class AuthoredExecution:
    """Appends what it is told, with the state that follows from it."""

    def __init__(
        self, journal: Journal, hints: HintBus, workflow_id: str = "audit", *, id: ExecutionId | None = None
    ) -> None:
        serial = next(_serial)
        self.id: ExecutionId = id or execution_id(START_NS // 1_000_000 + serial, serial)
        self._journal, self._hints = journal, hints
        self._state = State(execution_id=self.id, workflow_id=workflow_id)
        self._number = 1
        queued = e.ExecutionQueued(input=Raw(b'{"path":"/srv"}'))
        journal.create(
            NewExecution(
                execution_id=self.id,
                workflow_id=WorkflowId(workflow_id),
                input=b'{"path":"/srv"}',
                queued=e.encode_body(queued, self._now()),
                created_at=self._now(),
            )
        )
        self._state.apply(e.Event(1, self._now(), queued))
        hints.publish([Hint("queue"), Hint("events", self.id, 1)])

    @property
    def last_seq(self) -> int:
        return self._state.seq

    def emit(self, *events: e.EventData) -> None:
        """Append in one batch, and say so."""
        now, before = self._now(), self._state.seq
        for data in events:
            self._state.apply(e.Event(self._state.seq + 1, now, data))
        batch = Batch(
            execution_id=self.id,
            producer_id="run",
            first_producer_seq=self._number,
            bodies=[e.encode_body(data, now) for data in events],
            closes=self._state.closed,
            expected_last_seq=before,
            checkpoint=encode_state(self._state),
            summary=summary_of(self._state),
        )
        (outcome,) = self._journal.append([batch])
        assert not isinstance(outcome, Exception), outcome
        self._number += len(events)
        self._hints.publish([Hint("events", self.id, outcome.last_seq)])

    def start(self) -> None:
        self.emit(e.ExecutionStarted(attempt=1, worker="w1", progress=0.0))

    def log(self, number: int = 1, message: str = "fetched page {n}") -> None:
        """That many lines, numbered by the seq they get."""
        self.emit(*(e.Log("INFO", message.format(n=self.last_seq + n)) for n in range(1, number + 1)))

    def progress(self, percent: float) -> None:
        self.emit(
            e.StepProgressed(progress=percent, step="fetch", step_id="fetch#1", done=percent, total=100)
        )

    def complete(self, output: bytes = b'{"pages":50}') -> None:
        totals = self._state.sealed_totals()
        result = e.ExecutionResult(
            execution_id=self.id, status="completed", output=Raw(output), totals=totals
        )
        self.emit(e.ExecutionCompleted(totals=totals, result=result))

    def fail(self, error: str = "KeyError: 'sku'") -> None:
        totals = self._state.sealed_totals()
        result = e.ExecutionResult(execution_id=self.id, status="failed", error=error, totals=totals)
        self.emit(e.ExecutionFailed(error=error, totals=totals, result=result))

    def cancel(self) -> None:
        totals = self._state.sealed_totals()
        result = e.ExecutionResult(execution_id=self.id, status="cancelled", totals=totals)
        self.emit(e.ExecutionCancelled(totals=totals, result=result))

    def _now(self) -> str:
        return timestamp(START_NS + self._state.seq * 1_000_000)
