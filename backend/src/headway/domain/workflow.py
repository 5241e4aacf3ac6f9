"""What a workflow declares about itself before it runs: its input, its plan, its code."""

from typing import Any

import msgspec

from headway.domain.events import PlannedStep
from headway.domain.identifiers import WorkflowId


class WorkflowDefinition(msgspec.Struct, kw_only=True):
    """What the server knows of a workflow without importing its file.

    Args:
        input_schema: JSON Schema (2020-12) of the input object, made from the type hints.
        plan: Steps known before the run; empty where the graph grows as it runs.
        code_hash: Changes with the source of the workflow's file.
        source: The user's file, absolute.
    """

    workflow_id: WorkflowId
    title: str
    description: str = ""
    input_schema: dict[str, Any] = msgspec.field(default_factory=dict)
    plan: list[PlannedStep] = msgspec.field(default_factory=list)
    code_hash: str = ""
    source: str = ""
    timeout_s: float | None = None


class SourceFile(msgspec.Struct, kw_only=True):
    """A user's file as a worker found it; `import_error` is the traceback where it did not import."""

    path: str
    code_hash: str = ""
    import_error: str | None = None
    loaded_at: str = ""
