"""How many new WebSockets a second are let in, so that all who come back at once do not come at once."""

import logging
from time import monotonic

from starlette.types import ASGIApp, Receive, Scope, Send

from headway.api.problems import refuse
from headway.errors import ServerBusy, ServerDraining
from headway.protocol.window import TokenBucket
from headway.services.feed import Feed

UPGRADES_PER_S = 500
UPGRADE_BURST = 2_000

_log = logging.getLogger(__name__)


class Admission:
    """Refuses a WebSocket before it is accepted: too many at once, or the server is about to end.

    Args:
        app: What they are let in to.
        feed: Says whether the server drains.
        ready_path: Answers 503 then, so that a balancer sends nobody here.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        feed: Feed,
        ready_path: str,
        per_s: float = UPGRADES_PER_S,
        burst: float = UPGRADE_BURST,
    ) -> None:
        self._app = app
        self._feed = feed
        self._ready_path = ready_path
        self._bucket = TokenBucket(per_s, burst, monotonic())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = self._objection(scope)
        if error is None:
            await self._app(scope, receive, send)
        else:
            await refuse(error, scope, receive, send)

    def _objection(self, scope: Scope) -> ServerBusy | ServerDraining | None:
        kind = scope["type"]
        if self._feed.is_draining and (kind == "websocket" or scope.get("path") == self._ready_path):
            return ServerDraining()
        if kind == "websocket" and not self._bucket.take(monotonic()):
            _log.warning("more new connections a second than %d: one is put off", UPGRADES_PER_S)
            return ServerBusy()
        return None
