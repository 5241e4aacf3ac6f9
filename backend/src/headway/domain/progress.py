"""The execution's percentage, rolled up from its steps.

Planned steps count by their weight, each by its own done/total (a group by its items). Without a plan
nobody knows how much is left: the figure then stays below what one more step would make it, and is marked
`indeterminate`. It never falls, and stays at 99 or below until the end.
"""

from collections.abc import Sequence

from headway.domain import events as e

CEILING = 99.0


class _Unit:
    """One unit of the roll-up: a planned name, or a top-level step found as the run went on."""

    __slots__ = ("done", "ended", "items", "total", "weight")

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self.items: dict[str, float] = {}  # step_id -> fraction of it
        self.done = 0.0  # sum of the fractions
        self.ended = 0
        self.total: float | None = None

    def set(self, step_id: str, fraction: float) -> None:
        before = self.items.get(step_id, 0.0)
        self.items[step_id] = max(fraction, before)
        self.done += max(fraction, before) - before

    def fraction(self) -> float:
        count = max(self.total or 0.0, len(self.items))
        return min(1.0, self.done / count) if count else 0.0


class Rollup:
    """Follows one execution's step events; `value` and `indeterminate` are what its next event says."""

    def __init__(self, plan: Sequence[e.PlannedStep] = ()) -> None:
        self._planned = {step.name: _Unit(step.weight) for step in plan}
        self._found: dict[str, _Unit] = {}
        self._unit_of: dict[str, _Unit] = {}
        self._weight = sum(unit.weight for unit in self._planned.values())
        self._sum = 0.0  # weighted fractions of the units that count
        self._found_weight = 0.0
        self.value = 0.0
        self.indeterminate = not self._planned

    def observe(self, data: e.EventData) -> None:
        """Take an event into account, before it is encoded."""
        match data:
            case e.StepStarted():
                self._start(data)
            case e.StepProgressed():
                if data.step_id is None:
                    self._explicit(data)
                elif data.done is not None and data.total:
                    self._set(data.step_id, min(1.0, data.done / data.total))
            case e.StepCompleted() | e.StepSkipped() | e.StepFailed() | e.StepCancelled():
                self._set(data.step_id, 1.0)
            case e.ExecutionStarted() | e.ExecutionResumed() if data.plan and not self._planned:
                self._planned = {step.name: _Unit(step.weight) for step in data.plan}
                self._weight = sum(unit.weight for unit in self._planned.values())
                self.indeterminate = not self._planned
            case _:
                return

    def complete(self, data: e.EventData) -> None:
        """Fill in the `progress` that `data` carries, where its kind carries one."""
        match data:
            case e.StepProgressed() | e.StepCompleted() | e.ExecutionStarted() | e.ExecutionResumed():
                data.progress, data.indeterminate = self.value, self.indeterminate
            case e.ExecutionFailed() | e.ExecutionCancelled():
                data.progress = self.value
            case _:
                return

    def _start(self, data: e.StepStarted) -> None:
        if data.step_id in self._unit_of:
            return
        if data.parent is not None:
            return  # a child counts through its group's own done/total
        unit = self._planned.get(data.step)
        if unit is None and not self._planned:
            unit = self._found[data.step_id] = _Unit(data.weight)
            self._found_weight += data.weight
        if unit is None:
            return
        before = unit.fraction()
        self._unit_of[data.step_id] = unit
        unit.items.setdefault(data.step_id, 0.0)
        self._move(unit, before)

    def _set(self, step_id: str, fraction: float) -> None:
        unit = self._unit_of.get(step_id)
        if unit is None:
            return
        before = unit.fraction()
        unit.set(step_id, fraction)
        self._move(unit, before)

    def _move(self, unit: _Unit, before: float) -> None:
        self._sum += (unit.fraction() - before) * unit.weight
        whole = self._weight or (self._found_weight + 1.0)
        self._raise(100.0 * self._sum / whole if whole else 0.0)

    def _explicit(self, data: e.StepProgressed) -> None:
        """The workflow itself says how far it is, outside any step: that is the whole, known."""
        if data.done is not None and data.total:
            self.indeterminate = False
            self._raise(100.0 * data.done / data.total)

    def _raise(self, value: float) -> None:
        self.value = max(self.value, round(min(CEILING, value), 2))
