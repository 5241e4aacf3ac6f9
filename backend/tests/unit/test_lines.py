"""Written text becomes the lines that a terminal would show."""

from hypothesis import given
from hypothesis import strategies as st

from headway.domain.lines import MAX_PENDING, LineSplitter


@given(st.lists(st.text(alphabet="ab\n\r", max_size=6), max_size=8))
def test_lines_do_not_depend_on_how_the_text_is_cut(pieces: list[str]) -> None:
    whole, cut = LineSplitter(), LineSplitter()
    expected = whole.feed("".join(pieces)) + whole.flush()
    assert [line for piece in pieces for line in cut.feed(piece)] + cut.flush() == expected


def test_after_a_carriage_return_the_line_starts_again() -> None:
    splitter = LineSplitter()
    assert splitter.feed("10 %\r20 %\r30 %\nwindows\r\n\x1b[31mred\x1b[0m\n") == [
        "30 %",
        "windows",
        "\x1b[31mred\x1b[0m",
    ]
    assert splitter.feed("40 %\r50 %\r") == []
    assert splitter.flush() == ["50 %"]
    assert splitter.flush() == []


def test_lines_without_an_end_are_given_out_at_the_limit() -> None:
    splitter = LineSplitter()
    assert [len(line) for _ in range(3) for line in splitter.feed("x" * (MAX_PENDING // 2))] == [MAX_PENDING]
