"""What an execution takes over from the one it does over: the results before a step, and beside it. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from msgspec import UNSET

from headway.domain import events as e
from headway.errors import InvalidInput

_NAMED = 10  # steps that a refusal names


def reused_steps(events: Iterable[e.Event], from_step: str) -> list[e.EventData]:
    """The first events of the new execution: each step that was done before `from_step` first began.

    Where it is an item of a group, or a group that was not done, the other items that were done are among
    them whenever they ended: items do not wait for each other.

    Their keys stay, so the new run recalls them exactly as a run does that goes on after a crash. A step that
    was under way is among them where others inside it were done: it is begun, and will be asked for again.

    Args:
        events: Of the execution that is done over.
        from_step: A step's id (`load#2`), or a name, which means the first of that name.

    Raises:
        InvalidInput: It never began such a step.
    """
    begun: dict[str, e.StepStarted] = {}
    before: dict[str, e.StepCompleted] = {}
    after: dict[str, e.StepCompleted] = {}
    start: str | None = None
    for event in events:
        data = event.data
        if isinstance(data, e.StepStarted):
            if start is None and from_step in (data.step_id, data.step):
                start = data.step_id
            begun.setdefault(data.step_id, data)
        elif isinstance(data, e.StepCompleted) and data.step_id in begun and _can_be_reused(data):
            (before if start is None else after)[data.step_id] = data
    if start is None:
        fault = _unknown(from_step, begun)
        raise InvalidInput(f"there is no step {from_step!r} to go on from", errors=[fault])
    line = [start, *_outer(start, begun)]
    groups = {step_id for step_id in line if _is_group(begun[step_id])}
    if start in after:
        groups.discard(start)  # a group that was done is done over
    beside = {step_id: end for step_id, end in after.items() if _nearest(step_id, line, begun) in groups}
    return _copies(begun, before | beside)


def _is_group(data: e.StepStarted | e.StepCompleted) -> bool:
    return data.step_id.startswith(f"{data.step}[]#")


def _can_be_reused(data: e.StepCompleted) -> bool:
    return _is_group(data) or data.result is not UNSET


def _outer(step_id: str, begun: dict[str, e.StepStarted]) -> Iterator[str]:
    """The steps it stands in, innermost first."""
    outer = begun[step_id].parent
    while outer is not None and outer in begun:
        yield outer
        outer = begun[outer].parent


def _nearest(step_id: str, line: Sequence[str], begun: dict[str, e.StepStarted]) -> str | None:
    """The innermost step of the line that it stands in without being one of it."""
    if step_id in line:
        return None
    return next((outer for outer in _outer(step_id, begun) if outer in line), None)


def _copies(begun: dict[str, e.StepStarted], done: dict[str, e.StepCompleted]) -> list[e.EventData]:
    wanted: set[str] = set()
    for step_id in done:
        wanted.update((step_id, *_outer(step_id, begun)))
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
