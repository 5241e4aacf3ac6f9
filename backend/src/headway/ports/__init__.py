"""What the services need from the outside, as protocols; adapters carry them out."""

from headway.ports.authored import RunnableStep, RunnableWorkflow, StepOptions
from headway.ports.clock import Clock
from headway.ports.engine import Capabilities, Engine
from headway.ports.hints import Hint, HintBus
from headway.ports.journal import (
    SUSPECT_CRASHES,
    Catalog,
    EventLog,
    Housekeeping,
    Journal,
    Maintenance,
    StartQueue,
)
from headway.ports.outputs import OutputStore
from headway.ports.records import (
    Appended,
    Batch,
    ExecutionFilter,
    ExecutionRecord,
    Head,
    Lease,
    NewExecution,
    Run,
    Segment,
    Summary,
)
from headway.ports.scope import Scope, current_scope
from headway.ports.waits import OnDeadline, Question, Reply, Signal, Timer, Wait

__all__ = [
    "SUSPECT_CRASHES",
    "Appended",
    "Batch",
    "Capabilities",
    "Catalog",
    "Clock",
    "Engine",
    "EventLog",
    "ExecutionFilter",
    "ExecutionRecord",
    "Head",
    "Hint",
    "HintBus",
    "Housekeeping",
    "Journal",
    "Lease",
    "Maintenance",
    "NewExecution",
    "OnDeadline",
    "OutputStore",
    "Question",
    "Reply",
    "Run",
    "RunnableStep",
    "RunnableWorkflow",
    "Scope",
    "Segment",
    "Signal",
    "StartQueue",
    "StepOptions",
    "Summary",
    "Timer",
    "Wait",
    "current_scope",
]
