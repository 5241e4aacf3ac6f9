"""The execution's percentage, rolled up from its steps.

Planned steps count by their weight, each by its own done/total (a group by its items). Without a plan
nobody knows how much is left: the figure then stays below what one more step would make it, and is marked
`indeterminate`. It never falls, and stays at 99 or below until the end.
"""

from collections.abc import Callable, Sequence
from typing import Any

from headway.domain import events as e

CEILING = 99.0


class _Unit:
    """One unit of the roll-up: a planned name, or a top-level step found as the run went on."""

    __slots__ = ("counted", "done", "items", "weight")

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self.items = 0
        self.done = 0.0  # sum of the items' fractions
        self.counted = 0.0  # fraction of the unit that the roll-up's sum has of it

    def fraction(self) -> float:
        return self.done / self.items if self.done < self.items else 1.0


class Rollup:
    """Follows one execution's step events; `value` and `indeterminate` are what its next event says."""

    def __init__(self, plan: Sequence[e.PlannedStep] = ()) -> None:
        self._planned = {step.name: _Unit(step.weight) for step in plan}
        self._unit_of: dict[str, _Unit] = {}  # by step_id
        self._fraction_of: dict[str, float] = {}  # likewise
        self._weight = sum(unit.weight for unit in self._planned.values())
        self._sum = 0.0  # weighted fractions of the units that count
        self._found_weight = 0.0
        self.value = 0.0
        self.indeterminate = not self._planned

    def observe(self, data: e.EventData) -> None:
        """Take an event into account, before it is encoded."""
        count = _COUNTS.get(type(data))
        if count is not None:
            count(self, data)

    def complete(self, data: e.EventData) -> None:
        """Fill in the `progress` that `data` carries, where its kind carries one."""
        match data:
            case e.StepProgressed() | e.StepCompleted() | e.ExecutionStarted() | e.ExecutionResumed():
                data.progress, data.indeterminate = self.value, self.indeterminate
            case e.ExecutionFailed() | e.ExecutionCancelled():
                data.progress = self.value
            case _:
                return

    def _begin(self, data: e.ExecutionStarted | e.ExecutionResumed) -> None:
        if data.plan and not self._planned:
            self._planned = {step.name: _Unit(step.weight) for step in data.plan}
            self._weight = sum(unit.weight for unit in self._planned.values())
            self.indeterminate = not self._planned

    def _start(self, data: e.StepStarted) -> None:
        if data.step_id in self._unit_of:
            return
        if data.parent is not None:
            return  # a child counts through its group's own done/total
        unit = self._planned.get(data.step)
        if unit is None and self._planned:
            return
        if unit is None:
            unit = _Unit(data.weight)
            self._found_weight += data.weight  # more is to be done, so the value does not rise
        self._unit_of[data.step_id] = unit
        self._fraction_of[data.step_id] = 0.0
        unit.items += 1
        if unit.done:
            self._move(unit)

    def _progress(self, data: e.StepProgressed) -> None:
        if data.step_id is None:
            self._explicit(data)
        elif data.done is not None and data.total:
            self._set(data.step_id, min(1.0, data.done / data.total))

    def _end(self, data: e.StepCompleted | e.StepSkipped | e.StepFailed | e.StepCancelled) -> None:
        self._set(data.step_id, 1.0)

    def _set(self, step_id: str, fraction: float) -> None:
        before = self._fraction_of.get(step_id)
        if before is not None and fraction > before:
            self._fraction_of[step_id] = fraction
            unit = self._unit_of[step_id]
            unit.done += fraction - before
            self._move(unit)

    def _move(self, unit: _Unit) -> None:
        fraction = unit.fraction()
        self._sum += (fraction - unit.counted) * unit.weight
        unit.counted = fraction
        whole = self._weight or (self._found_weight + 1.0)
        self._raise(100.0 * self._sum / whole if whole else 0.0)

    def _explicit(self, data: e.StepProgressed) -> None:
        """The workflow itself says how far it is, outside any step: that is the whole, known."""
        if data.done is not None and data.total:
            self.indeterminate = False
            self._raise(100.0 * data.done / data.total)

    def _raise(self, value: float) -> None:
        if value > self.value:
            self.value = max(self.value, round(min(CEILING, value), 2))


# By type, as the recorder asks for each event: a chain of matches would cost the later kinds the most.
_COUNTS: dict[type[e.EventData], Callable[[Rollup, Any], None]] = {
    e.StepStarted: Rollup._start,
    e.StepProgressed: Rollup._progress,
    e.StepCompleted: Rollup._end,
    e.StepSkipped: Rollup._end,
    e.StepFailed: Rollup._end,
    e.StepCancelled: Rollup._end,
    e.ExecutionStarted: Rollup._begin,
    e.ExecutionResumed: Rollup._begin,
}
