"""The execution's percentage, rolled up from its steps.

Planned steps count by their weight, each by its own done/total (a group by its items). Without a plan
nobody knows how much is left: the figure then stays below what one more step would make it, and is marked
`indeterminate`. It never falls, and stays at 99 or below until the end.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from headway.domain import events as e

CEILING = 99.0


class _Unit(msgspec.Struct, gc=False):
    """One unit of the roll-up: a planned name, or a top-level step found as the run went on."""

    weight: float
    items: int = 0
    done: float = 0.0  # sum of the items' fractions
    counted: float = 0.0  # fraction of the unit that the roll-up's sum has of it


class _Share(msgspec.Struct):
    """What one step adds to its unit."""

    unit: _Unit
    fraction: float = 0.0


class Rollup:
    """Follows one execution's step events; `value` and `indeterminate` are what its next event says."""

    def __init__(self, plan: Sequence[e.PlannedStep] = ()) -> None:
        self._planned = {step.name: _Unit(step.weight) for step in plan}
        self._shares: dict[str, _Share] = {}  # by step_id
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
        if type(data) not in _CARRIERS:
            return  # most kinds: the matches below would cost them the most
        match data:
            case e.StepProgressed() | e.StepCompleted() | e.ExecutionStarted() | e.ExecutionResumed():
                data.progress, data.indeterminate = self.value, self.indeterminate
            case e.ExecutionFailed() | e.ExecutionCancelled():
                data.progress = self.value

    def _begin(self, data: e.ExecutionStarted | e.ExecutionResumed) -> None:
        if data.plan and not self._planned:
            self._planned = {step.name: _Unit(step.weight) for step in data.plan}
            self._weight = sum(unit.weight for unit in self._planned.values())
            self.indeterminate = not self._planned

    def _start(self, data: e.StepStarted) -> None:
        if data.step_id in self._shares:
            return
        if data.parent is not None:
            return  # a child counts through its group's own done/total
        unit = self._planned.get(data.step)
        if unit is None and self._planned:
            return
        if unit is None:
            unit = _Unit(data.weight)
            self._found_weight += data.weight  # more is to be done, so the value does not rise
        self._shares[data.step_id] = _Share(unit)
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
        share = self._shares.get(step_id)
        if share is not None and fraction > share.fraction:
            share.unit.done += fraction - share.fraction
            share.fraction = fraction
            self._move(share.unit)

    def _move(self, unit: _Unit) -> None:
        fraction = unit.done / unit.items if unit.done < unit.items else 1.0
        self._sum += (fraction - unit.counted) * unit.weight
        unit.counted = fraction
        whole = self._weight or (self._found_weight + 1.0)
        if whole:
            self._raise(100.0 * self._sum / whole)

    def _explicit(self, data: e.StepProgressed) -> None:
        """The workflow itself says how far it is, outside any step: that is the whole, known."""
        if data.done is not None and data.total:
            self.indeterminate = False
            self._raise(100.0 * data.done / data.total)

    def _raise(self, value: float) -> None:
        if value > self.value:
            # Rounded to hundredths by way of an integer, at a tenth of what round(value, 2) takes.
            self.value = max(self.value, round(min(CEILING, value) * 100.0) / 100.0)


_CARRIERS = frozenset(
    {
        *(e.StepProgressed, e.StepCompleted, e.ExecutionStarted, e.ExecutionResumed),
        *(e.ExecutionFailed, e.ExecutionCancelled),
    }
)
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
