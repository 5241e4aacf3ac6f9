"""Why a server ends a WebSocket: 4000-4499 ask the client to reconnect, 4500-4999 to stop."""

from enum import IntEnum

MAX_REASON_BYTES = 123  # what a close frame has room for beside its code


class CloseCode(IntEnum):
    """Codes a server sends; `docs/protocol.md` lists each, held to it by a test."""

    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    HELLO_TIMEOUT = 4408
    POSITION_LOST = 4410  # the log was trimmed or replaced under the viewer
    SLOW_READER = 4420  # a write did not finish; the transport is cut, so only logs and metrics see it
    NO_PONG = 4421  # likewise
    TOO_MANY_MESSAGES = 4429
    PROTOCOL_BREACH = 4500
    UNAUTHORIZED = 4501
    BINARY_FRAME = 4502
    FRAME_TOO_BIG = 4509
    TOO_MANY_FRAMES = 4529


def asks_to_stop(code: int) -> bool:
    """True if a client must not reconnect by itself after this code, known to it or not."""
    return code in {1002, 1003, 1007, 1008, 1009} or 4500 <= code <= 4999


def cut_reason(reason: str) -> str:
    """The reason as far as a close frame has room for it, whole characters only."""
    return reason.encode("utf-8", "replace")[:MAX_REASON_BYTES].decode("utf-8", "ignore")
