"""Executions with a long history, written straight into the journal as a worker would have."""

import secrets
import time

from headway.domain import events as e
from headway.domain.execution import State
from headway.domain.identifiers import ExecutionId, WorkflowId, execution_id
from headway.domain.timestamps import timestamp
from headway.ports import Batch, NewExecution
from headway.services.states import encode_state, summary_of
from msgspec import Raw

from pace import tick_message
from processes import Database

BATCH_EVENTS = 250
BETWEEN_PROGRESS = 10  # events: every tenth is progress, the others are lines of the log


def write_history(
    database: Database, events: int, *, closed: bool, compacted: bool = True, pause_s: float = 0.0
) -> ExecutionId:
    """Write an execution of so many events; a closed one is compacted, as the server does after a while."""
    journal, started_at = database.journal, timestamp(time.time_ns())
    own_id = execution_id(time.time_ns() // 1_000_000, secrets.randbits(80))
    queued = e.ExecutionQueued(input=Raw(b"{}"))
    body = e.encode_body(queued, started_at)
    new = NewExecution(
        execution_id=own_id,
        workflow_id=WorkflowId("history"),
        input=b"{}",
        queued=body,
        created_at=started_at,
    )
    journal.create(new)
    state = State(execution_id=own_id, workflow_id="history")
    state.apply(e.Event(1, started_at, queued))
    _append(database, state, [e.ExecutionStarted(attempt=1, worker="w1", progress=0.0)], number=1)
    for first in range(state.seq + 1, events + 1, BATCH_EVENTS):
        count = min(BATCH_EVENTS, events + 1 - first)
        _append(database, state, [_event(first + n, events) for n in range(count)], number=first - 1)
        time.sleep(pause_s)
    if closed:
        totals = state.sealed_totals()
        result = e.ExecutionResult(execution_id=own_id, status="completed", output=Raw(b"1"), totals=totals)
        _append(database, state, [e.ExecutionCompleted(totals=totals, result=result)], number=state.seq)
        after: int | None = 0 if compacted else None
        while after is not None:
            after = journal.compact(own_id, after)
    return own_id


def _event(seq: int, events: int) -> e.EventData:
    if seq % BETWEEN_PROGRESS == 0:
        percent = 99.0 * seq / events
        return e.StepProgressed(progress=percent, step="copy", step_id="copy#1", done=seq, total=events)
    return e.Log("INFO", tick_message(time.time_ns(), seq))


def _append(database: Database, state: State, events: list[e.EventData], *, number: int) -> None:
    before, now = state.seq, timestamp(time.time_ns())
    for data in events:
        state.apply(e.Event(state.seq + 1, now, data))
    (outcome,) = database.journal.append(
        [
            Batch(
                execution_id=ExecutionId(state.execution_id),
                producer_id="run",
                first_producer_seq=number,
                bodies=[e.encode_body(data, now) for data in events],
                closes=state.closed,
                expected_last_seq=before,
                checkpoint=encode_state(state),
                summary=summary_of(state),
            )
        ]
    )
    if isinstance(outcome, Exception):
        raise outcome
