"""Bodies of requests, and of answers as OpenAPI shows them; answers themselves are encoded by msgspec."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

_EXECUTION: dict[str, JsonValue] = {
    "execution_id": "01KAQ8V3S8T2M4N6P8R0T2V4X6",
    "workflow_id": "audit_environment",
    "status": "running",
    "phase": "running",
    "progress": 42.0,
    "indeterminate": False,
    "attempt": 1,
    "created_at": "2026-11-22T21:30:00.000000Z",
    "started_at": "2026-11-22T21:30:00.012345Z",
    "ended_at": None,
    "message": "21 of 50 packages",
    "error": None,
    "error_code": None,
    "by": "ada",
    "retry_of": None,
    "input": {"limit": 50},
    "last_seq": 812,
    "closed": False,
}
_CURSOR = "3f9c01ab.812.9be2d1f0"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Asked(_Body):
    by: str = Field(default="", description="Who asks, as the log will say; the header `Headway-By` else.")


class StartBody(_Asked):
    """Starts an execution."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"input": {"limit": 50}}]})
    input: dict[str, Any] = Field(
        default_factory=dict, description="Fits the workflow's `input_schema`; at most 1 MiB."
    )


class RetryBody(_Asked):
    """Does an execution over."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{}, {"input": {"limit": 10}}, {"from_step": "report#1", "by": "ada"}]}
    )
    from_step: str | None = Field(
        default=None,
        description="A step's id or name: results from before it began, and of its group, are used again.",
    )
    input: dict[str, Any] | None = Field(default=None, description="In place of the first one's input.")


class CancelBody(_Asked):
    """Asks for the end of an execution."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{}, {"by": "ada"}, {"force": True, "by": "ada"}]}
    )
    force: bool = Field(
        default=False,
        description="End the worker's process if its event loop does not answer: code that never awaits "
        "holds it up. What else runs there goes on from its last finished step.",
    )


class AnswerBody(_Asked):
    """Answers a question of the workflow."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"approved": True, "values": {"amount": 12}, "by": "ada"},
                {"approved": False, "reason": "too dear"},
            ]
        }
    )
    approved: bool
    values: dict[str, Any] | None = Field(
        default=None, description="Fits the question's `form`; may be left out with a no."
    )
    reason: str = Field(
        default="", description="Why, for the log and the workflow; at most 2,000 characters."
    )


class SignalBody(_Asked):
    """A message to the workflow."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"value": {"page": 3}, "by": "ada"}]})
    value: JsonValue = Field(default=None, description="Any JSON, at most 64 KiB.")


class SessionBody(_Body):
    """Trades the token for a cookie."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"token": "…"}]})
    token: str = Field(max_length=1_000)


class Execution(BaseModel):
    """One row of the list of executions."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXECUTION]})
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
    input: dict[str, Any]
    last_seq: int
    closed: bool


class PlannedStep(BaseModel):
    name: str
    after: list[str]
    weight: float


class Workflow(BaseModel):
    workflow_id: str
    title: str
    description: str
    input_schema: dict[str, Any]
    plan: list[PlannedStep]
    source: str
    code_hash: str
    import_error: str | None = Field(description="Traceback, where its file no longer imports.")
    latest: Execution | None


class Followed(BaseModel):
    execution_id: str | None = Field(description="Null while there is none.")


class Source(BaseModel):
    path: str
    import_error: str | None
    loaded_at: str


class Workflows(BaseModel):
    workflows: list[Workflow]
    sources: list[Source]


class Executions(BaseModel):
    """A page, newest first."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"executions": [_EXECUTION], "next_cursor": None}]}
    )
    executions: list[Execution]
    next_cursor: str | None = Field(description="`cursor` of the next page.")


class Description(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"execution": _EXECUTION, "state": {"seq": 812, "status": "running"}, "cursor": _CURSOR}
            ]
        }
    )
    execution: Execution
    state: dict[str, Any] = Field(description="`State` of `protocol/schema.json`.")
    cursor: str


class Events(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "events": [
                        {
                            "seq": 812,
                            "kind": "log",
                            "type": "log",
                            "timestamp": "2026-11-22T21:30:00.123456Z",
                            "data": {"level": "INFO", "message": "httpx 0.28.1: 1.2 MB"},
                        }
                    ],
                    "cursor": _CURSOR,
                    "last_seq": 812,
                    "closed": False,
                }
            ]
        }
    )
    events: list[dict[str, Any]]
    cursor: str
    last_seq: int
    closed: bool


class Started(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "execution_id": _EXECUTION["execution_id"],
                    "workflow_id": "audit_environment",
                    "created": True,
                }
            ]
        }
    )
    execution_id: str
    workflow_id: str
    created: bool


class ControlReceipt(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "control_id": "5d41402abc4b2a76b9719d9110",
                    "control": "cancel",
                    "execution_id": _EXECUTION["execution_id"],
                }
            ]
        }
    )
    control_id: str
    control: str
    execution_id: str


class Beat(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"n": 1, "now": "2026-11-22T21:30:00.123456Z"}]},
    )
    n: int
    now: str


class Server(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": "0.1.0",
                    "capabilities": {"cancel": True, "retry": True, "signals": True},
                    "authenticated": True,
                    "workers": 1,
                    "limits": {"input_bytes": 1_048_576, "page": 500},
                }
            ]
        }
    )
    version: str
    capabilities: dict[str, bool]
    authenticated: bool = Field(description="This request carries what the server asks for.")
    workers: int
    limits: dict[str, int] = Field(description="What requests may hold at most.")


class Problem(BaseModel):
    """RFC 9457; further members depend on `code`."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:headway:error:invalid_input",
                    "title": "Unprocessable Content",
                    "status": 422,
                    "detail": "the input of audit_environment does not fit: limit",
                    "code": "invalid_input",
                    "request_id": "5f0c2d1b7a9e4c36",
                    "errors": [{"field": "limit", "message": "is required"}],
                }
            ]
        },
    )
    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
