"""The tag chain tells histories apart; a cursor survives its text form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.domain.position import Cursor, chain, initial_tag
from headway.errors import InvalidMessage

LINES = st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b" ") + b"\n"), max_size=20)
CURSORS = st.builds(
    Cursor,
    epoch=st.text("0123456789abcdef", min_size=8, max_size=8),
    seq=st.integers(0, 2**53),
    tag=st.integers(0, 2**32 - 1),
)


@given(LINES, st.data())
def test_the_chain_is_the_same_however_the_lines_are_cut(lines: list[bytes], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(lines)))
    start = initial_tag("00c0ffee")
    at_once = chain(start, b"".join(lines))
    assert chain(chain(start, b"".join(lines[:cut])), b"".join(lines[cut:])) == at_once


@given(LINES.filter(bool), st.data())
def test_a_changed_line_changes_every_tag_behind_it(lines: list[bytes], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(lines) - 1))
    forged = [*lines[:place], b"forged" + lines[place][:-1] + b"!\n", *lines[place + 1 :]]
    start = initial_tag("00c0ffee")
    assert chain(start, b"".join(forged)) != chain(start, b"".join(lines))


def test_each_epoch_starts_its_own_chain() -> None:
    assert initial_tag("00c0ffee") != initial_tag("00c0ffef")
    assert initial_tag("123456789") == 0xCBF43926, "the check value of CRC-32"


@given(CURSORS)
def test_a_cursor_is_read_back_from_its_text(cursor: Cursor) -> None:
    assert Cursor.parse(str(cursor)) == cursor


def test_the_text_of_a_cursor_is_padded() -> None:
    assert str(Cursor("00c0ffee", 17, 255)) == "00c0ffee.17.000000ff"


@pytest.mark.parametrize(
    "text", ["", "00c0ffee", "00c0ffee.1", "00c0ffee.x.0", "00c0ffee.-1.0", "a.1.2.3", "a.1.zz"]
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidMessage, match="is no cursor"):
        Cursor.parse(text)
