"""The database without a server: enough for all that has ended, and for what runs in this process."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from headway import bootstrap
from headway.client.records import Update, decode_update, folded
from headway.config import Settings
from headway.domain.identifiers import ExecutionId, WorkflowId, is_execution_id
from headway.errors import ExecutionNotFound, JournalUnavailable, ServerUnreachable
from headway.ports import ExecutionFilter, ExecutionRecord, Hint, HintBus, Journal
from headway.services.executions import Executions
from headway.services.states import load_state
from headway.services.views import ControlReceipt, DescriptionView, ExecutionsView, Started, WorkflowView

RECENT_EVENTS = 1_000  # of a long execution, after a folded update
SWEEP_S = 1.0  # hints may be lost
BY = "cli"  # who asks, as the log will say


class DatabaseBackend:
    """The journal as the commands see it.

    Args:
        journal: Stays open.
        hints: Says when an execution's log has grown.
        executions: The use cases on the journal.
        is_driven: Somebody runs executions on this database; else the feed of an open one would not move.
    """

    def __init__(self, journal: Journal, hints: HintBus, executions: Executions, *, is_driven: bool) -> None:
        self._journal = journal
        self._hints = hints
        self._executions = executions
        self._is_driven = is_driven

    async def workflow(self, workflow_id: str) -> WorkflowView:
        return await asyncio.to_thread(self._executions.workflow, workflow_id)

    async def executions(
        self, *, workflow_id: str | None = None, statuses: Sequence[str] = (), limit: int = 50
    ) -> ExecutionsView:
        wanted = ExecutionFilter(
            workflow_id=WorkflowId(workflow_id) if workflow_id else None,
            statuses=frozenset(statuses),
            limit=limit,
        )
        return await asyncio.to_thread(self._executions.list, wanted)

    async def execution(self, execution_id: str) -> DescriptionView:
        return await asyncio.to_thread(self._executions.describe, ExecutionId(execution_id))

    async def start(self, workflow_id: str, input: Mapping[str, Any]) -> Started:
        return await asyncio.to_thread(self._executions.start, workflow_id, dict(input), by=BY)

    async def retry(
        self, execution_id: str, input: Mapping[str, Any] | None = None, *, from_step: str | None = None
    ) -> Started:
        return await asyncio.to_thread(
            self._executions.retry,
            ExecutionId(execution_id),
            None if input is None else dict(input),
            from_step=from_step,
            by=BY,
        )

    async def cancel(self, execution_id: str, *, force: bool = False) -> ControlReceipt:
        return await asyncio.to_thread(
            self._executions.controls.cancel, ExecutionId(execution_id), force=force, by=BY
        )

    async def answer(
        self,
        execution_id: str,
        approval_id: str,
        *,
        approved: bool,
        values: Mapping[str, Any] | None = None,
        reason: str | None = None,
    ) -> ControlReceipt:
        return await asyncio.to_thread(
            self._executions.controls.answer,
            ExecutionId(execution_id),
            approval_id,
            approved=approved,
            values=None if values is None else dict(values),
            reason=reason,
            by=BY,
        )

    async def signal(
        self, execution_id: str, name: str, value: Any = None, *, idempotency_key: str | None = None
    ) -> ControlReceipt:
        return await asyncio.to_thread(
            self._executions.controls.signal,
            ExecutionId(execution_id),
            name,
            value,
            by=BY,
            idempotency_key=idempotency_key,
        )

    async def lines(self, execution_id: str) -> AsyncIterator[bytes]:
        pieces = await asyncio.to_thread(self._executions.lines, ExecutionId(execution_id))
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            for line in piece.splitlines():
                yield line

    async def watch(self, watched_id: str, after: int | None) -> AsyncIterator[Update]:
        """Updates up to the terminal event; of a workflow, those of the execution that a viewer follows."""
        record = await asyncio.to_thread(self._resolve, watched_id)
        if not record.head.closed and not self._is_driven:
            raise ServerUnreachable(
                f"{record.execution_id} has not ended, and nobody runs it now; go on: headway serve FILE"
            )
        if after is None and record.head.last_seq > RECENT_EVENTS:
            after = record.head.last_seq - RECENT_EVENTS
            yield folded(await asyncio.to_thread(load_state, self._journal, record.execution_id, after))
        names = {"execution_id": record.execution_id, "workflow_id": record.workflow_id}
        prefix = msgspec.json.encode(names)[:-1] + b","
        async for segment in self._segments(record.execution_id, after or 0):
            for line in segment:
                update = decode_update(prefix + line[1:])
                yield update
                if update.is_terminal:
                    return

    async def _segments(self, execution_id: ExecutionId, after: int) -> AsyncIterator[Iterator[bytes]]:
        """Stored lines after `after` as they are committed, without an end."""
        loop, grown = asyncio.get_running_loop(), asyncio.Event()

        def receive(hints: Sequence[Hint]) -> None:
            if any(hint.execution_id == execution_id for hint in hints):
                loop.call_soon_threadsafe(grown.set)

        unsubscribe = self._hints.subscribe(receive)
        try:
            while True:
                grown.clear()
                for segment in await asyncio.to_thread(self._journal.read, execution_id, after):
                    yield iter(segment.body.splitlines())
                    after = segment.last_seq
                    grown.set()  # one read may not take all
                try:
                    await asyncio.wait_for(grown.wait(), SWEEP_S)
                except TimeoutError:
                    continue
        finally:
            unsubscribe()

    def _resolve(self, watched_id: str) -> ExecutionRecord:
        if is_execution_id(watched_id):
            return self._journal.get(ExecutionId(watched_id))
        found = self._journal.follow(WorkflowId(watched_id), None)
        if found is None:
            raise ExecutionNotFound(f"no execution of {watched_id!r} is known; start one: headway run FILE")
        return self._journal.get(found)


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[DatabaseBackend]:
    """Read the database of the settings.

    Raises:
        JournalUnavailable: There is none, or it cannot be read.
    """
    path = settings.database_path
    if not path.exists():
        raise JournalUnavailable(f"there is no database at {path} yet; start a server: headway serve FILE")
    bootstrap.check_database_file(settings)
    with bootstrap.open_store(settings) as (journal, hints):
        yield DatabaseBackend(
            journal,
            hints,
            bootstrap.build_executions(settings, journal, hints),
            is_driven=bootstrap.database_holder(settings) is not None,
        )
