"""Answers that look over all executions, as OpenAPI shows them."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

_RUN: dict[str, JsonValue] = {
    "execution_id": "01KAQ8V3S8T2M4N6P8R0T2V4X6",
    "workflow_id": "audit_environment",
    "phase": "completed",
    "started_at": "2026-11-22T21:30:00.012345Z",
    "ended_at": "2026-11-22T21:32:10.512345Z",
    "error": None,
}


class Run(BaseModel):
    """An execution as a bar: its colour is the phase, its height how long it took."""

    execution_id: str
    workflow_id: str
    phase: str
    started_at: str | None
    ended_at: str | None
    error: str | None


class WorkflowStatistics(BaseModel):
    """Over the last 100 executions of a workflow."""

    workflow_id: str
    runs: list[Run] = Field(description="The last 20, newest first.")
    ended: int = Field(description="How many have completed or failed.")
    completed: int
    p50_s: float | None = Field(description="Half of those that completed took no longer.")
    p95_s: float | None


class Statistics(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "workflows": [
                        {
                            "workflow_id": "audit_environment",
                            "runs": [_RUN],
                            "ended": 1,
                            "completed": 1,
                            "p50_s": 130.5,
                            "p95_s": 130.5,
                        }
                    ]
                }
            ]
        }
    )
    workflows: list[WorkflowStatistics]


class Approval(BaseModel):
    """An open question."""

    execution_id: str
    workflow_id: str
    approval_id: str
    message: str
    step_id: str | None
    form: dict[str, Any] | None = Field(description="JSON Schema of the values that come with a yes.")
    requested_at: str | None
    deadline: str | None
    on_deadline: str | None
    started_by: str | None


class Approvals(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "approvals": [
                        {
                            "execution_id": _RUN["execution_id"],
                            "workflow_id": "pay_bills",
                            "approval_id": "approval-1",
                            "message": "Pay the bill?",
                            "step_id": None,
                            "form": None,
                            "requested_at": "2026-11-22T21:30:00.012345Z",
                            "deadline": "2026-11-23T21:30:00.012345Z",
                            "on_deadline": "reject",
                            "started_by": "ada",
                        }
                    ],
                    "total": 1,
                }
            ]
        }
    )
    approvals: list[Approval]
    total: int = Field(description="With those that `limit` has left out.")
