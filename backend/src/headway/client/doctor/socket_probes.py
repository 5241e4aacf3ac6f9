"""What becomes of WebSockets: each mode, a page's origin, and a connection without traffic."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Origin, Subprotocol

from headway.client.doctor.address import Address
from headway.client.doctor.findings import Fault, Finding
from headway.client.problems import to_error
from headway.client.proxies import proxy_of
from headway.client.websocket import socket_address
from headway.domain.position import Cursor, initial_tag
from headway.errors import Forbidden, InvalidMessage
from headway.protocol import messages as m
from headway.protocol.codec import decode_server, encode
from headway.protocol.deflate import Inflater

OPEN_S, ANSWER_S = 5.0, 5.0


class SocketProbes:
    """Opens WebSockets at `address`; `headers` carry what lets them in."""

    def __init__(self, address: Address, headers: dict[str, str]) -> None:
        self._address = address
        self._headers = headers
        self._rich, self._proxy = socket_address(address.url), proxy_of(address.url)

    async def rich(self, check: str = "WebSocket", origin: str | None = None) -> Finding:
        """The mode that clients use: it opens, and frames come through both ways."""
        began = monotonic()
        try:
            async with self._open(self._rich, [m.SUBPROTOCOL], origin=origin) as socket:
                await self._welcome(socket)
        except _FAULTS as error:
            return self._failure(check, error, origin)
        return Finding(check, "ok", f"welcome after {(monotonic() - began) * 1_000:.0f} ms")

    async def as_page(self) -> Finding:
        """What a browser adds: the origin of the page."""
        return await self.rich("origin", self._address.origin)

    async def simple(self, workflow_id: str | None) -> Finding:
        """The mode of clients that know nothing of Headway."""
        if workflow_id is None:
            return Finding("simple mode", "skipped", "no workflow is served that could be followed")
        address = f"{self._rich}/workflow/{quote(workflow_id)}"
        try:
            async with self._open(address, []):
                return Finding("simple mode", "ok", f"{workflow_id} can be followed")
        except _FAULTS as error:
            return self._failure("simple mode", error, None)

    async def deflated(self, execution_id: str | None, epoch: str | None) -> Finding:
        """Frames that the server packs once for all: binary ones have to pass too."""
        try:
            async with self._open(self._rich, [m.DEFLATE_SUBPROTOCOL]) as socket:
                await self._welcome(socket)
                if execution_id is None or epoch is None:
                    return Finding("deflate", "ok", "can be asked for; there is no log yet to try it on")
                return await _first_frame(socket, execution_id, epoch)
        except _FAULTS as error:
            return self._failure("deflate", error, None)

    async def idle(self, idle_s: float) -> Finding:
        """A connection on which nothing moves but heartbeats: is it still there after a while?"""
        began = monotonic()
        try:
            async with self._open(self._rich, [m.SUBPROTOCOL]) as socket:
                await self._welcome(socket)
                began = monotonic()
                await _stay(socket, idle_s)
        except ConnectionClosed:
            told = f"ended after {monotonic() - began:.1f} s without traffic"
            return Finding("idle WebSocket", "fails", told, Fault.TIMEOUT)
        except _FAULTS as error:
            return self._failure("idle WebSocket", error, None)
        return Finding("idle WebSocket", "ok", f"still open after {idle_s:g} s")

    @asynccontextmanager
    async def _open(
        self, address: str, subprotocols: Sequence[str], *, origin: str | None = None
    ) -> AsyncIterator[ClientConnection]:
        async with connect(
            address,
            subprotocols=[Subprotocol(each) for each in subprotocols] or None,
            origin=Origin(origin) if origin else None,
            additional_headers=self._headers,
            compression=None,
            open_timeout=OPEN_S,
            close_timeout=0.5,
            ping_interval=None,
            proxy=self._proxy,
        ) as socket:
            yield socket

    async def _welcome(self, socket: ClientConnection) -> None:
        if socket.subprotocol is None:
            raise _NoSubprotocol
        await socket.send(encode(m.Hello(client="headway-doctor")).decode())
        async with asyncio.timeout(ANSWER_S):
            message, _ = decode_server(await socket.recv())
        if not isinstance(message, m.Welcome):
            raise InvalidMessage("the first frame is no welcome")

    def _failure(self, check: str, error: BaseException, origin: str | None) -> Finding:
        match error:
            case InvalidStatus():
                status, body = error.response.status_code, bytes(error.response.body or b"")
                known = to_error(status, body)
                if isinstance(known, Forbidden) and known.fields.get("told"):
                    fault = Fault.HOST if origin is None else Fault.ORIGIN
                    return Finding(check, "fails", known.message, fault)
                lost = known.code == "invalid_message" and bool(known.fields.get("told"))
                fault = Fault.SUBPROTOCOL if lost else Fault.UPGRADE
                return Finding(check, "fails", f"the upgrade is answered {status}", fault)
            case _NoSubprotocol():
                return Finding(check, "fails", "it opens without its subprotocol", Fault.SUBPROTOCOL)
            case TimeoutError() | ConnectionClosed() | InvalidMessage():
                told = f"it opens, and no frame comes within {ANSWER_S:.0f} s"
                if not isinstance(error, TimeoutError):
                    told = f"it opens, and ends before a frame comes: {error}"
                return Finding(check, "fails", told, Fault.FRAMES)
            case _:
                return Finding(check, "fails", f"it does not open: {error}", Fault.UPGRADE)


class _NoSubprotocol(Exception):
    """The handshake came back without the subprotocol that was offered."""


_FAULTS = (OSError, TimeoutError, InvalidHandshake, ConnectionClosed, InvalidMessage, _NoSubprotocol)


async def _first_frame(socket: ClientConnection, execution_id: str, epoch: str) -> Finding:
    """Ask for a log from its first event, and unpack what comes."""
    cursor = Cursor(epoch, 0, initial_tag(epoch))
    await socket.send(encode(m.Sub(x=execution_id, cur=str(cursor))).decode())
    inflater = Inflater()
    async with asyncio.timeout(ANSWER_S):
        while True:
            frame = await socket.recv()
            text = inflater.read(frame) if isinstance(frame, bytes) else frame
            if text is None:
                continue
            message, body = decode_server(text)
            if isinstance(message, m.Ev):
                told = (
                    f"{len(body):,} bytes come as {len(frame):,}"
                    if text is not frame
                    else "accepted; this log came unpacked"
                )
                return Finding("deflate", "ok", told)
            if isinstance(message, m.Err | m.Snap):
                return Finding("deflate", "ok", "can be asked for; there is no log to try it on")


async def _stay(socket: ClientConnection, idle_s: float) -> None:
    """Answer heartbeats for so long; then the other side has to answer one of ours."""
    until = monotonic() + idle_s
    while (left_s := until - monotonic()) > 0:
        try:
            async with asyncio.timeout(left_s):
                message, _ = decode_server(await socket.recv())
        except TimeoutError:
            break
        if isinstance(message, m.Ping):
            await socket.send(encode(m.Pong(n=message.n)).decode())
    async with asyncio.timeout(ANSWER_S):
        await (await socket.ping())
