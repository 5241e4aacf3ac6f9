"""The execution's percentage, rolled up from its steps, or as the workflow's body says it itself.

Planned steps count by their weight, each by its own done/total (a group by its items). Where nobody has said
how much there is, the figure stays where it was and is marked `indeterminate`: it may never fall, so a guess
that the truth turns out to be far below would stand for most of the run. It stays at 99 or below until the
end.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from headway.domain import events as e

CEILING = 99.0


class _Unit(msgspec.Struct, gc=False):
    """One step of the plan, over all its calls."""

    weight: float
    calls: int = 0
    ended: int = 0
    done: float = 0.0  # sum of the calls' fractions
    counted: float = 0.0  # fraction of the unit that the roll-up's sum has of it
    repeats: bool = False  # called anew after a call had ended: nobody knows how often it will be

    @property
    def goes_on(self) -> bool:
        return self.ended < self.calls or self.calls == 0


class _Share(msgspec.Struct):
    """What one step adds to its unit."""

    unit: _Unit
    fraction: float = 0.0
    has_ended: bool = False


class Rollup:
    """Follows one execution's events; `value` and `indeterminate` are what its next event says.

    Takes an event twice as once: a batch that has to be written anew is observed anew.
    """

    def __init__(self, plan: Sequence[e.PlannedStep] = ()) -> None:
        self._units: dict[str, _Unit] = {}  # by the name of the planned step
        self._shares: dict[str, _Share] = {}  # by step_id
        self._weight = 0.0
        self._sum = 0.0  # weighted fractions of the units
        self._is_told = False  # by the workflow's body: then its steps count no more
        self.value = 0.0
        self.indeterminate = True
        self._take_plan(plan)

    def observe(self, data: e.EventData) -> None:
        """Take an event into account, before it is encoded."""
        count = _COUNTS.get(type(data))
        if count is not None:
            count(self, data)

    def complete(self, data: e.EventData) -> None:
        """Fill in the `progress` that `data` carries, where its kind carries one and it has none yet."""
        carrier = _CARRIERS.get(type(data))
        if carrier is not None:
            carrier(self, data)

    def restore(self, value: float, *, told: bool) -> None:
        """Go on where another roll-up stood, which was shown the progress events, too."""
        self.value = max(self.value, value)
        if told:
            self._hear()

    def _tell(
        self, data: e.StepProgressed | e.StepCompleted | e.ExecutionStarted | e.ExecutionResumed
    ) -> None:
        if data.progress is UNSET:
            data.progress, data.indeterminate = self.value, self.indeterminate

    def _tell_last(self, data: e.ExecutionFailed | e.ExecutionCancelled) -> None:
        if data.progress is UNSET:
            data.progress = self.value

    def _queue(self, data: e.ExecutionQueued | e.ExecutionStarted) -> None:
        self._take_plan(data.plan)

    def _resume(self, data: e.ExecutionResumed) -> None:
        if data.plan:
            self._take_plan(data.plan)

    def _take_plan(self, plan: Sequence[e.PlannedStep]) -> None:
        if self._is_told:
            return
        known, self._units = self._units, {}
        for unit in known.values():
            unit.weight = 0.0  # what is no longer planned does not count
        for step in plan:
            unit = self._units[step.name] = known.get(step.name) or _Unit(step.weight)
            unit.weight = step.weight
        self._weight = sum(unit.weight for unit in self._units.values())
        self._sum = sum(unit.counted * unit.weight for unit in self._units.values())
        self._judge()

    def _start(self, data: e.StepStarted) -> None:
        unit = self._units.get(data.step)
        # A child counts through its group's own done/total.
        if unit is None or data.parent is not None or data.step_id in self._shares:
            return
        if unit.calls == 0:
            self._settle()
        elif unit.ended:
            unit.repeats = True
            self._judge()
        self._shares[data.step_id] = _Share(unit)
        unit.calls += 1
        if unit.done:
            self._move(unit)

    def _progress(self, data: e.StepProgressed) -> None:
        if data.done is None or not data.total:
            return
        if data.step_id is not None:
            self._set(data.step_id, min(1.0, data.done / data.total))
            return
        self._hear()  # the workflow itself says how far it is: that is the whole
        self._raise(100.0 * data.done / data.total)

    def _end(self, data: e.StepCompleted | e.StepSkipped | e.StepFailed | e.StepCancelled) -> None:
        share = self._shares.get(data.step_id)
        if share is None or share.has_ended:
            return
        share.has_ended = True
        unit = share.unit
        unit.ended += 1
        unit.done += 1.0 - share.fraction
        share.fraction = 1.0
        # The last step of a plan may be called once more, and would have shown 99 % after its first call.
        if any(other.goes_on for other in self._units.values()):
            self._move(unit)

    def _set(self, step_id: str, fraction: float) -> None:
        share = self._shares.get(step_id)
        if share is not None and fraction > share.fraction:
            share.unit.done += fraction - share.fraction
            share.fraction = fraction
            self._move(share.unit)

    def _settle(self) -> None:
        """Another step of the plan begins: what has ended before it is not called again."""
        for unit in self._units.values():
            if not unit.goes_on:
                unit.repeats = False
                self._count(unit, 1.0)
        self._judge()

    def _move(self, unit: _Unit) -> None:
        if not unit.repeats:
            self._count(unit, unit.done / unit.calls if unit.done < unit.calls else 1.0)

    def _count(self, unit: _Unit, fraction: float) -> None:
        self._sum += (fraction - unit.counted) * unit.weight
        unit.counted = fraction
        if self._weight:
            self._raise(100.0 * self._sum / self._weight)

    def _hear(self) -> None:
        self._is_told, self.indeterminate = True, False
        self._units, self._shares = {}, {}

    def _judge(self) -> None:
        self.indeterminate = not self._units or any(unit.repeats for unit in self._units.values())

    def _raise(self, value: float) -> None:
        if value > self.value:
            # Rounded to hundredths by way of an integer, at a tenth of what round(value, 2) takes.
            self.value = max(self.value, round(min(CEILING, value) * 100.0) / 100.0)


# By type, as the recorder asks for each event: a chain of matches would cost the later kinds the most.
_Rule = Callable[[Rollup, Any], None]
_CARRIERS: dict[type[e.EventData], _Rule] = {
    e.StepProgressed: Rollup._tell,
    e.StepCompleted: Rollup._tell,
    e.ExecutionStarted: Rollup._tell,
    e.ExecutionResumed: Rollup._tell,
    e.ExecutionFailed: Rollup._tell_last,
    e.ExecutionCancelled: Rollup._tell_last,
}
_COUNTS: dict[type[e.EventData], _Rule] = {
    e.StepStarted: Rollup._start,
    e.StepProgressed: Rollup._progress,
    e.StepCompleted: Rollup._end,
    e.StepSkipped: Rollup._end,
    e.StepFailed: Rollup._end,
    e.StepCancelled: Rollup._end,
    e.ExecutionQueued: Rollup._queue,
    e.ExecutionStarted: Rollup._queue,
    e.ExecutionResumed: Rollup._resume,
}
