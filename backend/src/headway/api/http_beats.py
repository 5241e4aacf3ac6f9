"""`GET …/api/server/beats`: a few events of no meaning, so that whoever sits between can be looked at."""

import asyncio
from collections.abc import AsyncIterator
from time import time_ns
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response
from starlette.responses import StreamingResponse

from headway.api import models
from headway.api.answers import json_answer
from headway.api.event_stream import MEDIA_TYPE, STREAM_HEADERS, while_connected
from headway.domain.timestamps import timestamp
from headway.errors import TooManyConnections

MAX_BEATS, MAX_WAIT_S = 20, 30.0
MAX_AT_ONCE = 100  # requests; each ends by itself
_EXAMPLE = 'id: 1\ndata: {"n":1,"now":"2026-11-22T21:30:00.123456Z"}\n\n'


def beat_routes(prefix: str) -> APIRouter:
    """The route of beats."""
    router = APIRouter(responses={"4XX": {"model": models.Problem}, "5XX": {"model": models.Problem}})
    room = asyncio.Semaphore(MAX_AT_ONCE)

    @router.get(
        f"{prefix}/api/server/beats",
        tags=["server"],
        response_model=models.Beat,
        responses={200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": _EXAMPLE}}}},
    )
    async def beats(
        request: Request,
        count: Annotated[int, Query(ge=1, le=MAX_BEATS, description="Of a stream.")] = 3,
        wait: Annotated[float, Query(ge=0, le=MAX_WAIT_S, description="Seconds before each beat.")] = 0.5,
    ) -> Response:
        """One beat after a wait; as a stream of them to `Accept: text/event-stream`, the first at once."""
        if room.locked():
            raise TooManyConnections(f"{MAX_AT_ONCE} requests wait for beats already; try later")
        if MEDIA_TYPE in request.headers.get("accept", ""):
            stream = _stream(count, wait, room)
            return StreamingResponse(stream, media_type=MEDIA_TYPE, headers=STREAM_HEADERS)
        async with room:
            await while_connected(request, asyncio.sleep(wait))
        return json_answer(_beat(1))

    return router


async def _stream(count: int, wait_s: float, room: asyncio.Semaphore) -> AsyncIterator[bytes]:
    async with room:
        for n in range(1, count + 1):
            await asyncio.sleep(wait_s if n > 1 else 0)
            yield b"id: %d\ndata: %b\n\n" % (n, msgspec.json.encode(_beat(n)))


def _beat(n: int) -> dict[str, int | str]:
    return {"n": n, "now": timestamp(time_ns())}
