"""What a connection asks for, found in the journal before it is accepted; blocking."""

from dataclasses import dataclass

from headway.domain.execution import State
from headway.domain.identifiers import ExecutionId, WorkflowId, is_execution_id
from headway.errors import ExecutionNotFound, InvalidMessage, PositionLost, WorkflowNotFound
from headway.ports import ExecutionRecord, Journal
from headway.protocol.frames import text_frame
from headway.protocol.simple import SimpleQuery, snapshot_text, where_to_start
from headway.services.states import load_state


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Ready to be attached.

    Args:
        record: The execution to begin with; `None` if the workflow has never run.
        after: Seq to start after.
        opening: Frames that come first.
        moves_on: Goes on with the workflow's next execution after a terminal event.
        beat_s: Seconds of silence after which something is to be said.
    """

    workflow_id: WorkflowId
    record: ExecutionRecord | None
    after: int = 0
    opening: bytes = b""
    moves_on: bool
    beat_s: int | None


def find_subscription(journal: Journal, target: str, query: SimpleQuery) -> Subscription:
    """Find where a viewer of `target` (a workflow id or an execution id) begins.

    Raises:
        WorkflowNotFound: Neither defined nor ever run.
        ExecutionNotFound: No such execution, or of another workflow.
        InvalidMessage: The query contradicts the target.
    """
    moves_on = not is_execution_id(target)
    if moves_on:
        record = begin_of_workflow(journal, WorkflowId(target), query.execution_id)
    elif query.execution_id in (None, target):
        record = journal.get(ExecutionId(target))
    else:
        raise InvalidMessage("execution contradicts the execution id in the path", field="execution")
    if record is None:
        return Subscription(workflow_id=WorkflowId(target), record=None, moves_on=True, beat_s=query.beat_s)
    start = where_to_start(record.head.last_seq, record.head.trimmed_upto, query.after)
    after, opening = start.seq, b""
    if start.folded:
        state = _state_at(journal, record, start.seq)
        after, opening = state.seq, text_frame(snapshot_text(state))
    return Subscription(
        workflow_id=record.workflow_id,
        record=record,
        after=after,
        opening=opening,
        moves_on=moves_on,
        beat_s=query.beat_s,
    )


def _state_at(journal: Journal, record: ExecutionRecord, seq: int) -> State:
    """The state at `seq`, or at a later checkpoint where retention has removed what it would be made of."""
    try:
        return load_state(journal, record.execution_id, seq)
    except PositionLost:
        left = journal.checkpoint(record.execution_id, record.head.last_seq - 1)
        if left is None or left[0] < record.head.trimmed_upto:
            return load_state(journal, record.execution_id)
        return load_state(journal, record.execution_id, left[0])


def begin_of_workflow(
    journal: Journal, workflow_id: WorkflowId, wanted: ExecutionId | None
) -> ExecutionRecord | None:
    """The wanted, else the current execution; `None` if the workflow is known but has never run.

    Raises:
        WorkflowNotFound: Neither defined nor ever run.
        ExecutionNotFound: The wanted one is no execution of it.
    """
    if wanted is not None:
        record = journal.get(wanted)
        if record.workflow_id != workflow_id:
            raise ExecutionNotFound(f"{wanted} is no execution of {workflow_id!r}", execution_id=wanted)
        return record
    current = journal.follow(workflow_id, None)
    if current is not None:
        return journal.get(current)
    if all(one.workflow_id != workflow_id for one in journal.definitions()[0]):
        raise WorkflowNotFound(f"no workflow {workflow_id!r} is served here", workflow_id=workflow_id)
    return None
