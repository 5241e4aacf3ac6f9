"""How the lines of a segment stand in its row, and what proves that they are whole; knows no database."""

import struct

from zlib_ng import zlib_ng

from headway.domain.position import chain
from headway.domain.stored_lines import Deflated, inflated
from headway.errors import JournalCorrupt
from headway.ports import Segment

# segment.encoding: lines as they are; a zlib stream (RFC 1950), no longer written; a head and raw deflate.
PLAIN, ZLIB, DEFLATED = 0, 1, 2
_LEVEL = 4
_HEAD = struct.Struct(">II")  # size of the text, check
_CHECKED = struct.Struct(">QQIII")  # with the stream: seqs, tags, size of the text


def packed(segment: Segment) -> tuple[int, bytes]:
    """Encoding and stored body of what will not change any more: compressed, where that is shorter.

    Args:
        segment: Its lines match its tags: what is read back compressed is not inflated to see that again.
    """
    text = segment.body
    press = zlib_ng.compressobj(_LEVEL, zlib_ng.DEFLATED, -zlib_ng.MAX_WBITS)
    stream = press.compress(text) + press.flush()
    if _HEAD.size + len(stream) >= len(text):
        return PLAIN, text
    check = _check(
        segment.first_seq, segment.last_seq, segment.tag_before, segment.tag_after, len(text), stream
    )
    return DEFLATED, _HEAD.pack(len(text), check) + stream


def from_row(
    first_seq: int, last_seq: int, tag_before: int, tag_after: int, encoding: int, body: bytes
) -> Segment:
    """The segment of a row; what is compressed stays so.

    Raises:
        JournalCorrupt: It is compressed, and not as it was written.
    """
    if encoding == PLAIN:
        return Segment(first_seq, last_seq, tag_before, tag_after, body)
    if encoding == DEFLATED:
        lines = _checked(first_seq, last_seq, tag_before, tag_after, body)
    elif encoding == ZLIB:
        stream = body[2:-4]
        text = inflated(stream)
        if chain(tag_before, text) != tag_after:
            raise _corrupt(first_seq, last_seq)
        lines = Deflated(stream, len(text))
    else:
        raise JournalCorrupt(f"a segment has the unknown encoding {encoding}")
    return Segment(first_seq, last_seq, tag_before, tag_after, lines)


def _checked(first_seq: int, last_seq: int, tag_before: int, tag_after: int, body: bytes) -> Deflated:
    try:
        size, check = _HEAD.unpack_from(body)
        stream = body[_HEAD.size :]
        is_whole = check == _check(first_seq, last_seq, tag_before, tag_after, size, stream)
    except struct.error:  # it is cut, or says what cannot be
        is_whole = False
    if not is_whole:
        raise _corrupt(first_seq, last_seq)
    return Deflated(stream, size)


def _check(first_seq: int, last_seq: int, tag_before: int, tag_after: int, size: int, stream: bytes) -> int:
    return zlib_ng.crc32(
        stream, zlib_ng.crc32(_CHECKED.pack(first_seq, last_seq, tag_before, tag_after, size))
    )


def _corrupt(first_seq: int, last_seq: int) -> JournalCorrupt:
    return JournalCorrupt(f"the stored events {first_seq} to {last_seq} do not match their tags")
