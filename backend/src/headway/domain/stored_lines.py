"""Stored lines of a log, plain or compressed: what is only passed on compressed is never inflated."""

from functools import lru_cache

import msgspec
from zlib_ng import zlib_ng

from headway.errors import JournalCorrupt

INFLATED = 64  # texts kept a while, of 48 KiB each: a run is read in several pieces, by several readers


class Deflated(msgspec.Struct, frozen=True, gc=False):
    """Stored lines as raw deflate (RFC 1951); its length is that of the text.

    Args:
        stream: Ends with its last block. Whoever makes this answers for it: no check is left to the reader.
        size: Bytes of the text.
    """

    stream: bytes
    size: int

    def __len__(self) -> int:
        return self.size


Lines = bytes | Deflated


def text_of(lines: Lines) -> bytes:
    """The stored lines, each ended by a newline.

    Raises:
        JournalCorrupt: They cannot be inflated.
    """
    return lines if isinstance(lines, bytes) else inflated(lines.stream)


@lru_cache(INFLATED)
def inflated(stream: bytes) -> bytes:
    """What raw deflate holds.

    Raises:
        JournalCorrupt: It is none, or is cut.
    """
    try:
        return zlib_ng.decompress(stream, -zlib_ng.MAX_WBITS)
    except zlib_ng.error as error:  # type: ignore[misc]  # its stub calls the class an instance
        raise JournalCorrupt(f"a segment cannot be decompressed: {error}") from error
