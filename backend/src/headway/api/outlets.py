"""Where the frames of a connection go: the ready outlet of our uvicorn protocol, or plain ASGI sends."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.types import Scope, Send

from headway.api.uvicorn_protocol import OUTLET_EXTENSION, UvicornOutlet
from headway.protocol.close_codes import CloseCode, cut_reason
from headway.protocol.frames import messages
from headway.services.viewer import Writer

LINGER_S = 2.0  # a close waits so long for what is being sent


class SendOutlet:
    """An `Outlet` on any ASGI server: one message a frame, the next run of frames once all are taken."""

    def __init__(self, send: Send) -> None:
        self.is_aborted = False
        self._send = send
        self._endpoint = asyncio.current_task()
        self._writer: Writer | None = None
        self._pending_bytes = 0
        self._sending: asyncio.Task[None] | None = None

    @property
    def is_paused(self) -> bool:
        return self._sending is not None

    def report_to(self, writer: Writer) -> None:
        self._writer = writer

    def write(self, frames: bytes) -> None:
        self._start(self._send_messages(frames), len(frames))

    def hand_to(self, reader: Callable[[str | bytes], None]) -> None:
        """Do nothing: here all is received."""

    def pending_bytes(self) -> int:
        return self._pending_bytes

    def close(self, code: CloseCode, reason: str) -> None:
        self._writer = None
        before, self._sending = self._sending, None
        self._start(self._send_close(before, code, reason), 0)

    def abort(self) -> None:
        self._writer, self.is_aborted = None, True
        if self._sending is not None:
            self._sending.cancel()
        if self._endpoint is not None:
            self._endpoint.cancel()

    def _start(self, sending: Coroutine[Any, Any, None], size: int) -> None:
        self._pending_bytes = size
        self._sending = asyncio.ensure_future(sending)
        self._sending.add_done_callback(self._sent)
        if self._writer is not None:
            self._writer.pause()

    async def _send_messages(self, frames: bytes) -> None:
        for is_text, payload in messages(frames):
            if is_text:
                await self._send({"type": "websocket.send", "text": payload.decode()})
            else:
                await self._send({"type": "websocket.send", "bytes": payload})
            self._pending_bytes -= len(payload)

    async def _send_close(self, before: asyncio.Task[None] | None, code: CloseCode, reason: str) -> None:
        if before is not None:
            _, stuck = await asyncio.wait({before}, timeout=LINGER_S)
            if stuck:
                before.cancel()
                self.abort()
                return
        await self._send({"type": "websocket.close", "code": int(code), "reason": cut_reason(reason)})

    def _sent(self, sending: asyncio.Task[None]) -> None:
        if sending is self._sending:
            self._sending, self._pending_bytes = None, 0
        writer = self._writer
        if sending.cancelled() or writer is None:
            return
        if sending.exception() is None:
            writer.resume()
        else:
            writer.lost()


def outlet_of(scope: Scope, send: Send) -> "UvicornOutlet | SendOutlet":
    """The best outlet that this connection's server has."""
    ready = scope.get("extensions", {}).get(OUTLET_EXTENSION)
    return ready if isinstance(ready, UvicornOutlet) else SendOutlet(send)
