"""`GET …/events`: pages, long poll and Server-Sent Events, all on the cursor of the WebSocket."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response

from headway.api import models
from headway.api.answers import execution_id_of, json_answer
from headway.api.event_stream import MEDIA_TYPE, EventStreamResponse, while_connected
from headway.domain.identifiers import ExecutionId
from headway.domain.position import Cursor
from headway.errors import InvalidMessage
from headway.services.event_streams import EventStreams

MAX_EVENTS = 10_000
MAX_WAIT_S = 30.0
_EXAMPLE = """\
retry: 1000

id: 3f9c01ab.812.9be2d1f0
data: {"seq":812,"kind":"log","type":"log","timestamp":"2026-11-22T21:30:00.123456Z","data":{"level":"INFO"}}

event: end
id: 3f9c01ab.813.04c1aa37
data: {"cursor":"3f9c01ab.813.04c1aa37","status":"completed"}

"""
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": _EXAMPLE}}},
    204: {
        "description": "To a `Last-Event-ID` at the end of a closed log: nothing follows, do not come back."
    },
}


def event_routes(streams: EventStreams, api: str) -> APIRouter:
    """The route of events under `api`, the address of all executions."""
    router = APIRouter(responses={"4XX": {"model": models.Problem}, "5XX": {"model": models.Problem}})

    @router.get(
        f"{api}/{{execution_id}}/events", tags=["events"], response_model=models.Events, responses=_RESPONSES
    )
    async def list_events(
        request: Request,
        execution_id: str,
        after: Annotated[int | None, Query(ge=0, le=2**53 - 1, description="A seq; 0 by default.")] = None,
        cursor: Annotated[
            str | None, Query(max_length=64, description="In place of `after`, and proven.")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_EVENTS)] = 1_000,
        wait: Annotated[float, Query(ge=0, le=MAX_WAIT_S, description="Seconds to wait for an event.")] = 0.0,
        last_event_id: Annotated[str | None, Header(max_length=64)] = None,
    ) -> Response:
        """Events as stored, oldest first, after a position; as a stream to `Accept: text/event-stream`."""
        known = execution_id_of(execution_id)
        if MEDIA_TYPE in request.headers.get("accept", ""):
            # A browser that comes back asks for the same address, with what it has seen beside it.
            wanted = Cursor.parse(last_event_id) if last_event_id else _position(after, cursor)
            return await _stream(streams, known, wanted, comes_back=bool(last_event_id))
        work = streams.page(known, _position(after, cursor), limit=limit, wait_s=wait)
        return json_answer(await while_connected(request, work), headers={"Vary": "Accept"})

    return router


async def _stream(
    streams: EventStreams, execution_id: ExecutionId, position: int | Cursor, *, comes_back: bool
) -> Response:
    start = await streams.find(execution_id, position)
    if comes_back and start.reset is None and start.is_at_end:
        return Response(status_code=204)
    return EventStreamResponse(streams, start)


def _position(after: int | None, cursor: str | None) -> int | Cursor:
    if cursor is None:
        return after or 0
    position = Cursor.parse(cursor)
    if after is not None and after != position.seq:
        raise InvalidMessage("after contradicts cursor; give one of them", field="after")
    return position
