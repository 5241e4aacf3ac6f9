"""Viewers of every kind, each a client of its own that comes back over any fault until it has everything.

They know the protocol and nothing of the faults: each follows one execution through `url`, a proxy.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import get_args

import httpx
import msgspec
from tests.support.chaos.watch import Watch
from tests.support.rich_peer import RichPeer, rich
from tests.support.viewer_model import ViewerModel
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus, WebSocketException

from headway.client import Transport, Update
from headway.client import watch as follow
from headway.client.ladder import TRANSPORTS
from headway.domain.position import Cursor, initial_tag
from headway.errors import ExecutionNotFound
from headway.protocol.codec import decode_server
from headway.protocol.messages import DEFLATE_SUBPROTOCOL, SUBPROTOCOL, Result, SubOk, Why

SILENCE_S = 26.0  # a server says something each 15 s, on every transport
OPEN_S = 5.0
PAUSE_S = 0.1
POLL_S = 3.0
RESULTS = {*get_args(Result), *get_args(Why)}

Viewer = Callable[[str, Watch], Awaitable[None]]


class Cut(Exception):
    """The connection is of no use any more; the next one goes on."""


async def until_over(url: str, watch: Watch, connection: Viewer) -> None:
    """Connect again and again, until the viewer has the end."""
    while not watch.is_over:
        watch.connections += 1
        try:
            await connection(url, watch)
        except InvalidStatus as refused:
            watch.gone = refused.response.status_code == HTTPStatus.NOT_FOUND
        except (OSError, TimeoutError, WebSocketException, httpx.HTTPError, Cut):
            pass
        await asyncio.sleep(0 if watch.is_over else PAUSE_S)


# --- rich mode --------------------------------------------------------------------------------------------


class RichViewer:
    """Rich mode by the rules alone (`ViewerModel`); `deflated` takes its frames compressed."""

    def __init__(self, *, deflated: bool) -> None:
        self._offers = [DEFLATE_SUBPROTOCOL] if deflated else [SUBPROTOCOL]
        self._head = 0

    async def __call__(self, url: str, watch: Watch) -> None:
        model = ViewerModel(watch.execution_id)
        await until_over(url, watch, lambda url, watch: self._connection(url, watch, model))

    async def _connection(self, url: str, watch: Watch, model: ViewerModel) -> None:
        address = f"ws{url.removeprefix('http')}/ws"
        async with rich(address, self._offers, open_timeout=OPEN_S) as peer:
            await peer.say(*model.connected())
            while not watch.is_over:
                await self._frame(peer, watch, model)

    async def _frame(self, peer: RichPeer, watch: Watch, model: ViewerModel) -> None:
        before, told = model.view, len(model.told)
        frame = await peer.frame(SILENCE_S)
        peer.frames.clear()
        message, _ = decode_server(frame)
        if isinstance(message, SubOk):
            self._head = message.head  # the snapshot that follows may be a little older
        answers = model.receive(frame)
        view = model.view
        if view is not before:
            self._begin(watch, model)
        if view.cursor is not None:
            watch.lines, watch.tag = view.lines, view.cursor.tag
            watch.check_cursor(view.cursor)
        watch.ended = view.sealed is not None
        watch.gone = "execution_not_found" in model.told[told:]
        if set(model.told[told:]) - RESULTS:
            raise Cut
        await peer.say(*answers)  # last: what is applied counts, even if nobody hears of it

    def _begin(self, watch: Watch, model: ViewerModel) -> None:
        cursor = model.view.cursor
        assert cursor is not None
        if model.told[-1] == "snapshot":
            assert watch.tag is None, f"{watch}: continuity was given up without a reason"
            watch.begin_at(cursor.seq, cursor.tag)
        else:
            watch.reset(model.told[-1], self._head, cursor)


# --- the Python client ------------------------------------------------------------------------------------


class ClientViewer:
    """`headway.client.watch`, which comes back by itself; over one transport, or whatever works."""

    def __init__(self, *transports: Transport) -> None:
        self._transports = transports or TRANSPORTS

    async def __call__(self, url: str, watch: Watch) -> None:
        def cut(reason: str, wait_s: float) -> None:
            watch.connections += 1

        try:
            async for update in follow(
                url, watch.execution_id, after=0, transports=self._transports, on_cut=cut
            ):
                self._take(watch, update)
        except ExecutionNotFound:
            watch.gone = True

    def _take(self, watch: Watch, update: Update) -> None:
        assert update.cursor is not None
        cursor = Cursor.parse(update.cursor)
        if update.seq is None and update.why is not None:
            watch.reset(update.why, None, cursor)
        elif update.seq is None:
            assert watch.tag is None, f"{watch}: continuity was given up without a reason"
            watch.begin_at(cursor.seq, cursor.tag)
        else:
            if watch.tag is None:
                watch.begin_at(0, initial_tag(cursor.epoch))
            watch.take(update.seq, b'{"seq":' + update.raw.partition(b'"seq":')[2])
            watch.check_cursor(cursor)
        watch.ended = update.is_terminal


# --- simple mode ------------------------------------------------------------------------------------------


class _Frame(msgspec.Struct):
    type: str
    seq: int | None = None
    as_of: int = 0
    snapshot: bool = False


_decode_frame = msgspec.json.Decoder(_Frame).decode


class NaiveViewer:
    """`new WebSocket(url)` and `JSON.parse`: each connection begins anew, by no rule but the order."""

    async def __call__(self, url: str, watch: Watch) -> None:
        await until_over(url, watch, self._connection)

    async def _connection(self, url: str, watch: Watch) -> None:
        address = f"ws{url.removeprefix('http')}/ws/workflow/{watch.execution_id}"
        async with connect(
            address, compression=None, proxy=None, max_size=None, open_timeout=OPEN_S, close_timeout=0.2
        ) as socket:
            watch.begin_at(0)
            while not watch.is_over:
                text = await asyncio.wait_for(socket.recv(decode=False), SILENCE_S)
                frame = _decode_frame(text)
                if frame.seq is None:
                    assert frame.snapshot, f"{watch}: a folded frame of no use: {text!r}"
                    watch.begin_at(frame.as_of)
                    continue
                watch.take(frame.seq, b'{"seq":' + text.partition(b'"seq":')[2])
                watch.ended = frame.type in ("complete", "error")


# --- HTTP -------------------------------------------------------------------------------------------------


class _Lost(msgspec.Struct):
    why: str
    cursor: str


class _Page(msgspec.Struct):
    events: list[msgspec.Raw]
    cursor: str
    closed: bool


class _Seq(msgspec.Struct):
    seq: int


class _Description(msgspec.Struct):
    cursor: str
    state: _Seq


_seq_of = msgspec.json.Decoder(_Seq).decode


def _http(url: str) -> httpx.AsyncClient:
    """A client whose connections are its own."""
    return httpx.AsyncClient(
        base_url=f"{url}/api/executions", trust_env=False, timeout=httpx.Timeout(OPEN_S, read=SILENCE_S)
    )


def _check(watch: Watch, status: int) -> None:
    """Whatever is no answer is asked for again; an unknown execution is not."""
    watch.gone = status == HTTPStatus.NOT_FOUND
    if status != HTTPStatus.OK:
        raise Cut


class LongPollViewer:
    """Pages that wait; where the position is lost, it begins with the state, as the protocol says."""

    async def __call__(self, url: str, watch: Watch) -> None:
        await until_over(url, watch, self._connection)

    async def _connection(self, url: str, watch: Watch) -> None:
        async with _http(url) as client:
            cursor = self._cursor
            while not watch.is_over:
                params = {"wait": POLL_S, "limit": 300} | ({"cursor": cursor} if cursor else {})
                answer = await client.get(f"/{watch.execution_id}/events", params=params)
                if answer.status_code == HTTPStatus.GONE:
                    cursor = await self._begin_anew(client, watch, answer)
                else:
                    _check(watch, answer.status_code)
                    cursor = self._page(watch, msgspec.json.decode(answer.content, type=_Page))
                self._cursor = cursor

    _cursor: str | None = None

    def _page(self, watch: Watch, page: _Page) -> str:
        cursor = Cursor.parse(page.cursor)
        if self._cursor is None:
            watch.begin_at(0, initial_tag(cursor.epoch))
        for line in page.events:
            watch.take(_seq_of(line).seq, bytes(line))
        watch.check_cursor(cursor)
        watch.ended = page.closed and not page.events
        return page.cursor

    async def _begin_anew(self, client: httpx.AsyncClient, watch: Watch, answer: httpx.Response) -> str:
        lost = msgspec.json.decode(answer.content, type=_Lost)
        state = await client.get(f"/{watch.execution_id}")
        _check(watch, state.status_code)
        description = msgspec.json.decode(state.content, type=_Description)
        cursor = Cursor.parse(description.cursor)
        assert description.state.seq == cursor.seq
        watch.reset(lost.why, Cursor.parse(lost.cursor).seq, cursor)
        return description.cursor


class StreamViewer:
    """Server-Sent Events, resumed by `Last-Event-ID` as a browser's `EventSource` does."""

    def __init__(self) -> None:
        self._last: str | None = None

    async def __call__(self, url: str, watch: Watch) -> None:
        await until_over(url, watch, self._connection)

    async def _connection(self, url: str, watch: Watch) -> None:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": self._last} if self._last else {})
        address = f"/{watch.execution_id}/events"
        async with _http(url) as client, client.stream("GET", address, headers=headers) as answer:
            if answer.status_code == HTTPStatus.NO_CONTENT:
                watch.ended = True
                return
            _check(watch, answer.status_code)
            async for fields in _sent_events(answer.aiter_bytes()):
                self._take(watch, fields)

    def _take(self, watch: Watch, fields: dict[bytes, bytes]) -> None:
        if b"id" not in fields:
            return
        self._last, event = fields[b"id"].decode(), fields.get(b"event")
        cursor = Cursor.parse(self._last)
        if event == b"reset":
            lost = msgspec.json.decode(fields[b"data"], type=_Lost)
            assert lost.cursor == self._last
            watch.reset(lost.why, cursor.seq, cursor)
            return
        if watch.tag is None:
            watch.begin_at(0, initial_tag(cursor.epoch))
        if event is None:
            watch.take(cursor.seq, fields[b"data"])
        watch.check_cursor(cursor)
        watch.ended = event == b"end"


async def _sent_events(pieces: AsyncIterator[bytes]) -> AsyncIterator[dict[bytes, bytes]]:
    """The fields of each event; one that is cut off does not count."""
    held = b""
    async for piece in pieces:
        *events, held = (held + piece).split(b"\n\n")
        for event in events:
            yield dict(line.split(b": ", 1) for line in event.split(b"\n") if not line.startswith(b":"))


KINDS: dict[str, Callable[[], Viewer]] = {
    "client": ClientViewer,
    "naive": NaiveViewer,
    "stream": StreamViewer,
    "long poll": LongPollViewer,
    "rich, deflated": lambda: RichViewer(deflated=True),
    "rich": lambda: RichViewer(deflated=False),
    "client, sse": lambda: ClientViewer("sse"),
    "client, poll": lambda: ClientViewer("poll"),
}
