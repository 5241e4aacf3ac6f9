"""WebSocket text frames as ready bytes, built once and written to every viewer.

A server's frames carry no mask, so the same bytes serve all. Knows RFC 6455's header and the stored line of
an event; knows no connection.
"""

from collections.abc import Iterator
from struct import Struct

import msgspec

_TEXT = 0x81  # FIN and opcode 1
_BINARY = 0x82
_header_16 = Struct(">BBH").pack
_header_64 = Struct(">BBQ").pack


def frame_header(payload_bytes: int, kind: int = _TEXT) -> bytes:
    """Header of an unfragmented, unmasked frame, of text unless told."""
    if payload_bytes < 126:
        return bytes((kind, payload_bytes))
    if payload_bytes < 65_536:
        return _header_16(kind, 126, payload_bytes)
    return _header_64(kind, 127, payload_bytes)


def text_frame(*parts: bytes) -> bytes:
    """One whole frame around the UTF-8 text that `parts` make together, which are copied once."""
    return b"".join((frame_header(sum(map(len, parts))), *parts))


def binary_frame(*parts: bytes) -> bytes:
    """One whole binary frame around what `parts` make together."""
    return b"".join((frame_header(sum(map(len, parts)), _BINARY), *parts))


class SimpleFramer:
    """Makes simple-mode frames of one execution's stored lines.

    A frame's text is `{"execution_id":…,"workflow_id":…,` and the stored line without its `{`.
    """

    __slots__ = ("_prefix",)

    def __init__(self, execution_id: str, workflow_id: str) -> None:
        ids = msgspec.json.encode({"execution_id": execution_id, "workflow_id": workflow_id})
        self._prefix = ids[:-1] + b","

    def text(self, line: bytes) -> bytes:
        """The text of one event."""
        return self._prefix + line[1:]

    def frames(self, body: bytes) -> bytes:
        """The frames of a run of stored lines, each ended by a newline, joined for one write."""
        prefix = self._prefix
        extra = len(prefix) - 1
        pieces: list[bytes] = []
        for line in body.split(b"\n"):
            if line:
                pieces += (frame_header(len(line) + extra), prefix, line[1:])
        return b"".join(pieces)


def texts(frames: bytes) -> Iterator[bytes]:
    """The texts of joined text frames."""
    return (payload for _, payload in messages(frames))


def messages(frames: bytes) -> Iterator[tuple[bool, bytes]]:
    """Joined frames for a transport that wants one message at a time: whether it is text, and its payload."""
    position = 0
    while position < len(frames):
        start, end = _payload(frames, position)
        yield frames[position] == _TEXT, frames[start:end]
        position = end


def without_first(frames: bytes, count: int) -> bytes:
    """Joined frames without the first `count` of them."""
    position = 0
    for _ in range(count):
        position = _payload(frames, position)[1]
    return frames[position:]


def _payload(frames: bytes, position: int) -> tuple[int, int]:
    """Where the payload of the frame at `position` starts and ends."""
    length = frames[position + 1]
    start = position + 2
    if length >= 126:
        width = 2 if length == 126 else 8
        length = int.from_bytes(frames[start : start + width], "big")
        start += width
    return start, start + length
