"""uvicorn's own WebSocket protocol with four things added: ready frames, pauses told, abort, a reader.

Parsing, pings and the closing handshake stay uvicorn's. On any other server the endpoint uses plain ASGI
sends instead, so nothing here may be needed for correctness.
"""

from asyncio.transports import BaseTransport
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from typing_extensions import override
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from headway.api.listening import lift_user_timeout
from headway.api.unsent import unsent_bytes
from headway.api.uvicorn_http import HttpProtocol
from headway.protocol.close_codes import CloseCode, cut_reason
from headway.services.viewer import Writer

if TYPE_CHECKING:
    from starlette.types import ASGIApp

OUTLET_EXTENSION = "headway.outlet"
WRITE_BUFFER_BYTES = 16 << 10  # beyond it a viewer counts as paused; the kernel holds more before that
MAX_FRAME_BYTES = 128 << 10  # above the limit that the endpoint itself answers with its own code
PING_INTERVAL_S = 15.0
PING_TIMEOUT_S = 15.0
PONG_LOOKS = 5  # within that time, at whether the peer takes bytes
LINGER_S = 2.0
SHUTDOWN_S = 5


class UvicornOutlet:
    """Writes to the transport of one connection: an `Outlet`."""

    __slots__ = ("_protocol", "_writer", "is_paused", "reader", "write")

    is_aborted = False  # uvicorn ends the endpoint by itself

    def __init__(self, protocol: "WebSocketProtocol") -> None:
        self.write: Callable[[bytes], None] = protocol.transport.write
        self._protocol = protocol
        self._writer: Writer | None = None
        self.reader: Callable[[str | bytes], None] | None = None
        self.is_paused = not protocol.writable.is_set()  # as `paused` and `resumed` keep it

    def report_to(self, writer: Writer) -> None:
        self._writer = writer

    def hand_to(self, reader: Callable[[str | bytes], None]) -> None:
        """Call this with each frame of the peer: no queue, no turn of the loop, no pause of the reading."""
        if self._protocol.queue.empty():  # else what has come is for who receives, before what will come
            self.reader = reader

    def pending_bytes(self) -> int:
        return unsent_bytes(self._protocol.transport)

    def close(self, code: CloseCode, reason: str) -> None:
        self.lost()
        if self.is_paused:
            self._protocol.transport.abort()  # a close frame would wait behind what the peer does not read
            return
        closing = self._protocol.loop.create_task(self._close(code, cut_reason(reason)))
        self._protocol.tasks.add(closing)
        closing.add_done_callback(self._protocol.tasks.discard)

    def abort(self) -> None:
        self.lost()
        self._protocol.transport.abort()

    def paused(self) -> None:
        self.is_paused = True
        if self._writer is not None:
            self._writer.pause()

    def resumed(self) -> None:
        self.is_paused = False
        if self._writer is not None:
            self._writer.resume()

    def lost(self) -> None:
        """Nothing may be written any more: the connection is closing or gone."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.lost()

    async def _close(self, code: CloseCode, reason: str) -> None:
        with suppress(ClientDisconnected, RuntimeError):  # gone, or closed by somebody else meanwhile
            await self._protocol.send({"type": "websocket.close", "code": code, "reason": reason})


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Tells its outlet what happens to the transport, and never waits for a peer that does not read."""

    _outlet: UvicornOutlet | None = None

    @override
    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)

    @override
    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            lift_user_timeout(self.transport.get_extra_info("socket"))
            self._outlet = UvicornOutlet(self)
            extensions = cast(dict[str, Any], self.scope["extensions"])
            extensions[OUTLET_EXTENSION] = self._outlet

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        if self._outlet is not None:
            self._outlet.paused()

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        if self._outlet is not None:
            self._outlet.resumed()

    @override
    def send_receive_event_to_app(self) -> None:
        reader = None if self._outlet is None or self.close_sent else self._outlet.reader
        if reader is None:
            super().send_receive_event_to_app()
            return
        data = b"".join(self.frames)
        try:
            message = data.decode() if self.curr_msg_data_type == "text" else data
        except UnicodeDecodeError:
            super().send_receive_event_to_app()  # which ends the connection
            return
        self.frames = []
        reader(message)

    @override
    def handle_ping(self) -> None:
        # A peer that pings and does not read would make the buffer grow by a pong each time.
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    @override
    def handle_close(self, event: Any) -> None:
        self._lose()
        super().handle_close(event)
        if self.transport.get_write_buffer_size() > 0:  # it has said goodbye and may read no more
            self.loop.call_later(LINGER_S, self.transport.abort)

    @override
    def handle_parser_exception(self) -> None:
        self._lose()
        super().handle_parser_exception()

    @override
    def send_keepalive_ping(self) -> None:
        super().send_keepalive_ping()
        if self.pong_timer is not None:
            self.pong_timer.cancel()
            self._await_pong(self.loop.time(), unsent_bytes(self.transport))

    def _await_pong(self, since: float, unsent: int) -> None:
        """Look again, and again: as long as the peer takes bytes, the ping may still be behind others."""
        assert self.ping_timeout is not None
        self.pong_timer = self.loop.call_later(
            self.ping_timeout / PONG_LOOKS, self._look_for_life, since, unsent
        )

    def _look_for_life(self, since: float, unsent: int) -> None:
        now, left = self.loop.time(), unsent_bytes(self.transport)
        if left < unsent:
            since = now
        assert self.ping_timeout is not None
        if now - since >= self.ping_timeout:
            self.keepalive_timeout()
        else:
            self._await_pong(since, left)

    @override
    def keepalive_timeout(self) -> None:
        self._lose()
        super().keepalive_timeout()
        self.transport.abort()  # closing would wait for a flush that never comes

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._lose()
        super().connection_lost(exc)

    @override
    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # else a refusal is logged as an application that never answered

    @override
    def shutdown(self) -> None:
        self._lose()
        super().shutdown()
        if self.transport.get_write_buffer_size() > 0:
            self.transport.abort()

    def _lose(self) -> None:
        if self._outlet is not None:
            self._outlet.lost()


def server_config(app: "ASGIApp", *, log_level: str = "info") -> uvicorn.Config:
    """How uvicorn has to run this application; give the socket to `Server.serve(sockets=[…])`."""
    return uvicorn.Config(
        app,
        http=HttpProtocol,
        ws=WebSocketProtocol,
        ws_max_size=MAX_FRAME_BYTES,
        ws_ping_interval=PING_INTERVAL_S,
        ws_ping_timeout=PING_TIMEOUT_S,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=SHUTDOWN_S,
        timeout_keep_alive=30,
        lifespan="on",
        server_header=False,
        access_log=False,
        log_level=log_level.lower(),
    )
