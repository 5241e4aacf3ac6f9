"""What following over HTTP needs, whatever the form of the answers: where to begin, and what comes next."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from time import monotonic
from urllib.parse import quote, urlencode

import httpx
import msgspec
from msgspec import Raw

from headway.client.attempt import Again, Done, Ending, Feed, Refused, Unfit
from headway.client.http import TIMEOUT_S, Client
from headway.client.ladder import Transport
from headway.client.problems import is_final, to_error
from headway.domain.execution import State
from headway.domain.identifiers import is_execution_id
from headway.domain.position import Cursor, initial_tag
from headway.errors import ExecutionNotFound, HeadwayError, OverloadError, UnavailableError
from headway.protocol.messages import Ev, Why
from headway.services.views import EventsView, FollowedView

PAGE_EVENTS = 1_000
LOOK_AGAIN_S = 2.0  # for the next execution of a workflow


class FeedClient(Client):
    """The calls that a feed is made of."""

    async def page(
        self,
        execution_id: str,
        cursor: Cursor | None,
        *,
        after: int = 0,
        limit: int = PAGE_EVENTS,
        wait_s: float = 0.0,
    ) -> EventsView:
        """Events behind a cursor, or after a seq; waits for the first of them.

        Raises:
            PositionLost: The log cannot be continued from there; `why` is in its fields.
        """
        begin = {"cursor": str(cursor)} if cursor else {"after": after}
        address = _address(execution_id, {"limit": limit, "wait": wait_s, **begin})
        return await self._call(
            "GET", address, EventsView, timeout=httpx.Timeout(TIMEOUT_S, read=wait_s + TIMEOUT_S)
        )

    async def followed(self, workflow_id: str, *, after: str | None = None) -> str | None:
        """The execution that a viewer of the workflow begins with, or the one it goes on to after `after`.

        Raises:
            WorkflowNotFound: It is not known at all.
            ExecutionNotFound: `after` is not there any more.
        """
        query = f"?{urlencode({'after': after})}" if after is not None else ""
        path = f"/api/workflows/{quote(workflow_id)}/followed{query}"
        return (await self._get(path, FollowedView)).execution_id

    @asynccontextmanager
    async def stream(
        self, execution_id: str, cursor: Cursor, *, open_s: float, silence_s: float
    ) -> AsyncIterator[httpx.Response]:
        """A stream of events behind a cursor; gone if it is silent for so long.

        Raises:
            TimeoutError: No answer began within `open_s`.
        """
        request = self._http.build_request(
            "GET",
            _address(execution_id, {"cursor": str(cursor)}),
            headers={"Accept": "text/event-stream", "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(TIMEOUT_S, read=silence_s),
        )
        async with asyncio.timeout(open_s):
            answer = await self._http.send(request, stream=True)
        try:
            if answer.status_code >= httpx.codes.BAD_REQUEST:
                raise to_error(answer.status_code, await answer.aread())
            yield answer
        finally:
            await answer.aclose()


class HttpFollower(ABC):
    """An attempt over HTTP: finds the execution and the state to begin with, then leaves it to `follow`."""

    transport: Transport
    moves_at: float | None = None

    def __init__(self, feed: Feed, client: FeedClient, *, tail: int) -> None:
        self.up_at: float | None = None
        self._tail = tail
        self.feed = feed
        self.client = client

    @abstractmethod
    async def follow(self, execution_id: str, cursor: Cursor) -> Ending:
        """Give the feed what follows its cursor; `Done` at the end of the log."""

    async def run(self) -> Ending:
        position = self.feed.position
        try:
            while True:
                execution_id = await self._begin()
                assert position.cursor is not None
                ending = await self.follow(execution_id, position.cursor)
                if self.is_left(execution_id):
                    continue
                if not isinstance(ending, Done) or is_execution_id(position.x):
                    return ending
                await self._move_on(execution_id)
        except ExecutionNotFound as error:
            return Again(error.message, wait_s=0.0) if position.forget() else Refused(error)
        except HeadwayError as error:
            return ending_of(error)
        except httpx.HTTPError as error:
            reached = self.up_at is None and not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            return Again(str(error) or type(error).__name__, reached=reached)
        except msgspec.MsgspecError as error:
            return Unfit(f"what came cannot be read: {error}")

    def is_up(self) -> None:
        self.up_at = self.up_at or monotonic()

    def is_left(self, execution_id: str) -> bool:
        """Another attempt has brought the viewer to another execution meanwhile."""
        return self.feed.position.execution_id != execution_id

    def take(self, header: Ev, body: bytes) -> bool:
        """Publish what is new of the execution that the viewer is at; false if it does not follow."""
        position = self.feed.position
        if position.has(header):
            return True
        if not position.fits(header, body):
            return False
        self.feed.publish(position.take(header, body))
        return True

    async def begin_anew(self, execution_id: str, why: Why | None = None) -> None:
        """Take the state, or go before the first event where the log is wanted whole."""
        position = self.feed.position
        found = await self.client.execution(execution_id)
        cursor = Cursor.parse(found.cursor)
        logs: list[Raw] = []
        if self._tail and not position.wants_whole(execution_id, cursor, why):
            logs = await self._recent(execution_id, cursor.seq)
        is_overtaken = position.cursor is not None and why is None  # by another attempt, meanwhile
        if not is_overtaken and not self.is_left(execution_id):
            self.feed.publish(position.adopt(found.state, cursor, logs=logs, why=why))

    async def _begin(self) -> str:
        """The execution to follow, with a cursor to follow it from."""
        position = self.feed.position
        while position.cursor is None:
            if position.execution_id is None:
                found = position.x if is_execution_id(position.x) else await self._followed()
                position.execution_id = position.execution_id or found  # another attempt's, by now
            await self.begin_anew(position.execution_id)
        assert position.execution_id is not None
        return position.execution_id

    async def _followed(self, *, after: str | None = None) -> str:
        """The execution that the workflow is followed by, once there is one."""
        while (found := await self.client.followed(self.feed.position.x, after=after)) is None:
            self.is_up()
            await asyncio.sleep(LOOK_AGAIN_S)
        return found

    async def _move_on(self, ended: str) -> None:
        """Wait for the workflow's next execution, and go before its first event."""
        position = self.feed.position
        end = position.cursor
        found = await self._followed(after=ended)
        epoch = Cursor.parse((await self.client.execution(found)).cursor).epoch
        state, start = (
            State(execution_id=found, workflow_id=position.x),
            Cursor(epoch, 0, initial_tag(epoch)),
        )
        if (position.execution_id, position.cursor) == (ended, end):  # else another attempt was quicker
            self.feed.publish(position.adopt(state, start))

    async def _recent(self, execution_id: str, upto: int) -> list[Raw]:
        """Log lines among the last events before `upto`, as many as were asked for or fewer."""
        first = max(0, upto - self._tail)
        page = await self.client.page(execution_id, None, after=first, limit=max(1, upto - first))
        return [line for line in page.events if b'"type":"log"' in bytes(line)[:80]]


def ending_of(error: HeadwayError) -> Ending:
    """What an error of a call means for the attempt that made it."""
    if is_final(error):
        return Refused(error)
    if isinstance(error, UnavailableError | OverloadError):
        return Again(error.message)
    return Unfit(error.message)


def _address(execution_id: str, query: Mapping[str, str | int | float]) -> str:
    return f"/api/executions/{quote(execution_id)}/events?{urlencode(query)}"
