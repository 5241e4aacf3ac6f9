"""The HTTP API: read the request, call one use case, encode the answer; see `docs/protocol.md`."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, StringConstraints
from starlette.responses import StreamingResponse

from headway.api import models
from headway.api.answers import execution_id_of, json_answer
from headway.api.auth import SESSION_COOKIE, Tokens
from headway.api.http_controls import control_routes
from headway.api.http_overview import overview_routes
from headway.domain.events import LEVELS, Level, Phase, decode_line
from headway.domain.identifiers import EXECUTION_ID, ExecutionId, WorkflowId, execution_id
from headway.errors import OutputNotFound, Unauthorized
from headway.ports import ExecutionFilter, OutputStore
from headway.services.controls import MAX_NAME_LENGTH, MAX_REASON_LENGTH, MAX_SIGNAL_BYTES
from headway.services.executions import MAX_INPUT_BYTES, Executions
from headway.services.log_lines import LogLines
from headway.services.log_search import LogQuery, LogSearch
from headway.services.log_text import line_of

MAX_PAGE = 500
MAX_IDS = 200
_LIMITS = {
    "input_bytes": MAX_INPUT_BYTES,
    "signal_bytes": MAX_SIGNAL_BYTES,
    "name_chars": MAX_NAME_LENGTH,
    "reason_chars": MAX_REASON_LENGTH,
    "page": MAX_PAGE,
}
_TEXT_PIECE = 256  # lines a chunk of a download
_Id = Annotated[str, StringConstraints(pattern=f"^{EXECUTION_ID.pattern}$")]


def api_routes(
    executions: Executions,
    outputs: OutputStore,
    tokens: Tokens,
    *,
    prefix: str,
    version: str,
    workers: int,
    capabilities: dict[str, bool],
) -> APIRouter:
    """Every route under `{prefix}/api`, and the two for whoever watches over the process."""
    router = APIRouter(responses={"4XX": {"model": models.Problem}, "5XX": {"model": models.Problem}})
    _server_routes(router, executions, tokens, prefix, version, workers, capabilities)
    _workflow_routes(router, executions, f"{prefix}/api")
    overview_routes(router, executions, f"{prefix}/api")
    _execution_routes(router, executions, f"{prefix}/api/executions")
    control_routes(router, executions, f"{prefix}/api")
    _download_routes(router, executions, outputs, f"{prefix}/api/executions")
    return router


def _server_routes(
    router: APIRouter,
    executions: Executions,
    tokens: Tokens,
    prefix: str,
    version: str,
    workers: int,
    capabilities: dict[str, bool],
) -> None:
    @router.get(f"{prefix}/api/server", tags=["server"], response_model=models.Server)
    def server(request: Request) -> Response:
        """What this server is and can do; needs no token."""
        return json_answer(
            {
                "version": version,
                "capabilities": capabilities,
                "authenticated": tokens.knows(request.headers),
                "workers": workers,
                "limits": _LIMITS,
            }
        )

    @router.post(f"{prefix}/api/session", tags=["server"], status_code=204)
    def open_session(request: Request, body: models.SessionBody) -> Response:
        """Trade the token for a cookie that this browser then sends by itself."""
        if tokens.required and not tokens.accepts(body.token):
            raise Unauthorized("this is not the server's token")
        answer = Response(status_code=204)
        if tokens.required:
            answer.set_cookie(
                SESSION_COOKIE,
                tokens.session,
                path=f"{prefix}/",
                httponly=True,
                samesite="strict",
                secure=request.url.scheme == "https",
            )
        return answer

    @router.delete(f"{prefix}/api/session", tags=["server"], status_code=204)
    def close_session() -> Response:
        """Take the cookie back from this browser."""
        answer = Response(status_code=204)
        answer.delete_cookie(SESSION_COOKIE, path=f"{prefix}/", httponly=True, samesite="strict")
        return answer

    @router.get(f"{prefix}/healthz", tags=["server"])
    def health() -> Response:
        """The process answers."""
        return json_answer({"status": "ok"})

    @router.get(f"{prefix}/readyz", tags=["server"])
    def ready() -> Response:
        """It can read the journal, and write it where the last write failed; else 503."""
        executions.check_ready()
        return json_answer({"status": "ok"})


def _workflow_routes(router: APIRouter, executions: Executions, api: str) -> None:
    @router.get(f"{api}/workflows", tags=["workflows"], response_model=models.Workflows)
    def list_workflows() -> Response:
        """All workflows with their forms and plans, and the files they come from."""
        return json_answer(executions.workflows())

    @router.get(f"{api}/workflows/{{workflow_id}}", tags=["workflows"], response_model=models.Workflow)
    def show_workflow(workflow_id: str) -> Response:
        """One workflow."""
        return json_answer(executions.workflow(workflow_id))

    @router.get(
        f"{api}/workflows/{{workflow_id}}/followed", tags=["workflows"], response_model=models.Followed
    )
    def show_followed(
        workflow_id: str,
        after: Annotated[str | None, Query(description="The execution that was followed before.")] = None,
    ) -> Response:
        """Which execution a viewer of the workflow begins with, or goes on to: the WebSocket's rule."""
        return json_answer(
            executions.followed(workflow_id, execution_id_of(after) if after is not None else None)
        )


def _execution_routes(router: APIRouter, executions: Executions, api: str) -> None:
    @router.get(api, tags=["executions"], response_model=models.Executions)
    def list_executions(
        workflow_id: str | None = None,
        status: Annotated[list[Phase] | None, Query(description="May be repeated.")] = None,
        since: Annotated[
            AwareDatetime | None, Query(description="Only those queued at this time or later.")
        ] = None,
        q: Annotated[
            str | None, Query(max_length=200, description="Only those with it in their id or error.")
        ] = None,
        ids: Annotated[
            list[_Id] | None,
            Query(alias="id", max_length=MAX_IDS, description="Only these; may be repeated."),
        ] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
        cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
    ) -> Response:
        """A page of executions, newest first."""
        wanted = ExecutionFilter(
            workflow_id=WorkflowId(workflow_id) if workflow_id else None,
            statuses=frozenset(str(one) for one in status or ()),
            limit=limit,
            before=execution_id_of(cursor) if cursor else None,
            since=_first_id(since) if since else None,
            text=q or None,
            ids=frozenset(ExecutionId(one) for one in ids or ()),
        )
        return json_answer(executions.list(wanted))

    @router.get(f"{api}/{{execution_id}}", tags=["executions"], response_model=models.Description)
    def show_execution(execution_id: str) -> Response:
        """One execution with its state, and the cursor both are at."""
        return json_answer(executions.describe(execution_id_of(execution_id)))


def _download_routes(router: APIRouter, executions: Executions, outputs: OutputStore, api: str) -> None:
    search = LogSearch(LogLines(executions.journal))  # with turns of its own, beside the searches

    @router.get(
        f"{api}/{{execution_id}}/log", tags=["events"], response_class=Response, responses=_text("text/plain")
    )
    def download_log(
        execution_id: str,
        q: Annotated[
            str, Query(max_length=1_000, description="In any case, unless it has a capital letter.")
        ] = "",
        regex: Annotated[
            bool, Query(description="`q` is a regular expression, which minds the case.")
        ] = False,
        level: Annotated[Level | None, Query(description=f"The least grave of {', '.join(LEVELS)}.")] = None,
        step_id: Annotated[str | None, Query(max_length=1_000)] = None,
    ) -> Response:
        """The log as plain text: all of it and how it ended, or the lines that a search would find."""
        known = execution_id_of(execution_id)
        query = LogQuery(text=q, is_regex=regex, level=level, step_id=step_id)
        if query == LogQuery(is_regex=regex):
            pieces = _in_pieces(executions.log_lines(known))
        else:
            pieces = map(_as_text, search.matching(known, query))
        return _attachment(pieces, "text/plain; charset=utf-8", f"{execution_id}.log")

    @router.get(
        f"{api}/{{execution_id}}/export",
        tags=["events"],
        response_class=Response,
        responses=_text("application/x-ndjson"),
    )
    def export_events(execution_id: str) -> Response:
        """Every event as stored, one JSON object a line."""
        pieces = executions.lines(execution_id_of(execution_id))
        return _attachment(pieces, "application/x-ndjson", f"{execution_id}.jsonl")

    @router.get(
        f"{api}/{{execution_id}}/outputs/{{name:path}}",
        tags=["executions"],
        response_class=Response,
        responses=_text("*/*"),
    )
    def show_output(execution_id: str, name: str) -> Response:
        """A file that the workflow left; sandboxed, whatever is in it."""
        known = executions.describe(execution_id_of(execution_id)).state.outputs.get(name)
        if known is None:
            raise OutputNotFound(f"execution {execution_id} has no output {name!r}", name=name)
        return Response(
            outputs.load(ExecutionId(execution_id), name),
            media_type=known.media_type,
            headers={
                "Content-Security-Policy": "sandbox",
                "Content-Disposition": f"inline; filename*=UTF-8''{quote(name, safe='')}",
                "Cache-Control": "private, no-cache",
            },
        )


def _first_id(since: datetime) -> ExecutionId:
    """The lowest id that can have been made at this time."""
    return execution_id(max(0, int(since.timestamp() * 1_000)), 0)


def _text(media_type: str) -> dict[int | str, dict[str, Any]]:
    """How OpenAPI says that an answer is no JSON."""
    return {200: {"content": {media_type: {"schema": {"type": "string"}}}}}


def _attachment(pieces: Iterator[bytes], media_type: str, filename: str) -> Response:
    return StreamingResponse(
        pieces,
        media_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="{filename}"', "Cache-Control": "no-store"},
    )


def _in_pieces(lines: Iterator[str]) -> Iterator[bytes]:
    while piece := "".join(islice(lines, _TEXT_PIECE)):
        yield piece.encode()


def _as_text(stored: list[bytes]) -> bytes:
    return "".join(f"{line_of(decode_line(line))}\n" for line in stored).encode()
