"""The state of an execution at any seq: nearest checkpoint, then a bounded fold."""

from collections.abc import Iterator

import msgspec

from headway.domain.events import Event, decode_line
from headway.domain.execution import State
from headway.domain.identifiers import ExecutionId
from headway.ports import Journal, Summary

_SUMMARY_CHARS = 500
_decode_state = msgspec.json.Decoder(State).decode
encode_state = msgspec.json.Encoder().encode


def events_between(journal: Journal, execution_id: ExecutionId, after: int, upto: int) -> Iterator[Event]:
    """Decode the events `after`+1 … `upto`, reading a bounded piece of the log at a time."""
    while after < upto:
        segments = journal.read(execution_id, after)
        if not segments:
            return
        for segment in segments:
            for line in segment.body.splitlines():
                event = decode_line(line)
                if event.seq > upto:
                    return
                yield event
            after = segment.last_seq


def load_state(journal: Journal, execution_id: ExecutionId, upto: int | None = None) -> State:
    """Fold the log up to `upto` (default: its end).

    Raises:
        ExecutionNotFound: There is no such execution.
    """
    record = journal.get(execution_id)
    last = record.head.last_seq if upto is None else min(upto, record.head.last_seq)
    stored = journal.checkpoint(execution_id, last)
    state = (
        _decode_state(stored[1])
        if stored
        else State(execution_id=execution_id, workflow_id=record.workflow_id)
    )
    for event in events_between(journal, execution_id, state.seq, last):
        state.apply(event)
    return state


def catch_up(journal: Journal, execution_id: ExecutionId, state: State) -> None:
    """Fold into the execution's state what the log has got since."""
    head = journal.get(execution_id).head
    for event in events_between(journal, execution_id, state.seq, head.last_seq):
        state.apply(event)


def summary_of(state: State) -> Summary:
    """What the list of executions shows of this state; the error is cut to its first line."""
    return Summary(
        status=str(state.status),
        phase=str(state.phase),
        progress=state.progress,
        indeterminate=state.indeterminate,
        attempt=state.attempt,
        started_at=state.started_at,
        ended_at=state.ended_at,
        message=_cut(state.message),
        error=_cut(state.error.partition("\n")[0] if state.error else None),
        error_code=state.error_code,
        questions=state.waiting.open_questions,
    )


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= _SUMMARY_CHARS else text[: _SUMMARY_CHARS - 1] + "…"
