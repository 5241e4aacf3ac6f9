"""What becomes of a dead worker's executions: taken up by another, or failed after a crash loop."""

import logging
from collections.abc import Callable, Sequence
from functools import partial

from headway.domain.events import Event, ExecutionFailed, ExecutionResult, Log, Status, encode_body
from headway.domain.execution import State, fold
from headway.domain.identifiers import ExecutionId
from headway.domain.timestamps import timestamp
from headway.errors import AppendConflict, CrashLoop
from headway.ports import SUSPECT_CRASHES, Batch, Clock, ExecutionRecord, Hint, HintBus, Journal
from headway.services.cancellation import cancelled_batch
from headway.services.states import encode_state, load_state, summary_of

MAX_CRASHES = SUSPECT_CRASHES + 1  # the last one alone, without a step completed in between
MAX_CRASHES_IN_COMPANY = 2 * MAX_CRASHES  # any of them could be the cause; but this must end
_TRIES = 5  # others may append meanwhile: a control, or a worker that has just taken it up

logger = logging.getLogger("headway.supervisor")


def settle(
    journal: Journal,
    hints: HintBus,
    clock: Clock,
    owner: str,
    *,
    crashed: bool,
    death: str = "",
    forced: Sequence[ExecutionId] = (),
) -> list[ExecutionRecord]:
    """End the leases of a dead owner, so that its executions are taken up again.

    Where the owner was ended because the cancel of some was `forced`, these are closed as cancelled, and the
    others are told why.

    One that was the only one of its worker, and has `MAX_CRASHES` without completing a step, ends as failed;
    with others beside it, it is only suspected, up to `MAX_CRASHES_IN_COMPANY`. `death` says how the owner
    died, where that is known: `exit code 7`.

    Returns:
        The executions that the owner had held.

    Raises:
        JournalUnavailable: Nothing may be settled yet; call again.
    """
    released = journal.release(owner, crashed=crashed)
    limit = MAX_CRASHES if len(released) == 1 else MAX_CRASHES_IN_COMPANY
    for record in released:
        if record.execution_id in forced:
            _end(journal, hints, clock, record, cancelled_batch)
        elif crashed and record.crashes >= limit:
            last = f" (the last time: {death})" if death else ""
            error = f"the worker died {record.crashes} times in a row while it ran this{last}"
            if _end(journal, hints, clock, record, partial(_failure, owner, error)):
                logger.error("%s failed: %s", record.execution_id, error)
    if forced:
        others = [record.execution_id for record in released if record.execution_id not in forced]
        _tell(journal, hints, clock, owner, others, ", ".join(forced))
    if released:
        hints.publish([Hint("queue")])
    return released


def settle_all(journal: Journal, hints: HintBus, clock: Clock) -> int:
    """Settle every owner there is, at a start, when no worker can be alive: how many executions they held."""
    return sum(len(settle(journal, hints, clock, owner, crashed=True)) for owner in journal.owners())


def _end(
    journal: Journal,
    hints: HintBus,
    clock: Clock,
    record: ExecutionRecord,
    ending: Callable[[State, str], Batch],
) -> bool:
    """Close an execution with what `ending` makes of its state and the time; false if others were faster."""
    for _ in range(_TRIES):
        state = load_state(journal, record.execution_id)
        if state.closed:
            return False
        [outcome] = journal.append([ending(state, timestamp(clock.now_ns()))])
        if not isinstance(outcome, Exception):
            hints.publish([Hint("events", record.execution_id, outcome.last_seq)])
            return True
        if not isinstance(outcome, AppendConflict):
            raise outcome
    logger.warning("%s was too busy to be ended; whoever takes it up goes on with it", record.execution_id)
    return False


def _tell(
    journal: Journal, hints: HintBus, clock: Clock, owner: str, others: Sequence[ExecutionId], forced: str
) -> None:
    """Say in the logs of those that were beside it why their worker has ended."""
    message = f"its worker was ended, because the cancel of {forced} was forced; another takes it up"
    told = encode_body(Log(level="WARNING", message=message, logger="headway"), timestamp(clock.now_ns()))
    batches = [
        Batch(execution_id=each, producer_id=f"supervisor:{owner}", first_producer_seq=1, bodies=[told])
        for each in others
    ]
    for batch, outcome in zip(batches, journal.append(batches) if batches else (), strict=True):
        if not isinstance(outcome, Exception):
            hints.publish([Hint("events", batch.execution_id, outcome.last_seq)])


def _failure(owner: str, error: str, state: State, now: str) -> Batch:
    """The terminal event of an execution whose worker cannot write it any more."""
    totals = state.sealed_totals()
    result = ExecutionResult(
        execution_id=state.execution_id, status=Status.FAILED, error=error, totals=totals
    )
    failed = ExecutionFailed(
        error=error,
        code=CrashLoop.code,
        message=f"{error}; look for what ends the process (os._exit, a crash in C code, too little memory)",
        step=state.step,
        step_id=state.step_id,
        progress=state.progress,
        totals=totals,
        result=result,
    )
    after = fold(state, Event(state.seq + 1, now, failed))
    return Batch(
        execution_id=ExecutionId(state.execution_id),
        producer_id=f"supervisor:{owner}",
        first_producer_seq=1,
        bodies=[encode_body(failed, now)],
        expected_last_seq=state.seq,
        closes=True,
        summary=summary_of(after),
        checkpoint=encode_state(after),
    )
