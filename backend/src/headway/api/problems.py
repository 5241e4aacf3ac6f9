"""Every error as an RFC 9457 problem document; the one place that turns errors into HTTP."""

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headway.api import request_ids
from headway.api.request_ids import request_id_of
from headway.errors import (
    ClientError,
    ConflictError,
    HeadwayError,
    InvalidInput,
    NotFound,
    OverloadError,
    PositionLost,
    Unauthorized,
    UnavailableError,
    WorkflowError,
)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = {OverloadError: 5, UnavailableError: 2}
# What a client can do something about; anything else is our bug, and no more than that is told.
_TOLD = (ClientError, ConflictError, PositionLost, OverloadError, UnavailableError, WorkflowError)

_log = logging.getLogger(__name__)


def problem(error: Exception, scope: Scope, status: int | None = None) -> Response:
    """The answer to the request of `scope`; what went wrong inside the server is not told."""
    if not isinstance(error, _TOLD):
        error = HeadwayError("the server failed; its log says why")
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    for branch, seconds in RETRY_AFTER_S.items():
        if isinstance(error, branch):
            headers["Retry-After"] = str(seconds)
    status = error.http_status if status is None else status
    request_id = request_id_of(scope)
    if request_id is not None:  # an answer to a bug in a guard goes past what would put it there
        headers[request_ids.HEADER] = request_id
    body: dict[str, Any] = {
        "type": f"urn:headway:error:{error.code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": error.message,
        "code": error.code,
        **({} if request_id is None else {"request_id": request_id}),
    }
    extra = {name: value for name, value in error.fields.items() if name not in body}
    return Response(
        msgspec.json.encode(body | extra, enc_hook=str),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


async def refuse(error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, or a WebSocket before it is accepted, with the problem.

    Servers without denial responses answer the latter with a bare 403.
    """
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    await problem(error, scope)(scope, receive, send)


def install(app: FastAPI) -> None:
    """Answer every error of `app` with its problem."""
    app.add_exception_handler(HeadwayError, _on_headway_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Exception, _on_bug)


class Faults:
    """Answers what no route foresaw, inside of what lets pages of other origins read it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_started = False

        async def noticed(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self._app(scope, receive, noticed)
        except Exception as error:
            if has_started:  # the server cuts the answer off, so that it is not taken for whole
                raise
            _log_fault(scope, error)
            await refuse(error, scope, receive, send)


def _on_headway_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, _TOLD):
        _log_fault(request.scope, error)
    return problem(error, request.scope)


def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [{"field": _field(fault["loc"]), "message": fault["msg"]} for fault in error.errors()]
    if any(fault["type"] == "json_invalid" for fault in error.errors()):
        return problem(ClientError("the body is not JSON", errors=errors), request.scope)
    return problem(InvalidInput("the request does not fit", errors=errors), request.scope)


def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.NOT_FOUND:
        return problem(NotFound(), request.scope)
    answer = problem(ClientError(str(error.detail)), request.scope, error.status_code)
    answer.headers.update(error.headers or {})
    return answer


def _on_bug(request: Request, error: Exception) -> Response:
    _log_fault(request.scope, error)
    return problem(error, request.scope)


def _log_fault(scope: Scope, error: Exception) -> None:
    _log.error(
        "%s %s failed, request %s", scope["method"], scope["path"], request_id_of(scope), exc_info=error
    )


def _field(location: tuple[str | int, ...]) -> str:
    """`("body", "input", "sizes", 0)` as `input.sizes[0]`."""
    name = ""
    for part in location[1:] or location:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else str(part)
    return name
