"""Answers that wait: they end with their connection, and a stream cuts off a peer that does not read."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from headway.api.uvicorn_http import connection_of, until_gone
from headway.errors import HeadwayError, UnavailableError
from headway.services.event_streams import EventStreams, Start

MEDIA_TYPE = "text/event-stream"
# An `X-Accel-Buffering` of no keeps nginx from holding events back.
STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Vary": "Accept"}
STALL_S = 15.0  # a peer that takes nothing for so long is cut off

_log = logging.getLogger(__name__)
T = TypeVar("T")


class EventStreamResponse(Response):
    """Follows an execution from `start` until its end, or the client's."""

    media_type = MEDIA_TYPE

    def __init__(self, streams: EventStreams, start: Start) -> None:
        super().__init__(headers=STREAM_HEADERS)
        del self.headers["content-length"]
        self._streams = streams
        self._start = start

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def write(text: bytes) -> None:
            async with asyncio.timeout(STALL_S):
                await send({"type": "http.response.body", "body": text, "more_body": True})

        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        following = asyncio.ensure_future(self._streams.follow(self._start, write))
        try:
            await _first(following, scope, receive)
        except TimeoutError:
            _log.info("a reader of events took nothing for %.0f s; its connection is aborted", STALL_S)
            if (connection := connection_of(scope)) is not None:
                connection.abort()
            return
        except HeadwayError as error:
            _log.info("a stream of events ends early: %s", error)
        await send({"type": "http.response.body", "body": b""})


async def while_connected(request: Request, work: Awaitable[T]) -> T:
    """The result of what may take long.

    Raises:
        UnavailableError: The client has gone, or the server ends the connection.
    """
    task = asyncio.ensure_future(work)
    if not await _first(task, request.scope, request.receive):
        raise UnavailableError("the server ends this request; try again")
    return task.result()


async def _first(task: asyncio.Future[Any], scope: Scope, receive: Receive) -> bool:
    """True once the task is done, raising what it raised; false, with the task ended, if its peer goes."""
    gone: asyncio.Future[Any] = asyncio.ensure_future(until_gone(scope, receive))
    try:
        await asyncio.wait([task, gone], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            return True
        return False
    finally:
        for one in (task, gone):
            one.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)
