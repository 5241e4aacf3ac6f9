"""An engine over a journal in memory, as a worker would run it, with the tools to disturb it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
from tests.support.builders import AT, a_new_execution
from typing_extensions import override

from headway.adapters.clock import SystemClock
from headway.adapters.hints.memory import MemoryHintBus
from headway.adapters.journal.memory import MemoryJournal
from headway.adapters.outputs import MemoryOutputStore
from headway.domain import events as e
from headway.domain.execution import State
from headway.domain.identifiers import ExecutionId
from headway.errors import LeaseLost
from headway.ports import Appended, Batch, Hint, RunnableWorkflow
from headway.services.recorder import Recorder
from headway.services.states import events_between, load_state
from headway.services.workflow_execution_engine import WorkflowExecutionEngine

D = TypeVar("D", bound=e.EventData)
WITHIN_S = 15.0


class CutJournal(MemoryJournal):
    """A journal whose worker dies once an execution's log has reached `cut_at`."""

    cut_at: int | None = None
    refusal: Exception | None = None  # the answer to the next batch of a worker

    @override
    def append(self, batches: Sequence[Batch]) -> list[Appended | Exception]:
        outcomes: list[Appended | Exception] = []
        for batch in batches:
            head = self.heads([batch.execution_id])[batch.execution_id]
            is_cut = self.cut_at is not None and batch.lease is not None and head.last_seq >= self.cut_at
            if self.refusal is not None and batch.lease is not None:
                outcomes.append(self.refusal)
                self.refusal = None
            else:
                outcomes += [LeaseLost("the worker died here")] if is_cut else super().append([batch])
        return outcomes


class Workbench:
    """Starts executions, looks at their logs, plays the server and the supervisor."""

    def __init__(self) -> None:
        self.journal = CutJournal()
        self.hints = MemoryHintBus()
        self.outputs = MemoryOutputStore()
        self._controls = 0

    @asynccontextmanager
    async def worker(
        self, *workflows: RunnableWorkflow, owner: str = "ada", **options: Any
    ) -> AsyncIterator[WorkflowExecutionEngine]:
        recorder = Recorder(self.journal, self.hints, SystemClock())
        by_id = {workflow.definition.workflow_id: workflow for workflow in workflows}
        options = {"thread_grace_s": 0.2} | options
        engine = WorkflowExecutionEngine(
            self.journal, self.hints, recorder, self.outputs, SystemClock(), by_id, owner=owner, **options
        )
        await engine.start()
        try:
            yield engine
        finally:
            await engine.stop(0.0)
            recorder.close()

    def start(self, workflow: RunnableWorkflow, **input: Any) -> ExecutionId:
        new = a_new_execution(workflow_id=workflow.definition.workflow_id, input=msgspec.json.encode(input))
        self.journal.create(new)
        self.hints.publish([Hint("queue")])
        return new.execution_id

    def cancel(self, execution_id: ExecutionId) -> None:
        self._controls += 1
        control_id = f"c{self._controls}"
        data = e.ControlRequested(control="cancel", control_id=control_id, by="eve", phase="cancelling")
        batch = Batch(
            execution_id=execution_id,
            producer_id=f"server:{control_id}",
            first_producer_seq=1,
            bodies=[e.encode_body(data, AT)],
        )
        (outcome,) = self.journal.append([batch])
        assert isinstance(outcome, Appended)
        self.hints.publish([Hint("events", execution_id, outcome.last_seq)])

    async def run(self, workflow: RunnableWorkflow, **input: Any) -> State:
        """Run it on a worker of its own, to its end."""
        async with self.worker(workflow):
            return await self.ended(self.start(workflow, **input))

    async def ended(self, execution_id: ExecutionId) -> State:
        await self.until(lambda: self.journal.get(execution_id).head.closed)
        return load_state(self.journal, execution_id)

    async def until(self, predicate: Callable[[], object]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not predicate():
                await asyncio.sleep(0.002)

    async def seen(self, execution_id: ExecutionId, kind: type[D]) -> D:
        """The first event of this kind, once it is in the log."""
        await self.until(lambda: self.all(execution_id, kind))
        return self.all(execution_id, kind)[0]

    def events(self, execution_id: ExecutionId | str) -> list[e.Event]:
        key = ExecutionId(execution_id)
        return list(events_between(self.journal, key, 0, self.journal.get(key).head.last_seq))

    def all(self, execution_id: ExecutionId | str, kind: type[D]) -> list[D]:
        return [event.data for event in self.events(execution_id) if isinstance(event.data, kind)]

    def kinds(self, execution_id: ExecutionId | str) -> list[str]:
        return [event.kind for event in self.events(execution_id)]

    def messages(self, execution_id: ExecutionId | str) -> list[str]:
        return [data.message for data in self.all(execution_id, e.Log)]
