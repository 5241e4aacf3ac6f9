"""What every request is held to and every answer carries: a bounded body, and security headers."""

import secrets
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headway.api.problems import refuse
from headway.errors import ClientError, PayloadTooLarge

MAX_BODY_BYTES = (1 << 20) + 4096  # an input of 1 MiB and what is around it

_FIXED_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def content_security_policy(nonce: str, frame_origins: Sequence[str] = ()) -> str:
    """Nothing from elsewhere and no inline script; the page's own style tags carry `nonce`."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "manifest-src 'self'",
            "base-uri 'self'",
            "form-action 'self'",
            " ".join(("frame-ancestors 'self'", *frame_origins)),
        )
    )


class SecurityHeaders:
    """Adds them to every answer that has not set its own; the nonce is in `scope["state"]["csp_nonce"]`.

    Args:
        frame_origins: Whose pages may frame ours. Browsers that know only yes or no are then told nothing.
    """

    def __init__(self, app: ASGIApp, *, frame_origins: Sequence[str] = ()) -> None:
        self._app = app
        self._frame_origins = tuple(frame_origins)
        framing = {} if frame_origins else {"X-Frame-Options": "SAMEORIGIN"}
        self._fixed_headers = _FIXED_HEADERS | framing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        scope.setdefault("state", {})["csp_nonce"] = nonce

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._fixed_headers.items():
                    headers.setdefault(name, value)
                headers.setdefault(
                    "Content-Security-Policy", content_security_policy(nonce, self._frame_origins)
                )
            await send(message)

        await self._app(scope, receive, send_with_headers)


class BoundedBody:
    """Reads a request's body before the application does, and refuses one above the limit."""

    def __init__(self, app: ASGIApp, *, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        try:
            body = await self._read(Headers(scope=scope), receive)
        except ClientError as error:
            await refuse(error, scope, receive, send)
            return
        unread = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return unread.pop() if unread else await receive()

        await self._app(scope, replay, send)

    async def _read(self, headers: Headers, receive: Receive) -> bytes:
        declared = headers.get("content-length", "0")
        if not declared.isdecimal():
            raise ClientError("Content-Length is no number")
        self._check(int(declared))
        pieces: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientError("the request was cut off")
            piece = message.get("body", b"")
            size += len(piece)
            self._check(size)
            pieces.append(piece)
            more = message.get("more_body", False)
        return b"".join(pieces)

    def _check(self, size: int) -> None:
        if size > self._max_bytes:
            raise PayloadTooLarge(
                f"a request body has at most {self._max_bytes:,} bytes", limit_bytes=self._max_bytes
            )
