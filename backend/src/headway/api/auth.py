"""Who may talk to this server: the right `Host`, no foreign web page, and the token where one is set.

One ASGI middleware for HTTP and WebSockets, so that no route can forget it.
"""

import hmac
from collections.abc import Sequence
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from headway.api.problems import refuse
from headway.errors import Forbidden, HeadwayError, Unauthorized
from headway.protocol.messages import SUBPROTOCOLS

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
ANY_HOST = "*"
SESSION_COOKIE = "headway_session"
AUTHENTICATED = "authenticated"  # in the scope's state of a rich connection: the handshake has the token
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Tokens:
    """The shared token of this server, or none; compares in constant time."""

    def __init__(self, token: str | None) -> None:
        self._token = token.encode() if token else None
        self.session = hmac.new(self._token, b"headway session", sha256).hexdigest() if self._token else ""

    @property
    def required(self) -> bool:
        return self._token is not None

    def accepts(self, token: str) -> bool:
        """True for the token itself."""
        return self._token is not None and hmac.compare_digest(token.encode(), self._token)

    def knows(self, headers: Headers) -> bool:
        """True if the request carries the token, or the session that was got with it, or needs neither."""
        if self._token is None:
            return True
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.accepts(token.strip()):
            return True
        return hmac.compare_digest(_cookie(headers).encode(), self.session.encode())


class Guard:
    """Refuses what must not reach the application.

    Args:
        app: What is guarded.
        tokens: Who has the token.
        open_paths: Served without a token: what a browser needs before it can ask for one.
        protected: Path beginnings that need the token.
        allowed_hosts: Names the server may be called by beside the loopback ones; `*` for any.
        allowed_origins: Origins whose pages may act here beside the server's own.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        tokens: Tokens,
        protected: Sequence[str],
        open_paths: Sequence[str],
        allowed_hosts: Sequence[str],
        allowed_origins: Sequence[str],
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._protected = tuple(protected)
        self._open_paths = frozenset(open_paths)
        self._hosts = LOOPBACK_NAMES | {host.lower() for host in allowed_hosts}
        self._origins = frozenset(origin.lower().rstrip("/") for origin in allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            error = self._objection(scope)
            if error is not None:
                await refuse(error, scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _objection(self, scope: Scope) -> HeadwayError | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        if ANY_HOST not in self._hosts and _name_of(host) not in self._hosts:
            return Forbidden(
                f"this server is not called {_name_of(host)!r}; if it is, add that to HEADWAY_ALLOWED_HOSTS"
            )
        acts = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
        origin = headers.get("origin")
        if acts and origin is not None and not self._is_ours(origin.lower(), host):
            return Forbidden(
                f"pages of {origin} may not use this server; to let them, add it to HEADWAY_ALLOWED_ORIGINS"
            )
        path = scope["path"]
        if path in self._open_paths or not path.startswith(self._protected):
            return None
        knows = self._tokens.knows(headers)
        if scope["type"] == "websocket" and not set(SUBPROTOCOLS).isdisjoint(scope["subprotocols"]):
            scope.setdefault("state", {})[AUTHENTICATED] = knows
            return None  # its `hello` may bring the token; else the session ends there
        return None if knows else Unauthorized()

    def _is_ours(self, origin: str, host: str) -> bool:
        # The scheme is not compared: behind a proxy that ends TLS it is not ours to know.
        return origin in self._origins or origin.partition("://")[2] == host


def _name_of(host: str) -> str:
    """The host without its port; an IPv6 address keeps its brackets."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _cookie(headers: Headers) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(SESSION_COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""
