"""The routes that ask something of executions: read the request, call one use case, encode the receipt."""

from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, Header, Response

from headway.api import models
from headway.api.answers import execution_id_of, json_answer
from headway.services.executions import Executions
from headway.services.views import Started

IdempotencyKey = Annotated[
    str | None,
    Header(description="A repeated request with the same key (1 to 200 characters) does nothing again."),
]
By = Annotated[
    str,
    Header(alias="Headway-By", description="Who asks, as the log will say; percent-encoded beyond ASCII."),
]


def control_routes(router: APIRouter, executions: Executions, api: str) -> None:
    """Start, retry, cancel, answer, signal."""
    _start_routes(router, executions, api)
    _running_routes(router, executions, f"{api}/executions/{{execution_id}}")


def _start_routes(router: APIRouter, executions: Executions, api: str) -> None:
    known_key = {200: {"model": models.Started, "description": "The idempotency key was known."}}

    @router.post(
        f"{api}/workflows/{{workflow_id}}/executions",
        tags=["executions"],
        status_code=201,
        response_model=models.Started,
        responses=known_key,  # type: ignore[arg-type]  # FastAPI asks for a wider type of key
    )
    def start_execution(
        workflow_id: str, body: models.StartBody, idempotency_key: IdempotencyKey = None, by: By = ""
    ) -> Response:
        """Queue an execution; a worker takes it up at once if one is free."""
        started = executions.start(
            workflow_id, body.input, by=_named(by, body.by), idempotency_key=idempotency_key
        )
        return _started(api, started)

    @router.post(
        f"{api}/executions/{{execution_id}}/retry",
        tags=["executions"],
        status_code=201,
        response_model=models.Started,
        responses=known_key,  # type: ignore[arg-type]  # as above
    )
    def retry_execution(
        execution_id: str,
        body: models.RetryBody | None = None,
        idempotency_key: IdempotencyKey = None,
        by: By = "",
    ) -> Response:
        """Start a new execution that does this one over, from a step on if one is named."""
        body = body or models.RetryBody()
        started = executions.retry(
            execution_id_of(execution_id),
            body.input,
            from_step=body.from_step,
            by=_named(by, body.by),
            idempotency_key=idempotency_key,
        )
        return _started(api, started)


def _running_routes(router: APIRouter, executions: Executions, path: str) -> None:
    @router.post(f"{path}/cancel", tags=["executions"], status_code=202, response_model=models.ControlReceipt)
    def cancel_execution(
        execution_id: str,
        body: models.CancelBody | None = None,
        idempotency_key: IdempotencyKey = None,
        by: By = "",
    ) -> Response:
        """Ask for the end; the log tells under `control_id` when the request is delivered and effective."""
        body = body or models.CancelBody()
        receipt = executions.controls.cancel(
            execution_id_of(execution_id),
            force=body.force,
            by=_named(by, body.by),
            idempotency_key=idempotency_key,
        )
        return json_answer(receipt, status_code=202)

    @router.post(
        f"{path}/approvals/{{approval_id}}",
        tags=["executions"],
        status_code=202,
        response_model=models.ControlReceipt,
    )
    def answer_approval(
        execution_id: str, approval_id: str, body: models.AnswerBody, by: By = ""
    ) -> Response:
        """Answer a question of the workflow; the same answer again gives the same receipt."""
        receipt = executions.controls.answer(
            execution_id_of(execution_id),
            approval_id,
            approved=body.approved,
            values=body.values,
            reason=body.reason,
            by=_named(by, body.by),
        )
        return json_answer(receipt, status_code=202)

    @router.post(
        f"{path}/signals/{{name:path}}",
        tags=["executions"],
        status_code=202,
        response_model=models.ControlReceipt,
    )
    def send_signal(
        execution_id: str,
        name: str,
        body: models.SignalBody | None = None,
        idempotency_key: IdempotencyKey = None,
        by: By = "",
    ) -> Response:
        """Send the workflow a message; it is kept until the workflow waits for one of this name."""
        body = body or models.SignalBody()
        receipt = executions.controls.signal(
            execution_id_of(execution_id),
            name,
            body.value,
            by=_named(by, body.by),
            idempotency_key=idempotency_key,
        )
        return json_answer(receipt, status_code=202)


def _named(header: str, body: str) -> str:
    return body or unquote(header)


def _started(api: str, started: Started) -> Response:
    location = f"{api}/executions/{started.execution_id}"
    return json_answer(started, status_code=201 if started.created else 200, headers={"Location": location})
