"""Messages to and from the text of a frame; pure."""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import UNSET, Raw

from headway.domain.events import KINDS, Totals
from headway.domain.position import Cursor
from headway.errors import InvalidMessage
from headway.protocol.messages import (
    CLIENT_MESSAGES,
    SERVER_MESSAGES,
    AnyClientMessage,
    AnyServerMessage,
    Ev,
    Snap,
)

MAX_SNAP_BYTES = 65_536  # of log lines in one part
_TERMINAL = frozenset(kind for kind, data in KINDS.items() if data.terminal)


class _Envelope(msgspec.Struct):
    t: str


class _Address(msgspec.Struct):
    ref: object = None
    x: object = None


class _SealedData(msgspec.Struct):
    totals: Totals | None = None


class _SealedLine(msgspec.Struct):
    kind: str
    data: _SealedData


_encode = msgspec.json.Encoder().encode
_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_address = msgspec.json.Decoder(_Address).decode
_decode_sealed = msgspec.json.Decoder(_SealedLine).decode
_client_decoders = {name: msgspec.json.Decoder(cls) for name, cls in CLIENT_MESSAGES.items()}
_server_decoders = {name: msgspec.json.Decoder(cls) for name, cls in SERVER_MESSAGES.items()}


def encode(message: AnyServerMessage | AnyClientMessage) -> bytes:
    """The frame's text. An `ev` goes through `encode_events`."""
    return _encode(message)


def encode_events(header: Ev, body: bytes) -> bytes:
    """An `ev` frame: the header line, then the stored lines, each ended by a newline."""
    return _encode(header) + b"\n" + body


def decode_client(text: str | bytes) -> AnyClientMessage | None:
    """Read a client's message; `None` for a name this version does not know.

    Raises:
        InvalidMessage: Not an object with `t`, or it does not fit; `fields` has `ref` and `x` where readable.
    """
    try:
        name = _decode_envelope(text).t
        decoder = _client_decoders.get(name)
        return decoder.decode(text) if decoder is not None else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidMessage(f"not a message: {error}", **_address_of(text)) from error


def decode_server(frame: str | bytes) -> tuple[AnyServerMessage | None, bytes]:
    """Read a server's frame: the message (`None` if its name is unknown) and, for `ev`, its lines.

    Raises:
        InvalidMessage: The frame is cut, or no message.
    """
    data = frame.encode() if isinstance(frame, str) else frame
    head, _, body = data.partition(b"\n")
    try:
        decoder = _server_decoders.get(_decode_envelope(head).t)
        message = decoder.decode(head) if decoder is not None else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidMessage(f"not a message: {error}") from error
    if isinstance(message, Ev) and len(lines_of(body)) != message.n:
        raise InvalidMessage(f"ev says {message.n} lines and carries {len(lines_of(body))}")
    return message, body


def lines_of(body: bytes) -> list[bytes]:
    """The stored lines of a body, without their newlines; a cut last line does not count."""
    return body.split(b"\n")[:-1]


def snapshot_parts(x: str, cursor: Cursor, state: bytes, logs: Sequence[bytes]) -> Iterator[Snap]:
    """The `snap` messages of one snapshot: the state in the first, `logs` (stored lines) over all."""
    pieces = list(_pieces(logs))
    for number, piece in enumerate(pieces, 1):
        yield Snap(
            x=x,
            cur=str(cursor),
            part=number,
            parts=len(pieces),
            state=Raw(state) if number == 1 else UNSET,
            logs=[Raw(line) for line in piece],
        )


def kind_of(line: bytes) -> bytes:
    """The kind of a stored line, without decoding it: the fourth quoted piece of `{"seq":17,"kind":"…`."""
    parts = line[:80].split(b'"', 6)
    return parts[5] if len(parts) > 5 else b""


def seal_of(line: bytes) -> Totals | None:
    """The totals in a terminal event's stored line; `None` for every other line."""
    sealed = _decode_sealed(line)
    return sealed.data.totals if sealed.kind in _TERMINAL else None


def _pieces(logs: Sequence[bytes]) -> Iterator[list[bytes]]:
    piece: list[bytes] = []
    size = 0
    for line in logs:
        if piece and size + len(line) > MAX_SNAP_BYTES:
            yield piece
            piece, size = [], 0
        piece.append(line)
        size += len(line)
    yield piece


def _address_of(text: str | bytes) -> dict[str, str | None]:
    """Where the answer to a message that does not fit belongs."""
    try:
        address = _decode_address(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return {
        "ref": address.ref[:64] if isinstance(address.ref, str) else None,
        "x": address.x[:128] if isinstance(address.x, str) else None,
    }
