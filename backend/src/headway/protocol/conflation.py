"""Fewer lines for a viewer that lags in mode `state`, with the same fold.

Two kinds may be left out: a `step.progressed` whose every effect a later one repeats, and a `log` line that
is not among the last few. Their counts travel in the frame's header (`LeftOut`), so that
`fold(absorb(state, left_out), kept) == fold(state, all)`. Guarded by test_conflation.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec import UNSET

from headway.domain import events as e
from headway.domain.execution import State
from headway.protocol.codec import lines_of
from headway.protocol.messages import LeftOut


@dataclass(frozen=True, slots=True)
class Conflated:
    """What is sent of a range: `count` lines in `body`; `left_out` is `None` where that is all of it."""

    body: bytes
    count: int
    left_out: LeftOut | None


def conflate(body: bytes, *, tail: int) -> Conflated:
    """Leave out what a lagging viewer does not need.

    Args:
        body: Consecutive stored lines, each ended by a newline.
        tail: How many of the last log lines to keep.
    """
    lines = lines_of(body)
    events = [e.decode_line(line) for line in lines]
    kept = _kept(events, tail)
    if all(kept):
        return Conflated(body, len(lines), None)
    left = [event.data for event, keep in zip(events, kept, strict=True) if not keep]
    logs = [data for data in left if isinstance(data, e.Log)]
    errors = sum(data.level in e.ERROR_LEVELS for data in logs)
    shorter = b"".join(line + b"\n" for line, keep in zip(lines, kept, strict=True) if keep)
    return Conflated(shorter, sum(kept), LeftOut(len(left), len(logs), errors))


def absorb(state: State, left_out: LeftOut) -> None:
    """Count the events that a conflated frame leaves out, in place; before its lines are applied."""
    if state.closed:
        return
    state.counts.events += left_out.events
    state.counts.logs += left_out.logs
    state.counts.errors += left_out.errors


def _kept(events: Sequence[e.Event], tail: int) -> list[bool]:
    """Which to keep, decided from the end: the last event always, as it sets `seq` and `updated_at`."""
    kept = [True] * len(events)
    later = _Later()
    for index in range(len(events) - 1, -1, -1):
        data = events[index].data
        last = index == len(events) - 1
        if isinstance(data, e.Log):
            kept[index] = last or tail > 0
            tail -= 1
        elif isinstance(data, e.StepProgressed):
            kept[index] = last or not later.covers(data)
            if kept[index]:
                later.note(data)
    return kept


@dataclass(slots=True)
class _Later:
    """What the kept progress events after a point in the range set, by whose figures they are."""

    progress: float = -1.0
    fields: dict[tuple[str | None, bool], set[str]] = field(default_factory=dict)

    def covers(self, data: e.StepProgressed) -> bool:
        known = self.fields.get(_moved_by(data))
        if known is None or not known >= _set_by(data):
            return False
        return data.progress is UNSET or data.progress <= self.progress

    def note(self, data: e.StepProgressed) -> None:
        self.fields.setdefault(_moved_by(data), set()).update(_set_by(data))
        if data.progress is not UNSET:
            self.progress = max(self.progress, data.progress)


def _moved_by(data: e.StepProgressed) -> tuple[str | None, bool]:
    """Whose figures the fold sets: a step's, the workflow's own, or nobody's (an id without a name)."""
    return data.step_id, data.step_id is None or data.step is not None


def _set_by(data: e.StepProgressed) -> set[str]:
    """The fields that the fold takes over from it, by the fold's own tests of absence."""
    values = {"done": data.done is not None, "total": data.total is not None}
    texts = {"unit": bool(data.unit), "message": bool(data.message)}
    return {name for name, is_set in (values | texts).items() if is_set}
