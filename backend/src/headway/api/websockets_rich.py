"""Rich mode, on `/ws` and on the paths of simple mode: accept, hand frames to the feed, let go.

The rules are elsewhere: `protocol/session.py` says what is allowed and answered, `services/feed.py` by whom.
"""

import asyncio
from collections.abc import Callable

from starlette.types import Receive, Scope, Send

from headway.api.auth import AUTHENTICATED, Tokens
from headway.api.outlets import outlet_of
from headway.api.problems import refuse
from headway.errors import HeadwayError, InvalidMessage
from headway.protocol.messages import DEFLATE_SUBPROTOCOL, SUBPROTOCOLS
from headway.services.feed import Feed


class RichSocket:
    """The ASGI endpoint of rich mode.

    Args:
        feed: Serves the connections.
        tokens: Check what `hello` and `auth` carry.
    """

    def __init__(self, feed: Feed, tokens: Tokens) -> None:
        self._feed = feed
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        try:
            subprotocol = chosen_subprotocol(scope)
            self._feed.check_room()
        except HeadwayError as error:
            await refuse(error, scope, receive, send)
            return
        await send({"type": "websocket.accept", "subprotocol": subprotocol})
        await self._serve(scope, receive, send, deflated=subprotocol == DEFLATE_SUBPROTOCOL)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, *, deflated: bool) -> None:
        outlet = outlet_of(scope, send)
        viewer = self._feed.attach(outlet, knows=self._login_of(scope), deflated=deflated)
        try:
            while (message := await receive())["type"] != "websocket.disconnect":
                text = message.get("text")
                viewer.receive(message["bytes"] if text is None else text)
                outlet.hand_to(viewer.receive)
        except asyncio.CancelledError:
            if not outlet.is_aborted:
                raise
        finally:
            viewer.lost()

    def _login_of(self, scope: Scope) -> Callable[[str | None], bool]:
        """A token decides; without one, what the handshake carried."""
        by_handshake = bool(scope.get("state", {}).get(AUTHENTICATED))
        accepts, required = self._tokens.accepts, self._tokens.required
        return lambda token: not required or (by_handshake if token is None else accepts(token))


def chosen_subprotocol(scope: Scope) -> str:
    """The first one offered that this server speaks.

    Raises:
        InvalidMessage: There is none.
    """
    offered: list[str] = scope["subprotocols"]
    spoken = next((name for name in offered if name in SUBPROTOCOLS), None)
    if spoken is None:
        raise InvalidMessage(f"offer one of these subprotocols: {', '.join(SUBPROTOCOLS)}")
    return spoken
