"""What people and programs are shown of workflows and executions, the same over HTTP and in the terminal."""

from typing import Any

import msgspec
from msgspec import Raw

from headway.domain.events import PlannedStep
from headway.domain.execution import State
from headway.domain.identifiers import ExecutionId
from headway.domain.workflow import WorkflowDefinition
from headway.ports import ExecutionRecord


class ExecutionView(msgspec.Struct, kw_only=True):
    """One row of the list of executions."""

    execution_id: str
    workflow_id: str
    status: str
    phase: str
    progress: float
    indeterminate: bool
    attempt: int
    created_at: str
    started_at: str | None
    ended_at: str | None
    message: str | None
    error: str | None
    error_code: str | None
    by: str | None
    retry_of: str | None
    input: Raw
    last_seq: int
    closed: bool


class WorkflowView(msgspec.Struct, kw_only=True):
    """A workflow with its form, its plan and its latest execution.

    `import_error` is the traceback of its file where that no longer imports: it cannot be started then.
    """

    workflow_id: str
    title: str
    description: str
    input_schema: dict[str, Any]
    plan: list[PlannedStep]
    source: str
    code_hash: str
    import_error: str | None
    latest: ExecutionView | None


class SourceView(msgspec.Struct, kw_only=True):
    """A user's file as the workers last found it."""

    path: str
    import_error: str | None
    loaded_at: str


class WorkflowsView(msgspec.Struct, kw_only=True):
    workflows: list[WorkflowView]
    sources: list[SourceView]


class ExecutionsView(msgspec.Struct, kw_only=True):
    """A page of the list, newest first; `next_cursor` asks for the page after it."""

    executions: list[ExecutionView]
    next_cursor: str | None


class DescriptionView(msgspec.Struct, kw_only=True):
    """An execution as it is at `cursor`."""

    execution: ExecutionView
    state: State
    cursor: str


class Started(msgspec.Struct, kw_only=True):
    """`created` is false where the idempotency key was known: then this is the first request's execution."""

    execution_id: ExecutionId
    workflow_id: str
    created: bool


class FollowedView(msgspec.Struct, kw_only=True):
    """Which execution a viewer of a workflow follows; none while there is none."""

    execution_id: ExecutionId | None


class ControlReceipt(msgspec.Struct, kw_only=True):
    """Under `control_id` the log tells what becomes of the request: requested, delivered, effective."""

    control_id: str
    control: str
    execution_id: str


class EventsView(msgspec.Struct, kw_only=True):
    """Events as stored, with the cursor after the last of them."""

    events: list[Raw]
    cursor: str
    last_seq: int
    closed: bool


def view_of(record: ExecutionRecord) -> ExecutionView:
    summary = record.summary
    return ExecutionView(
        execution_id=record.execution_id,
        workflow_id=record.workflow_id,
        status=summary.status,
        phase=summary.phase,
        progress=summary.progress,
        indeterminate=summary.indeterminate,
        attempt=summary.attempt,
        created_at=record.created_at,
        started_at=summary.started_at,
        ended_at=summary.ended_at,
        message=summary.message,
        error=summary.error,
        error_code=summary.error_code,
        by=record.by,
        retry_of=record.retry_of,
        input=Raw(record.input),
        last_seq=record.head.last_seq,
        closed=record.head.closed,
    )


def workflow_view(
    definition: WorkflowDefinition, import_error: str | None, latest: ExecutionRecord | None
) -> WorkflowView:
    return WorkflowView(
        workflow_id=definition.workflow_id,
        title=definition.title,
        description=definition.description,
        input_schema=definition.input_schema,
        plan=definition.plan,
        source=definition.source,
        code_hash=definition.code_hash,
        import_error=import_error,
        latest=view_of(latest) if latest else None,
    )
