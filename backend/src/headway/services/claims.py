"""What a worker must know of an execution to take it up: its state, its memo, its roll-up."""

from collections.abc import Iterator

import msgspec
from msgspec import Raw

from headway.domain.events import Event, ExecutionQueued, decode_line
from headway.domain.execution import State
from headway.domain.identifiers import ExecutionId
from headway.domain.progress import Rollup
from headway.ports import ExecutionRecord, Journal
from headway.services.recovery import Memo
from headway.services.secret_inputs import hidden_values
from headway.services.states import load_state

_IDLE_KINDS = (b'"kind":"log"', b'"kind":"step.progressed"')  # most of a log, and nothing to go on from
_HEAD_BYTES = 64  # a line's seq and kind


class Claim(msgspec.Struct, frozen=True, eq=False):
    """An execution whose lease we hold."""

    record: ExecutionRecord
    state: State
    memo: Memo
    rollup: Rollup

    @property
    def secrets(self) -> list[str]:
        """Of its input."""
        record = self.record
        if record.private_input is None:
            return []
        return hidden_values(msgspec.json.decode(record.input), msgspec.json.decode(record.private_input))


def read_claim(journal: Journal, record: ExecutionRecord) -> Claim:
    """Read back where the execution stands."""
    rollup = Rollup()
    if record.head.last_seq == 1:  # new: nothing but its place in the queue
        return Claim(record, _queued_state(record), Memo(), rollup)
    state = load_state(journal, record.execution_id)
    notable = list(notable_events(journal, record.execution_id, state.seq))
    for event in notable:
        rollup.observe(event.data)
    rollup.restore(state.progress, told=bool(state.total))
    return Claim(record, state, Memo.of(notable), rollup)


def _queued_state(record: ExecutionRecord) -> State:
    """The fold of `execution.queued`, which says what the record says: a new execution is not read back.

    But for its plan: the start, which is the next event, has its own.
    """
    state = State(execution_id=record.execution_id, workflow_id=record.workflow_id)
    queued = ExecutionQueued(input=Raw(record.input), by=record.by, retry_of=record.retry_of)
    state.apply(Event(1, record.created_at, queued))
    return state


def notable_events(journal: Journal, execution_id: ExecutionId, upto: int) -> Iterator[Event]:
    """The events up to `upto` but for log lines and progress, which are not even decoded."""
    after = 0
    while after < upto:
        segments = journal.read(execution_id, after)
        for segment in segments:
            for line in segment.body.splitlines():
                head = line[:_HEAD_BYTES]
                if not any(kind in head for kind in _IDLE_KINDS):
                    yield decode_line(line)
            after = segment.last_seq
        if not segments:
            return
