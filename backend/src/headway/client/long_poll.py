"""Follow a feed page by page, each waiting for its first event: what works through any proxy."""

import httpx
import msgspec
from typing_extensions import override

from headway.client.attempt import Again, Done, Ending, Feed, Unfit
from headway.client.http_feed import FeedClient, HttpFollower
from headway.client.ladder import Transport
from headway.domain.position import Cursor
from headway.errors import PositionLost, UnavailableError
from headway.protocol.messages import Ev, Why
from headway.services.views import EventsView

WAIT_S, LEAST_WAIT_S = 20.0, 1.0
_CUT_SHORT = frozenset({408, 502, 504})


class LongPollAttempt(HttpFollower):
    """Follows `feed` by pages; asks for shorter waits where somebody cuts them short."""

    transport: Transport = "poll"

    def __init__(self, feed: Feed, client: FeedClient, *, tail: int) -> None:
        super().__init__(feed, client, tail=tail)
        self._wait_s = WAIT_S

    @override
    async def follow(self, execution_id: str, cursor: Cursor) -> Ending:
        while True:
            await self.feed.room()
            page = await self._next(execution_id, cursor)
            if self.is_left(execution_id):
                return Again("another attempt has moved on")
            if page is not None:
                self.is_up()
                if page.closed and not page.events:
                    return Done()
                header, body = _as_frame(self.feed.position.x, cursor, page)
                if not self.take(header, body):
                    return Unfit("a page is not what the log's tags say")
            assert self.feed.position.cursor is not None
            cursor = self.feed.position.cursor

    async def _next(self, execution_id: str, cursor: Cursor) -> EventsView | None:
        """The next page; `None` where the position has changed, or the wait."""
        try:
            return await self.client.page(execution_id, cursor, wait_s=self._wait_s)
        except PositionLost as lost:
            await self.begin_anew(execution_id, _why(lost))
        except UnavailableError as error:
            if self._wait_s <= LEAST_WAIT_S or not _is_cut_short(error):
                raise
            self._wait_s /= 4
        return None


def _why(lost: PositionLost) -> Why:
    """The reason that the server gave; one that a newer server may have is taken for the gravest."""
    try:
        return msgspec.convert(lost.fields.get("why"), Why)  # type: ignore[no-any-return]
    except msgspec.ValidationError:
        return "fork"


def _is_cut_short(error: UnavailableError) -> bool:
    """A page that waits was given up on, by this side or between here and the server."""
    return isinstance(error.__cause__, httpx.ReadTimeout) or error.fields.get("status") in _CUT_SHORT


def _as_frame(x: str, cursor: Cursor, page: EventsView) -> tuple[Ev, bytes]:
    lines = [bytes(line) for line in page.events]
    upto = Cursor.parse(page.cursor).seq
    header = Ev(x=x, after=cursor.seq, upto=upto, cur=page.cursor, n=len(lines))
    return header, b"".join(line + b"\n" for line in lines)
