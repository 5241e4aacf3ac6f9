"""Binary frames of `headway.v1.deflate`: a word, then a stream of raw deflate (RFC 1951); pure.

The word has four bytes, big endian. Its low 31 bits number a dictionary: bytes that a stream goes on from as
if they stood before it. With the highest bit set, the stream is that dictionary; else it is the text of a
message, packed with the dictionary of that number, or with none where it is 0.
"""

import zlib
from typing import TypeVar

from headway.errors import InvalidMessage
from headway.protocol.frames import binary_frame

MAX_DICTIONARIES = 256  # that a connection knows: those it was given last
MAX_DICTIONARY_BYTES = 4 << 10
MAX_NUMBER = (1 << 31) - 1
_DEFINES = 1 << 31
_WORD_BYTES = 4

T = TypeVar("T")


def stream_frame(stream: bytes, dictionary: int = 0) -> bytes:
    """A frame whose text is packed in `stream`, with the dictionary of this number."""
    return binary_frame(dictionary.to_bytes(_WORD_BYTES, "big") + stream)


def dictionary_frame(stream: bytes, number: int) -> bytes:
    """A frame that gives a dictionary, packed in `stream`, in place of any other of its number."""
    return stream_frame(stream, _DEFINES | number)


def remember(known: dict[int, T], number: int, value: T) -> None:
    """Add a dictionary that is given, and forget the one given longest ago; both ends do just this."""
    known.pop(number, None)
    known[number] = value
    if len(known) > MAX_DICTIONARIES:
        del known[next(iter(known))]


class Inflater:
    """Reads the binary frames of one connection, in the order in which they come."""

    def __init__(self) -> None:
        self.dictionaries: dict[int, bytes] = {}  # by number, in the order in which they were given

    def read(self, payload: bytes) -> bytes | None:
        """The text that a frame stands for; `None` where it gives a dictionary.

        Raises:
            InvalidMessage: It cannot be read, nor may what follows it: reconnect and resume.
        """
        word, stream = int.from_bytes(payload[:_WORD_BYTES], "big"), payload[_WORD_BYTES:]
        number = word & MAX_NUMBER
        if word & _DEFINES:
            remember(self.dictionaries, number, _dictionary(number, stream))
            return None
        if number and number not in self.dictionaries:
            raise InvalidMessage(f"a frame is packed with dictionary {number}, which was not given")
        return _inflated(stream, self.dictionaries[number] if number else b"")


def _dictionary(number: int, stream: bytes) -> bytes:
    text = _inflated(stream, max_bytes=MAX_DICTIONARY_BYTES + 1)
    if number == 0 or len(text) > MAX_DICTIONARY_BYTES:
        raise InvalidMessage(f"dictionary {number} is too large, or has no number")
    return text


def _inflated(stream: bytes, dictionary: bytes = b"", *, max_bytes: int = 0) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS, zdict=dictionary)
    try:
        text = inflater.decompress(stream, max_bytes)
    except zlib.error as error:
        raise InvalidMessage(f"a binary frame cannot be inflated: {error}") from error
    if inflater.unused_data or not (inflater.eof or len(text) == max_bytes > 0):
        raise InvalidMessage("a binary frame is cut, or goes on behind its end")
    return text
