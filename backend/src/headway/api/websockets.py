"""`/ws/workflow/{target}`: accept, attach to the fan-out, listen, detach.

The rules are elsewhere: `protocol/simple.py` says what is allowed, `services/fanout.py` what is sent.
"""

import asyncio
import logging
from collections.abc import Coroutine
from time import monotonic
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from headway.api.problems import refuse
from headway.api.uvicorn_protocol import OUTLET_EXTENSION, UvicornOutlet
from headway.errors import HeadwayError, InvalidMessage
from headway.protocol.close_codes import CloseCode, cut_reason
from headway.protocol.frames import texts
from headway.protocol.simple import Allowance, parse_query
from headway.services.fanout import Fanout
from headway.services.subscription import Subscription
from headway.services.viewer import Writer

_REASONS = {
    CloseCode.BINARY_FRAME: "binary frames have no meaning here",
    CloseCode.FRAME_TOO_BIG: "a client's frame has at most 65536 bytes",
    CloseCode.TOO_MANY_FRAMES: "a client sends at most 20 frames a second",
}
_log = logging.getLogger(__name__)


class SendOutlet:
    """An `Outlet` on any ASGI server: one text message a frame, the next run of frames once all are taken."""

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
        self._start(self._send_texts(frames), len(frames))

    def pending_bytes(self) -> int:
        return self._pending_bytes

    def close(self, code: CloseCode, reason: str) -> None:
        self._writer = None
        if self._sending is not None:
            self.abort()
        else:
            self._start(self._send_close(code, reason), 0)

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

    async def _send_texts(self, frames: bytes) -> None:
        for text in texts(frames):
            await self._send({"type": "websocket.send", "text": text.decode()})
            self._pending_bytes -= len(text)

    async def _send_close(self, code: CloseCode, reason: str) -> None:
        await self._send({"type": "websocket.close", "code": int(code), "reason": cut_reason(reason)})

    def _sent(self, sending: asyncio.Task[None]) -> None:
        self._sending = None
        viewer = self._writer
        if sending.cancelled() or viewer is None:
            return
        if sending.exception() is None:
            viewer.resume()
        else:
            viewer.lost()


class WorkflowSocket:
    """The ASGI endpoint of simple mode; the path's `target` is a workflow id or an execution id."""

    def __init__(self, fanout: Fanout) -> None:
        self._fanout = fanout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        try:
            subscription = await self._find(scope)
        except Exception as error:  # noqa: BLE001 - the edge of this connection
            if not isinstance(error, HeadwayError):
                _log.exception("cannot serve %s", scope["path"])
            await refuse(error, scope, receive, send)
            return
        await send({"type": "websocket.accept"})
        await self._serve(subscription, scope, receive, send)

    async def _find(self, scope: Scope) -> Subscription:
        if scope["subprotocols"]:
            raise InvalidMessage("this server speaks simple mode only: offer no subprotocol")
        parameters = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        return await self._fanout.find(scope["path_params"]["target"], parse_query(parameters))

    async def _serve(self, subscription: Subscription, scope: Scope, receive: Receive, send: Send) -> None:
        ready = scope.get("extensions", {}).get(OUTLET_EXTENSION)
        outlet = ready if isinstance(ready, UvicornOutlet) else SendOutlet(send)
        viewer = self._fanout.attach(subscription, outlet)
        try:
            await _listen(receive, outlet)
        except asyncio.CancelledError:
            if not outlet.is_aborted:
                raise
        finally:
            self._fanout.detach(viewer)


async def _listen(receive: Receive, outlet: UvicornOutlet | SendOutlet) -> None:
    """Read what the client sends until it is gone; nothing of it has a meaning in simple mode."""
    allowance = Allowance(monotonic())
    while (message := await receive())["type"] != "websocket.disconnect":
        text = message.get("text")
        breach = allowance.breach(message["bytes"] if text is None else text, monotonic())
        if breach is not None:
            outlet.close(breach, _REASONS[breach])
