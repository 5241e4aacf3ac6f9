"""The plan a workflow declares: which steps it will run and what each waits for."""

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TypeAlias

from headway.domain.events import PlannedStep
from headway.errors import DefinitionError
from headway.ports import RunnableStep

PlanNode: TypeAlias = str | RunnableStep
"""A step of a plan: the step itself or its name."""

Plan: TypeAlias = Sequence[PlanNode] | Mapping[PlanNode, Iterable[PlanNode]]
"""A chain of steps in order, or for each step those it waits for."""


def planned_steps(plan: Plan | None) -> list[PlannedStep]:
    """The plan in the form that every viewer reads, in the order it was written.

    Raises:
        DefinitionError: A step is there twice, waits for one that is not, or for itself in a circle.
    """
    if plan is None:
        return []
    if isinstance(plan, str):
        raise DefinitionError("plan= is a list of steps or a dict, not a str: write plan=[...]")
    if isinstance(plan, Mapping):
        steps = [_planned(node, _waited_for(node, after)) for node, after in plan.items()]
    else:
        nodes = list(plan)
        steps = [
            _planned(node, [_name(nodes[index - 1])] if index else []) for index, node in enumerate(nodes)
        ]
    _check(steps)
    return steps


def _name(node: PlanNode) -> str:
    if isinstance(node, str):
        return node
    options = getattr(node, "options", None)
    if options is None:
        raise DefinitionError(f"{node!r} in plan= is no step: name it, or decorate the function with @step")
    return node.options.name


def _planned(node: PlanNode, after: list[str]) -> PlannedStep:
    name = _name(node)
    return PlannedStep(name, after, 1.0 if isinstance(node, str) else node.options.weight)


def _waited_for(node: PlanNode, after: Iterable[PlanNode]) -> list[str]:
    if isinstance(after, str) or not isinstance(after, Iterable):
        raise DefinitionError(f"plan= of {_name(node)!r} needs a list of the steps it waits for, like [a, b]")
    return [_name(other) for other in after]


def _check(steps: Sequence[PlannedStep]) -> None:
    names = {step.name for step in steps}
    if len(names) < len(steps):
        raise DefinitionError(
            "plan= holds a step twice; write each once (a mapped step stands for all its items)"
        )
    for step in steps:
        for other in step.after:
            if other not in names:
                raise DefinitionError(
                    f"plan= says that {step.name!r} waits for {other!r}, which is not in the plan; add it"
                )
    try:
        TopologicalSorter({step.name: step.after for step in steps}).prepare()
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise DefinitionError(f"plan= goes in a circle: {circle}; remove one of these") from None
