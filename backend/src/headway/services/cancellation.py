"""The end of an execution that is to be cancelled and that no worker holds, or none any more."""

from headway.domain import events as e
from headway.domain.execution import State
from headway.domain.identifiers import ExecutionId
from headway.ports import Batch
from headway.services.states import encode_state, summary_of

FORCED = "force:"  # begins the producer's id of each forced request: found again without reading a log


def cancelled_batch(state: State, now: str, asked: e.ControlRequested | None = None) -> Batch:
    """What ends the log that is as `state` says: the request, if it is new, the effect of each, the end."""
    after, said = state.copy(), list[e.EventData]()

    def say(data: e.EventData) -> None:
        after.apply(e.Event(after.seq + 1, now, data))
        said.append(data)

    if asked is not None:
        say(asked)
    cancels = [control for control in after.controls.values() if control.control == "cancel"]
    for control in cancels:
        if control.stage != "effective":
            say(
                e.ControlEffective(
                    control="cancel", control_id=control.control_id, by=control.by, force=control.force
                )
            )
    by = cancels[0].by if cancels else None
    totals = after.sealed_totals()
    result = e.ExecutionResult(execution_id=after.execution_id, status=e.Status.CANCELLED, totals=totals)
    say(e.ExecutionCancelled(by=by, progress=after.progress, totals=totals, result=result))
    return Batch(
        execution_id=ExecutionId(state.execution_id),
        producer_id=f"server:{asked.control_id if asked is not None else state.seq}",
        first_producer_seq=1,
        bodies=[e.encode_body(data, now) for data in said],
        expected_last_seq=state.seq,
        closes=True,
        summary=summary_of(after),
        checkpoint=encode_state(after),
    )
