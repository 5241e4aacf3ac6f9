"""Lines as they stand in their rows: what is compressed is proven whole without being inflated."""

import zlib

import pytest
from zlib_ng import zlib_ng

from headway.adapters.journal.segment_rows import DEFLATED, PLAIN, ZLIB, from_row, packed
from headway.domain.position import chain
from headway.domain.stored_lines import Deflated, inflated
from headway.errors import JournalCorrupt
from headway.ports import Segment

BODY = b"".join(b'{"seq":%d,"kind":"log"}\n' % seq for seq in range(1, 41))
SEGMENT = Segment(1, 40, 7, chain(7, BODY), BODY)
ENCODING, STORED = packed(SEGMENT)
COLUMNS = (SEGMENT.first_seq, SEGMENT.last_seq, SEGMENT.tag_before, SEGMENT.tag_after)


def forbid_inflating(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bytes:
        raise AssertionError("it was inflated")

    inflated.cache_clear()
    monkeypatch.setattr(zlib_ng, "decompress", refuse)


def test_a_row_says_how_long_its_text_is_without_inflating_it(monkeypatch: pytest.MonkeyPatch) -> None:
    forbid_inflating(monkeypatch)
    read = from_row(*COLUMNS, ENCODING, STORED)

    assert ENCODING == DEFLATED
    assert isinstance(read.lines, Deflated)
    assert len(read.lines) == len(BODY)
    assert len(read.lines.stream) < len(BODY) / 5


def test_what_is_packed_is_read_back_to_the_byte() -> None:
    assert from_row(*COLUMNS, ENCODING, STORED).body == BODY
    assert from_row(*COLUMNS, PLAIN, BODY) == SEGMENT


def test_a_bit_flipped_anywhere_is_told() -> None:
    for place in range(8 * len(STORED)):
        broken = bytearray(STORED)
        broken[place // 8] ^= 1 << place % 8
        with pytest.raises(JournalCorrupt, match="the stored events 1 to 40 do not match"):
            from_row(*COLUMNS, ENCODING, bytes(broken))


@pytest.mark.parametrize("column", range(4))
def test_the_stored_bytes_of_another_segment_are_told(column: int) -> None:
    """Its seqs and tags are part of what is checked, as those of the lines are no longer computed."""
    columns = list(COLUMNS)
    columns[column] += 1
    with pytest.raises(JournalCorrupt):
        from_row(*columns, ENCODING, STORED)  # type: ignore[call-arg]  # four of them


@pytest.mark.parametrize("size", [0, 3, 7, 8, len(STORED) - 1])
def test_a_row_that_is_cut_is_told(size: int) -> None:
    with pytest.raises(JournalCorrupt):
        from_row(*COLUMNS, ENCODING, STORED[:size])


def test_what_no_compression_makes_shorter_stays_plain() -> None:
    tiny = Segment(1, 1, 7, chain(7, b"{}\n"), b"{}\n")
    assert packed(tiny) == (PLAIN, b"{}\n")


def test_rows_of_the_first_encoding_are_read_and_checked_by_their_text() -> None:
    read = from_row(*COLUMNS, ZLIB, zlib.compress(BODY))
    assert isinstance(read.lines, Deflated)
    assert read.body == BODY

    for altered in (zlib.compress(BODY.replace(b"log", b"lag", 1)), zlib.compress(BODY)[:-9], b"\x78\x9c"):
        with pytest.raises(JournalCorrupt):
            from_row(*COLUMNS, ZLIB, altered)


def test_an_encoding_that_is_not_known_is_told() -> None:
    with pytest.raises(JournalCorrupt, match="unknown encoding 9"):
        from_row(*COLUMNS, 9, STORED)
