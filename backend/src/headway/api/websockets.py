"""`/ws/workflow/{target}`: accept, attach to the fan-out, listen, detach.

The rules are elsewhere: `protocol/simple.py` says what is allowed, `services/fanout.py` what is sent.
"""

import asyncio
import logging
from time import monotonic
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from headway.api.outlets import SendOutlet, outlet_of
from headway.api.problems import refuse
from headway.api.request_ids import request_id_of
from headway.api.uvicorn_protocol import UvicornOutlet
from headway.errors import HeadwayError
from headway.protocol.close_codes import CloseCode
from headway.protocol.simple import Allowance, parse_query
from headway.services.fanout import Fanout
from headway.services.subscription import Subscription

_REASONS = {
    CloseCode.BINARY_FRAME: "binary frames have no meaning here",
    CloseCode.FRAME_TOO_BIG: "a client's frame has at most 65536 bytes",
    CloseCode.TOO_MANY_FRAMES: "a client sends at most 20 frames a second",
}
_log = logging.getLogger(__name__)


class WorkflowSocket:
    """The ASGI endpoint of simple mode; the path's `target` is a workflow id or an execution id.

    Args:
        fanout: Serves simple mode.
        rich: Serves those who offer a subprotocol.
    """

    def __init__(self, fanout: Fanout, rich: ASGIApp) -> None:
        self._fanout = fanout
        self._rich = rich

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["subprotocols"]:
            await self._rich(scope, receive, send)
            return
        await receive()  # websocket.connect
        try:
            subscription = await self._find(scope)
        except Exception as error:  # noqa: BLE001 - the edge of this connection
            if not isinstance(error, HeadwayError):
                _log.exception("cannot serve %s, request %s", scope["path"], request_id_of(scope))
            await refuse(error, scope, receive, send)
            return
        await send({"type": "websocket.accept"})
        await self._serve(subscription, scope, receive, send)

    async def _find(self, scope: Scope) -> Subscription:
        parameters = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        return await self._fanout.find(scope["path_params"]["target"], parse_query(parameters))

    async def _serve(self, subscription: Subscription, scope: Scope, receive: Receive, send: Send) -> None:
        outlet = outlet_of(scope, send)
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
