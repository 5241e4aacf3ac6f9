"""The embedded engine: takes queued executions of the workflows it has and runs them on the journal.

It decides who runs and when; how one execution runs is `running_execution.py`, how its events are stored
`recorder.py`.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from typing_extensions import override

from headway.domain.identifiers import ExecutionId, WorkflowId
from headway.domain.progress import Rollup
from headway.errors import ExecutionClosed, HeadwayError, LeaseLost, NotFound, UnavailableError
from headway.ports import (
    Capabilities,
    Clock,
    Engine,
    ExecutionRecord,
    Hint,
    HintBus,
    Journal,
    Lease,
    OutputStore,
    RunnableWorkflow,
    Scope,
)
from headway.services.claims import Claim, read_claim
from headway.services.probation import Probation
from headway.services.processes import Processes
from headway.services.recorder import Recorder
from headway.services.running_execution import RunningExecution, Tools
from headway.services.states import load_state

POLL_S = 1.0  # looks at the queue by itself: a hint may be lost
REPAIR_S = 10.0
MAX_HELD = 10_000  # executions at once, with those that wait

_logger = logging.getLogger("headway")


class WorkflowExecutionEngine(Engine):
    """Runs workflows in this process.

    Args:
        recorder: Started here, closed by whoever made it.
        workflows: By id; what is not among them stays queued.
        owner: Names this incarnation of the worker on its leases.
        concurrency: At most so many executions at once, beside those that only wait.
        thread_grace_s: How long plain functions may take to end when they are told to.
        scope_begins: Told of each workflow body and attempt of a step before it runs.
        scope_ended: Told of each workflow body and attempt of a step that has ended, before that is recorded.
        prepare_process: Called in each process of a step before the user's file: `package.module:function`.
    """

    def __init__(
        self,
        journal: Journal,
        hints: HintBus,
        recorder: Recorder,
        outputs: OutputStore,
        clock: Clock,
        workflows: Mapping[str, RunnableWorkflow],
        *,
        owner: str,
        concurrency: int = 100,
        thread_grace_s: float = 2.0,
        scope_begins: Callable[[Scope], None] = lambda _: None,
        scope_ended: Callable[[Scope], None] = lambda _: None,
        prepare_process: str | None = None,
    ) -> None:
        self._journal, self._hints, self._recorder = journal, hints, recorder
        self._workflows = dict(workflows)
        self._owner, self._concurrency, self._grace_s = owner, concurrency, thread_grace_s
        self._look = asyncio.Event()
        self._tools = Tools(
            outputs=outputs,
            clock=clock,
            owner=owner,
            thread_grace_s=thread_grace_s,
            scope_begins=scope_begins,
            scope_ended=scope_ended,
            processes=Processes(prepare_process),
            made_room=self._look.set,
        )
        self._probation = Probation(clock.monotonic)
        self._running: dict[ExecutionId, RunningExecution] = {}
        self._drives: set[asyncio.Task[None]] = set()
        self._is_stopping = False
        self._claimer: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] = lambda: None

    @property
    @override
    def capabilities(self) -> Capabilities:
        return Capabilities(cancel=True, retry=True, signals=True)

    @property
    def running(self) -> frozenset[ExecutionId]:
        """Executions that this engine runs now."""
        return frozenset(self._running)

    def replace_workflows(self, workflows: Mapping[str, RunnableWorkflow]) -> None:
        """New executions use these; running ones end on the code they began with."""
        self._workflows = dict(workflows)
        self._look.set()

    @override
    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._recorder.start()
        self._unsubscribe = self._hints.subscribe(self._receive)
        self._claimer = asyncio.create_task(self._claim_until_stopped())

    @override
    async def stop(self, grace_s: float) -> None:
        self._is_stopping = True
        self._look.set()
        if self._claimer is not None:
            await self._claimer
        if self._drives:
            await asyncio.wait(self._drives, timeout=grace_s)
        left = list(self._running.values())
        for execution in left:
            execution.leave()
        if self._drives:
            await asyncio.wait(self._drives)
        self._unsubscribe()
        self._tools.processes.close()
        await asyncio.to_thread(self._recorder.flush)
        for execution in left:
            self._recorder.forget(execution.lane)
        with contextlib.suppress(UnavailableError):  # the supervisor releases what this leaves
            await asyncio.to_thread(self._journal.release, self._owner, crashed=False)
            self._hints.publish([Hint("queue")])

    def _receive(self, hints: Sequence[Hint]) -> None:
        for hint in hints:
            if hint.topic == "events" and hint.execution_id is not None:
                self._recorder.poke(hint.execution_id, hint.last_seq)
            elif hint.topic == "queue":
                self._on_loop(self._look.set)

    def _on_loop(self, call: Callable[..., None], *args: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed
            self._loop.call_soon_threadsafe(call, *args)

    async def _claim_until_stopped(self) -> None:
        while not self._is_stopping:
            self._look.clear()
            on_probation = await self._is_probation_on()
            free, workflows = 0 if on_probation else self._free_places(), self._workflows
            claims: list[Claim] = []
            if free > 0 and workflows:
                claims = await asyncio.to_thread(self._take, list(workflows), free)
            for claim in claims:
                self._probation.begin(claim.record)
                self._launch(claim, workflows[claim.record.workflow_id])
            if len(claims) < free or free <= 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._look.wait(), POLL_S)

    async def _is_probation_on(self) -> bool:
        """Whether a suspect runs that has not shown yet that it does no harm."""
        suspect = self._probation.suspect
        execution = self._running.get(suspect) if suspect is not None else None
        if execution is not None and suspect is not None and execution.is_suspect:
            if suspect not in self._tools.parked and not self._probation.is_over:
                return True
            with contextlib.suppress(UnavailableError):  # then it is tried once more after a crash
                await asyncio.to_thread(self._journal.forgive, suspect)
        self._probation.end()
        return False

    def _free_places(self) -> int:
        """Executions that only wait take up no place, up to a limit of what one process should hold."""
        held = len(self._running)
        return min(self._concurrency - held + len(self._tools.parked), MAX_HELD - held)

    def _take(self, workflow_ids: Sequence[str], limit: int) -> list[Claim]:
        wanted = [WorkflowId(name) for name in workflow_ids]
        try:
            records = self._journal.claim(self._owner, wanted, limit)
        except UnavailableError as error:
            _logger.warning("cannot look at the queue: %s", error)
            return []
        except Exception:
            _logger.exception("cannot look at the queue")
            return []
        return [claim for record in records if (claim := self._read(record)) is not None]

    def _read(self, record: ExecutionRecord) -> Claim | None:
        try:
            return read_claim(self._journal, record)
        except HeadwayError:
            _logger.exception("execution %s cannot be read back, and is not run", record.execution_id)
            return None

    def _launch(self, claim: Claim, workflow: RunnableWorkflow) -> None:
        execution = RunningExecution(claim, workflow, self._tools)
        record = claim.record
        execution.lane = self._recorder.open(
            lease=Lease(owner=self._owner, epoch=record.lease_epoch),
            state=claim.state,
            rollup=claim.rollup,
            secrets=claim.secrets,
            on_foreign=lambda foreign: self._on_loop(execution.hear, foreign),
            on_lost=lambda error: self._on_loop(execution.lose, error),
        )
        self._running[record.execution_id] = execution
        drive = asyncio.create_task(self._drive(execution, claim))
        self._drives.add(drive)
        drive.add_done_callback(self._drives.discard)

    async def _drive(self, execution: RunningExecution, claim: Claim) -> None:
        try:
            await execution.drive()
            if execution.lost is not None:
                await self._fail_unrecordable(execution, claim, execution.lost)
        except Exception as error:
            _logger.exception("execution %s could not be run", execution.execution_id)
            await self._fail_unrecordable(execution, claim, error)
        finally:
            self._running.pop(execution.execution_id, None)
            self._tools.parked.discard(execution.execution_id)
            self._look.set()

    async def _fail_unrecordable(self, execution: RunningExecution, claim: Claim, error: Exception) -> None:
        """What we had to record is in disorder: end the execution anew, or it would run for ever."""
        if isinstance(error, LeaseLost | ExecutionClosed | NotFound):
            return  # another worker has it, or it has ended
        with contextlib.suppress(HeadwayError, TimeoutError):
            lane = self._recorder.open(
                lease=Lease(owner=self._owner, epoch=claim.record.lease_epoch),
                state=await asyncio.to_thread(load_state, self._journal, execution.execution_id),
                rollup=Rollup(),
                secrets=claim.secrets,
                producer="worker:repair",
                on_foreign=lambda _: None,
                on_lost=lambda _: None,
            )
            await asyncio.wait_for(lane.close(partial(execution.failure, error)), REPAIR_S)
