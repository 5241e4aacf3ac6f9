"""Runs workflows inside a test: the real engine and recorder on a journal in memory.

    from headway.testing import run

    def test_import() -> None:
        result = run(nightly_import, path="orders.csv")
        assert result.raise_for_status().output == {"orders": 3}

It stands beside the worker process and, as `bootstrap` does for that one, names the adapters it wants.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import msgspec
from pydantic_core import from_json, to_json

from headway.adapters import capture
from headway.adapters.clock import SystemClock
from headway.adapters.hints.memory import MemoryHintBus
from headway.adapters.journal.memory import MemoryJournal
from headway.adapters.outputs import MemoryOutputStore
from headway.authoring.workflow import Workflow
from headway.domain.events import Event, Log
from headway.domain.execution import State
from headway.domain.identifiers import ExecutionId
from headway.domain.waiting import ApprovalState
from headway.domain.workflow import SourceFile
from headway.errors import ConflictError, WorkflowError
from headway.ports import HintBus, Journal, OutputStore
from headway.services.controls import Controls
from headway.services.executions import Executions
from headway.services.recorder import Recorder
from headway.services.states import events_between, load_state
from headway.services.workflow_execution_engine import WorkflowExecutionEngine

__all__ = ["MemoryJournal", "Result", "Runner", "run", "run_async"]

SHARED_S = 3600.0
SWEEP_S = 1.0  # a look at the head by itself, as every follower of hints has one


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How an execution ended.

    Args:
        status: `completed`, `failed` or `cancelled`.
        output: What the workflow returned, as the JSON that viewers get.
        error: One line like `KeyError: 'sku'`, where it failed.
        events: All of it, oldest first, the terminal event last.
        state: What a viewer shows at the end.
        outputs: Files it left behind, by name.
    """

    execution_id: str
    status: str
    output: Any
    error: str | None
    events: list[Event]
    state: State
    outputs: dict[str, bytes] = field(default_factory=dict)

    @property
    def logs(self) -> list[Log]:
        """The log lines, captured ones included."""
        return [event.data for event in self.events if isinstance(event.data, Log)]

    def raise_for_status(self) -> Self:
        """Return this result if the execution completed.

        Raises:
            WorkflowError: It failed or was cancelled; shows the traceback.
        """
        if self.status == "completed":
            return self
        told = self.state.traceback or self.error or self.state.message or ""
        raise WorkflowError(
            f"execution {self.execution_id} {self.status}: {told}".rstrip(": "),
            execution_id=self.execution_id,
            status=self.status,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Runs workflows in this process, one after another or at once, all into one journal.

    Args:
        journal: Keeps the executions; give one to look into it afterwards.
        capture: Whether logging, print, warnings and tqdm become part of the log.
        answer: Answers each `approval` of the workflows: yes, no, or the values that come with a yes.
        signals: Sent to each execution as it starts: values by the signal's name, in order.
    """

    journal: Journal = field(default_factory=MemoryJournal)
    capture: bool = True
    answer: Callable[[ApprovalState], bool | Mapping[str, Any]] | None = None
    signals: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    _hints: MemoryHintBus = field(default_factory=MemoryHintBus, init=False, repr=False)
    _outputs: MemoryOutputStore = field(default_factory=MemoryOutputStore, init=False, repr=False)

    def run(self, workflow: Workflow[..., Any], /, **input: Any) -> Result:
        """Run it to its end from plain code; the input is validated as the server does.

        Raises:
            InvalidInput: The input does not fit; names each field.
            RuntimeError: An event loop runs here; await `run_async` there.
        """
        if asyncio._get_running_loop() is not None:
            raise RuntimeError("an event loop runs here: write `await run_async(...)`")
        return asyncio.run(self.run_async(workflow, **input))

    async def run_async(self, workflow: Workflow[..., Any], /, **input: Any) -> Result:
        """The same from asynchronous code. Cancelling it leaves the execution unfinished."""
        executions = Executions(self.journal, self._hints, SystemClock(), partial(secrets.randbits, 80))
        definition = workflow.definition
        self.journal.put_definitions(SourceFile(path=definition.source), [definition])
        async with self._engine(workflow):
            started = executions.start(definition.workflow_id, from_json(to_json(input)), by="test")
            for name, values in self.signals.items():
                for value in values:
                    executions.controls.signal(started.execution_id, name, value, by="test")
            answer = partial(self._answer, executions.controls, started.execution_id)
            await _ended(self.journal, self._hints, started.execution_id, answer)
        return _result(self.journal, self._outputs, started.execution_id)

    def _answer(self, controls: Controls, execution_id: ExecutionId) -> None:
        """Answer what is asked now."""
        if self.answer is None:
            return
        for question in load_state(self.journal, execution_id).waiting.approvals.values():
            if question.status == "open":
                answer = self.answer(question)
                values = answer if isinstance(answer, Mapping) else None
                approved = values is not None or bool(answer)
                with contextlib.suppress(ConflictError):  # its deadline has passed, or it is no longer asked
                    controls.answer(
                        execution_id, question.approval_id, approved=approved, values=values, by="test"
                    )

    @asynccontextmanager
    async def _engine(self, workflow: Workflow[..., Any]) -> AsyncIterator[None]:
        uninstall = capture.install() if self.capture else lambda: None
        clock = SystemClock()
        with closing(Recorder(self.journal, self._hints, clock)) as recorder:
            engine = WorkflowExecutionEngine(
                self.journal,
                self._hints,
                recorder,
                self._outputs,
                clock,
                {workflow.workflow_id: workflow},
                owner=f"test-{secrets.token_hex(4)}",
                scope_begins=capture.begin_of_scope,
                scope_ended=capture.end_of_scope,
                prepare_process=capture.IN_PROCESS,
            )
            await engine.start()
            grace_s = 0.0
            try:
                yield
                grace_s = SHARED_S  # it may have taken what another call on this journal waits for
            finally:
                await engine.stop(grace_s)
                uninstall()


def run(workflow: Workflow[..., Any], /, **input: Any) -> Result:
    """Run a workflow to its end, with a journal of its own; see `Runner.run`."""
    return Runner().run(workflow, **input)


async def run_async(workflow: Workflow[..., Any], /, **input: Any) -> Result:
    """The same from asynchronous code; see `Runner.run_async`."""
    return await Runner().run_async(workflow, **input)


async def _ended(
    journal: Journal, hints: HintBus, execution_id: ExecutionId, answer: Callable[[], None]
) -> None:
    """Wait until the execution is closed: on hints, and on a sweep, since these may be lost."""
    loop, look = asyncio.get_running_loop(), asyncio.Event()

    def receive(heard: object) -> None:
        loop.call_soon_threadsafe(look.set)

    unsubscribe = hints.subscribe(receive)
    try:
        while not journal.heads([execution_id])[execution_id].closed:
            look.clear()
            answer()
            try:
                async with asyncio.timeout(SWEEP_S):
                    await look.wait()
            except TimeoutError:
                continue
    finally:
        unsubscribe()


def _result(journal: Journal, outputs: OutputStore, execution_id: ExecutionId) -> Result:
    record = journal.get(execution_id)
    state = load_state(journal, execution_id)
    return Result(
        execution_id=execution_id,
        status=state.status,
        output=msgspec.json.decode(state.output),
        error=state.error,
        events=list(events_between(journal, execution_id, 0, record.head.last_seq)),
        state=state,
        outputs={name: outputs.load(execution_id, name) for name in state.outputs},
    )
