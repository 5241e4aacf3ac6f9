"""Headway shows workflow executions live. These are the public names; see `docs/` for the whole."""

from headway.authoring.command import CommandResult
from headway.authoring.current import Current, current
from headway.authoring.gathering import gather
from headway.authoring.log import log
from headway.authoring.mapping import map  # noqa: A004 - the vocabulary's word; import it or use step.map
from headway.authoring.output import output
from headway.authoring.plan import Plan, PlanNode
from headway.authoring.progress import progress, track
from headway.authoring.shell import shell
from headway.authoring.step import AsyncStep, PlainStep, Step, step
from headway.authoring.waiting import Answer, approval, signal, sleep
from headway.authoring.workflow import Workflow, workflow
from headway.errors import ApprovalTimeout, CommandFailed, HeadwayError, SignalTimeout, StepTimeout

__all__ = [
    "Answer",
    "ApprovalTimeout",
    "AsyncStep",
    "CommandFailed",
    "CommandResult",
    "Current",
    "HeadwayError",
    "PlainStep",
    "Plan",
    "PlanNode",
    "SignalTimeout",
    "Step",
    "StepTimeout",
    "Workflow",
    "approval",
    "current",
    "gather",
    "log",
    "map",
    "output",
    "progress",
    "shell",
    "signal",
    "sleep",
    "step",
    "track",
    "workflow",
]
