"""Follow a feed over one WebSocket in rich mode: carries out what `protocol.client_session` decides."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import assert_never

from typing_extensions import override
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from headway.client.attempt import Again, Ending, Feed, Refused, Unfit
from headway.client.ladder import Transport
from headway.client.problems import is_final, to_error
from headway.client.proxies import proxy_of
from headway.domain.position import Cursor
from headway.protocol import messages as m
from headway.protocol.client_effects import ClientEffect, Drop, Move, Say, Sealed, Stop, Tell, Up
from headway.protocol.client_session import ClientSession
from headway.protocol.codec import encode

MAX_FRAME_BYTES = 16 << 20
MAX_CONTROL_FRAME_BYTES = 127
OPEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 1.0
TICK_S = 0.5
NO_CLOSE_FRAME = 1006


def socket_address(url: str) -> str:
    """Where a server's rich mode is."""
    return "ws" + url.rstrip("/").removeprefix("http") + "/ws"


class _Connection(ClientConnection):
    """Remembers when more came than a ping of the WebSocket: a frame, or a part of one."""

    heard_at = 0.0

    @override
    def data_received(self, data: bytes) -> None:
        if len(data) > MAX_CONTROL_FRAME_BYTES:
            self.heard_at = monotonic()
        super().data_received(data)


class WebSocketAttempt:
    """Follows `feed` on a connection of its own; `mode` and `tail` are as in `sub`."""

    transport: Transport = "websocket"

    def __init__(self, feed: Feed, url: str, token: str | None, *, mode: m.Mode, tail: int) -> None:
        self.up_at: float | None = None
        self.moves_at: float | None = None
        self._feed = feed
        self._address, self._proxy = socket_address(url), proxy_of(url)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._session = ClientSession(feed.position, monotonic(), token=token, mode=mode, tail=tail)
        self._to_say: asyncio.Queue[m.AnyClientMessage] = asyncio.Queue()
        self._ending: Ending | None = None

    async def run(self) -> Ending:
        try:
            async with self._connect() as socket:
                return await self._follow(socket)
        except InvalidStatus as refused:
            return _ending_of(refused)
        except InvalidHandshake as error:
            return Unfit(f"the upgrade to a WebSocket failed: {error}")
        except TimeoutError:
            return Unfit(f"no WebSocket opened within {OPEN_TIMEOUT_S:.0f} s")
        except OSError as error:
            return Again(str(error) or type(error).__name__)

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[_Connection]:
        async with connect(
            self._address,
            subprotocols=[Subprotocol(m.SUBPROTOCOL)],
            additional_headers=self._headers,
            compression=None,
            max_size=MAX_FRAME_BYTES,
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            ping_interval=None,  # the protocol's own heartbeat says more
            proxy=self._proxy,
            create_connection=_Connection,
        ) as socket:
            assert isinstance(socket, _Connection)
            sender = asyncio.create_task(self._send(socket))
            try:
                yield socket
            finally:
                sender.cancel()
                await asyncio.gather(sender, return_exceptions=True)

    async def _follow(self, socket: _Connection) -> Ending:
        opened_at = monotonic()
        self._carry_out(self._session.open())
        try:
            while self._ending is None:
                await self._feed.room()
                try:
                    async with asyncio.timeout(TICK_S):
                        frame = await socket.recv()
                except TimeoutError:
                    pass
                else:
                    self._carry_out(self._session.receive(frame, monotonic()))
                self._session.heard(socket.heard_at)
                self._carry_out(self._session.tick(monotonic()))
                if self.up_at is None and monotonic() - opened_at > OPEN_TIMEOUT_S:
                    self._ending = Unfit(f"the WebSocket opens, but for {OPEN_TIMEOUT_S:.0f} s no frame came")
        except ConnectionClosed:
            code, reason = socket.close_code or NO_CLOSE_FRAME, socket.close_reason or ""
            self._carry_out([self._session.closed(code, reason)])
        assert self._ending is not None
        return self._ending

    def _carry_out(self, effects: list[ClientEffect]) -> None:
        for effect in effects:
            if self._ending is not None:
                return
            match effect:
                case Say(message):
                    self._to_say.put_nowait(message)
                case Tell(news):
                    self._feed.publish(news)
                case Sealed():
                    self._feed.publish(effect)
                case Up():
                    self.up_at = self.up_at or monotonic()
                    self._feed.on_taken = self._taken
                case Move(earliest_s, latest_s):
                    self.moves_at = monotonic() + random.uniform(earliest_s, (earliest_s + latest_s) / 2)
                case Drop(reason, wait_s):
                    self._ending = Again(reason, wait_s, reached=self.up_at is None)
                case Stop(error):
                    self._ending = Refused(error)
                case _:
                    assert_never(effect)

    def _taken(self, cursor: Cursor) -> None:
        self._carry_out(self._session.applied(cursor.seq, monotonic()))

    async def _send(self, socket: ClientConnection) -> None:
        """Say what is to be said; that it cannot be said any more, the receiver learns."""
        try:
            while True:
                await socket.send(encode(await self._to_say.get()).decode())
        except ConnectionClosed:
            return


def _ending_of(refused: InvalidStatus) -> Ending:
    """A server's own refusal holds for every transport; anything else stands in the way of this one."""
    status, body = refused.response.status_code, bytes(refused.response.body or b"")
    error = to_error(status, body)
    if is_final(error):
        return Refused(error)
    if status in (429, 502, 503, 504):
        return Again(error.message, reached=not error.fields.get("told"))
    return Unfit(f"the upgrade to a WebSocket was answered {status}")
