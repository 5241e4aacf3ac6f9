"""Follow executions: every event once and in order, over cuts, restarts, and whatever transport works."""

from collections.abc import AsyncIterator, Callable, Sequence

from headway.client.attempt import Attempt, Feed
from headway.client.event_source import EventSourceAttempt
from headway.client.http_feed import FeedClient
from headway.client.ladder import TRANSPORTS, Transport
from headway.client.long_poll import LongPollAttempt
from headway.client.records import Update, update_of, updates_of
from headway.client.relay import Observers, Relay
from headway.client.websocket import WebSocketAttempt
from headway.domain.identifiers import is_execution_id
from headway.domain.position import Cursor
from headway.errors import InvalidSetting, PositionLost
from headway.protocol.messages import Mode
from headway.protocol.viewer_position import WHOLE, Run, Snapshot, ViewerPosition

SHORT_LOG_EVENTS = 1_000  # up to so many are given whole, where nothing else is asked for


async def watch(
    url: str,
    watched_id: str,
    *,
    after: int | None = None,
    cursor: str | None = None,
    execution_id: str | None = None,
    mode: Mode = "full",
    tail: int = 200,
    token: str | None = None,
    transports: Sequence[Transport] = TRANSPORTS,
    on_cut: Callable[[str, float], None] = lambda reason, wait_s: None,
    on_transport: Callable[[Transport, str], None] = lambda transport, reason: None,
) -> AsyncIterator[Update]:
    """Every update of an execution, or of a workflow's executions one after the other, exactly once.

    The hash chain of the log is checked on every line; each update says from which seq on. Where the log
    cannot be continued, a `snapshot` update says `why`: what came before it does not count any more.

    Args:
        url: Where the server is: `http://127.0.0.1:8321`.
        watched_id: An execution id: the feed ends after its terminal event. A workflow id: it goes on.
        after: Events after this seq only (0 for all). Without it and `cursor`, a log of up to 1,000 events is
            given whole, and a longer one begins with a snapshot.
        cursor: Go on behind an update, by its `cursor`; of a workflow, with the `execution_id` it was of.
        execution_id: Whose cursor it is.
        mode: `state` lets the server leave progress and log lines out while this viewer lags, over a
            WebSocket; `left_out` counts them.
        tail: Log lines wanted with a snapshot, 0 to 1,000; over HTTP those among as many last events.
        token: Shared secret, where the server wants one.
        transports: Which may be used, best first: down where one does not work, up again when it does.
        on_cut: Told why the connection is gone and how long until the next try.
        on_transport: Told when the feed changes to another transport, and why.

    Raises:
        NotFound, Unauthorized, Forbidden: The server refuses; trying again would not help.
    """
    asked = _Asked(url, watched_id, after=after, cursor=cursor, execution_id=execution_id, token=token)
    feed = asked.feed

    def begin(transport: Transport) -> Attempt:
        match transport:
            case "websocket":
                return WebSocketAttempt(feed, url, token, mode=mode, tail=tail)
            case "sse":
                return EventSourceAttempt(feed, asked.client, tail=tail)
            case "poll":
                return LongPollAttempt(feed, asked.client, tail=tail)

    observers = Observers(on_cut, on_transport)
    async with (
        asked.client,
        Relay(feed, prepare=asked.prepare, begin=begin, transports=transports, observers=observers),
    ):
        async for update in asked.updates():
            yield update


class _Asked:
    """What was asked for, and what the feed still has to learn for it."""

    def __init__(
        self,
        url: str,
        watched_id: str,
        *,
        after: int | None,
        cursor: str | None,
        execution_id: str | None,
        token: str | None,
    ) -> None:
        if cursor is not None and after is not None:
            raise InvalidSetting("give a cursor or a seq to go on after, not both")
        self._is_one = is_execution_id(watched_id)
        if cursor is not None and not self._is_one and execution_id is None:
            raise InvalidSetting("a cursor of a workflow's feed needs the execution_id it was of")
        self.client = FeedClient(url, token=token)
        self.feed = Feed(
            ViewerPosition(
                watched_id,
                execution_id=watched_id if self._is_one else execution_id,
                cursor=Cursor.parse(cursor) if cursor is not None else None,
                whole=SHORT_LOG_EVENTS if after is None else WHOLE,
            )
        )
        self._after = after or 0
        self._workflow_id = None if self._is_one else watched_id

    async def prepare(self) -> None:
        """Ask for what a cursor or a seq does not say: whose it is, or what proves it."""
        position = self.feed.position
        if self._is_one and (position.cursor or self._after):
            found = await self.client.execution(position.x)
            self._workflow_id = found.execution.workflow_id
        if self._after:
            await self._begin_after(position.execution_id or await self.client.followed(position.x))

    async def _begin_after(self, execution_id: str | None) -> None:
        """The cursor behind an event is that of a page which ends with it."""
        if execution_id is None:
            return
        try:
            page = await self.client.page(execution_id, None, after=self._after - 1, limit=1)
        except PositionLost:
            return  # it begins with the state
        self.feed.position.believe(execution_id, Cursor.parse(page.cursor))

    async def updates(self) -> AsyncIterator[Update]:
        """What the feed gets, until the end of the one execution that was asked for."""
        while (news := await self.feed.next()) is not None:
            match news:
                case Snapshot():
                    self._workflow_id = news.state.workflow_id
                    update = update_of(news)
                    if news.cursor.seq > 0 or news.why is not None:
                        yield update
                    if self._is_one and update.is_terminal:
                        return
                case Run():
                    assert self._workflow_id is not None
                    for update in updates_of(news, self._workflow_id):
                        yield update
                        if self._is_one and update.is_terminal:
                            return
                case _ if self._is_one:
                    return
                case _:
                    continue
            self.feed.on_taken(news.cursor)
