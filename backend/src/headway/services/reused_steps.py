"""What an execution takes over from the one it does over: the results of the steps before a step. Pure."""

from collections.abc import Iterable
from itertools import islice

from msgspec import UNSET

from headway.domain import events as e
from headway.errors import InvalidInput

_NAMED = 10  # steps that a refusal names


def reused_steps(events: Iterable[e.Event], from_step: str) -> list[e.EventData]:
    """The first events of the new execution: each step that was done before `from_step` first began.

    Their keys stay, so the new run recalls them exactly as a run does that goes on after a crash. A step that
    was under way is among them where others inside it were done: it is begun, and will be asked for again.

    Args:
        events: Of the execution that is done over.
        from_step: A step's id (`load#2`), or a name, which means the first of that name.

    Raises:
        InvalidInput: It never began such a step.
    """
    begun: dict[str, e.StepStarted] = {}
    done: dict[str, e.StepCompleted] = {}
    for event in events:
        data = event.data
        if isinstance(data, e.StepStarted):
            if from_step in (data.step_id, data.step):
                return _copies(begun, done)
            begun.setdefault(data.step_id, data)
        elif isinstance(data, e.StepCompleted) and data.step_id in begun and _can_be_reused(data):
            done[data.step_id] = data
    raise InvalidInput(f"there is no step {from_step!r} to go on from", errors=[_unknown(from_step, begun)])


def _can_be_reused(data: e.StepCompleted) -> bool:
    is_group = data.step_id.startswith(f"{data.step}[]#")
    return is_group or data.result is not UNSET


def _copies(begun: dict[str, e.StepStarted], done: dict[str, e.StepCompleted]) -> list[e.EventData]:
    wanted: set[str] = set()
    for step_id in done:
        outer: str | None = step_id
        while outer is not None and outer not in wanted and outer in begun:
            wanted.add(outer)
            outer = begun[outer].parent
    copies: list[e.EventData] = []
    for step_id, start in begun.items():
        if step_id not in wanted:
            continue
        copies.append(
            e.StepStarted(
                step=start.step,
                step_id=step_id,
                key=start.key,
                parent=start.parent,
                total=start.total,
                unit=start.unit,
                weight=start.weight,
            )
        )
        end = done.get(step_id)
        if end is not None:
            copies.append(
                e.StepCompleted(
                    step=start.step,
                    step_id=step_id,
                    key=start.key,
                    duration_s=end.duration_s,
                    reused=True,
                    result=end.result,
                )
            )
    return copies


def _unknown(from_step: str, begun: dict[str, e.StepStarted]) -> dict[str, str]:
    known = ", ".join(islice(begun, _NAMED)) or "no step"
    more = ", …" if len(begun) > _NAMED else ""
    return {"field": "from_step", "message": f"{from_step!r} never began; it had {known}{more}"}
