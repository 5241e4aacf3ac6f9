"""Follow executions over the WebSocket in simple mode: resumed after each cut, nothing twice or missed."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from urllib.parse import quote, urlencode

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from headway.client.problems import to_error
from headway.client.records import Update, decode_update
from headway.domain.identifiers import is_execution_id
from headway.errors import ClientError, InvalidMessage

BACKOFF_FIRST_S, BACKOFF_MAX_S = 0.25, 20.0
MAX_FRAME_BYTES = 16 << 20
OPEN_TIMEOUT_S = 10.0
PING_INTERVAL_S, PING_TIMEOUT_S = 20.0, 20.0
_STOP = frozenset({400, 401, 403, 404, 410})
_STOP_CODES = range(4500, 5000)


def backoff_s(tries: int, random_unit: float) -> float:
    """Full jitter: anything up to 0.25 s, 0.5 s, … 20 s after the first, second, … failure in a row."""
    ceiling: float = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** min(tries, 16))
    return random_unit * ceiling


async def watch(
    url: str,
    watched_id: str,
    *,
    after: int | None = None,
    token: str | None = None,
    on_cut: Callable[[str, float], None] = lambda reason, wait_s: None,
) -> AsyncIterator[Update]:
    """Every update of an execution, or of a workflow's executions one after the other, exactly once.

    Args:
        url: Where the server is: `http://127.0.0.1:8321`.
        watched_id: An execution id: the feed ends after its terminal event. A workflow id: it goes on.
        after: Events after this seq only (0 for all). Without it a long execution begins with one folded
            update that carries its state, then its last 1,000 events.
        token: Shared secret, where the server wants one.
        on_cut: Told why the connection is gone and how long until the next try.

    Raises:
        NotFound, Unauthorized, Forbidden: The server refuses; trying again would not help.
    """
    feed = _Feed(watched_id, after)
    tries = 0
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    while True:
        try:
            async with connect(
                feed.address(url),
                additional_headers=headers,
                compression=None,
                max_size=MAX_FRAME_BYTES,
                open_timeout=OPEN_TIMEOUT_S,
                ping_interval=PING_INTERVAL_S,
                ping_timeout=PING_TIMEOUT_S,
                proxy=None,
            ) as connection:
                async for update in _updates(connection, feed):
                    tries = 0
                    yield update
                    if update.is_terminal and feed.ends_with_execution:
                        return
                reason = "the server closed the connection"
        except InvalidStatus as refused:
            if refused.response.status_code in _STOP:
                raise to_error(refused.response.status_code, bytes(refused.response.body or b"")) from None
            reason = f"the server answered {refused.response.status_code}"
        except (OSError, InvalidHandshake, TimeoutError) as error:
            reason = str(error) or type(error).__name__
        wait_s = backoff_s(tries, random.random())
        tries += 1
        on_cut(reason, wait_s)
        await asyncio.sleep(wait_s)


class _Feed:
    """Where a feed is: which execution, and after which seq it goes on."""

    def __init__(self, watched_id: str, after: int | None) -> None:
        self._watched_id = watched_id
        self.ends_with_execution = is_execution_id(watched_id)
        self._execution_id: str | None = None
        self._after = after

    def address(self, url: str) -> str:
        query: dict[str, str | int] = {}
        if self._execution_id is not None and not self.ends_with_execution:
            query["execution"] = self._execution_id
        if self._after is not None:
            query["after"] = self._after
        base = "ws" + url.rstrip("/").removeprefix("http")
        return f"{base}/ws/workflow/{quote(self._watched_id)}" + (f"?{urlencode(query)}" if query else "")

    def take(self, update: Update) -> bool:
        """Whether the update is new here; moves on where it is.

        Raises:
            InvalidMessage: Events are missing before it.
        """
        if update.execution_id != self._execution_id:
            moved_on = self._execution_id is not None
            self._execution_id = update.execution_id
            self._after = 0 if moved_on else self._after
        if update.seq is None:
            fresh = update.snapshot and (update.as_of or 0) > (self._after or 0)
            self._after = update.as_of if fresh else self._after
            return fresh
        known = self._after or 0
        if update.seq <= known:
            return False
        if update.seq != known + 1:
            raise InvalidMessage(f"events {known + 1} to {update.seq - 1} are missing")
        self._after = update.seq
        return True


async def _updates(connection: ClientConnection, feed: _Feed) -> AsyncIterator[Update]:
    """New updates until the connection ends; a gap or a frame that is none ends it too, to resume."""
    with contextlib.suppress(ConnectionClosed, InvalidMessage, msgspec.MsgspecError):
        async for frame in connection:
            update = decode_update(frame.encode() if isinstance(frame, str) else frame)
            if feed.take(update):
                yield update
    code, reason = connection.close_code, connection.close_reason
    if code in _STOP_CODES:
        raise ClientError(reason or f"the server closed the feed with code {code}")
