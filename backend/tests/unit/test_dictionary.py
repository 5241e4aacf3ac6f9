"""What frames of one execution are packed with: when it is made, of what, and what it is worth."""

from itertools import count

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.protocol.codec import encode, encode_events
from headway.protocol.deflate import MAX_DICTIONARY_BYTES, MAX_NUMBER
from headway.protocol.frames import SimpleFramer
from headway.protocol.messages import Ev
from headway.services.chunk import Chunk
from headway.services.dictionary import LINES_BYTES, MIN_LINES, RENEWED_AFTER, Dictionary, Primer, deflated

EXECUTION, WORKFLOW = "01KAQ8V3S8T2M4N6P8R0T2V4X6", "audit"


def line(seq: int, message: str = "audited row") -> bytes:
    """A log line, as it is stored."""
    return (
        b'{"seq":%d,"kind":"log","type":"log","timestamp":"2026-11-22T21:30:%02d.%06dZ","data":{"level":"INFO",'
        b'"message":"%s %d","logger":"","stream":"stdout","step_id":"audit#1"}}\n'
        % (seq, seq % 60, seq * 7_919 % 1_000_000, message.encode(), seq * 31)
    )


def lines(after: int, size: int) -> bytes:
    return b"".join(line(after + 1 + n) for n in range(size))


def header(after: int, size: int, x: str = EXECUTION) -> Ev:
    upto = after + size
    return Ev(x=x, after=after, upto=upto, cur=f"9f3a01bc.{upto}.{after * 7_919:08x}", n=size)


def test_there_is_none_before_enough_lines_were_seen_and_then_the_same_one() -> None:
    primer = Primer(WORKFLOW, EXECUTION)

    assert primer.dictionary_for(header(0, MIN_LINES - 1), lines(0, MIN_LINES - 1)) is None
    assert primer.dictionary_for(header(7, 3), lines(7, 3)) is None, (
        "the frame that completes it goes without"
    )
    made = primer.dictionary_for(header(10, 5), lines(10, 5))
    assert made is not None
    assert made.text.startswith(lines(0, 10)), "lines of all the frames before"
    assert primer.dictionary_for(header(15, 100), lines(15, 100)) is made
    assert primer.dictionary_for(header(10, 5, WORKFLOW), lines(10, 5)) is made, "whatever it is called"


def test_a_run_that_two_names_are_framed_for_is_looked_at_once() -> None:
    primer = Primer(WORKFLOW, EXECUTION)
    for x in (WORKFLOW, EXECUTION):
        assert primer.dictionary_for(header(0, 5, x), lines(0, 5)) is None
    assert primer.dictionary_for(header(5, 3), lines(5, 3)) is None
    made = primer.dictionary_for(header(8, 1), lines(8, 1))

    assert made is not None
    assert made.text.count(line(1)) == 1


@given(st.lists(st.integers(0, 3_000), min_size=1, max_size=40), st.integers(1, 12))
def test_it_holds_the_last_whole_lines_and_what_a_frame_begins_with(sizes: list[int], at_once: int) -> None:
    primer = Primer(WORKFLOW, EXECUTION)
    seq, seen, made = 0, list[bytes](), None
    for start in range(0, len(sizes), at_once):
        some = [b"%d " % n + b"x" * n + b"\n" for n in sizes[start : start + at_once]]
        made = made or primer.dictionary_for(header(seq, len(some)), b"".join(some))
        if made is not None:
            break
        seen, seq = seen + some, seq + len(some)
    if made is None:
        return

    held = made.text[: made.text.index(b'{"t":"ev"')]
    assert held.count(b"\n") >= MIN_LINES
    assert b"".join(seen).endswith(held)
    assert len(held) <= LINES_BYTES
    assert len(made.text) <= MAX_DICTIONARY_BYTES
    heads = made.text[len(held) :].splitlines()
    assert [msgspec.json.decode(head, type=Ev).x for head in heads] == [WORKFLOW, EXECUTION]


def test_the_longest_names_leave_it_within_what_a_client_takes() -> None:
    primer = Primer("w" * 128, "x" * 128)
    most = (1 << 53) - 1
    head = Ev(x="w", after=most - 32, upto=most, cur=f"9f3a01bc.{most}.ffffffff", n=32)
    body = (b"y" * (LINES_BYTES // 16 - 1) + b"\n") * 32
    primer.dictionary_for(head, body)
    made = primer.dictionary_for(head, body)

    assert made is not None
    assert len(made.text) > LINES_BYTES + 2 * 128
    assert len(made.text) <= MAX_DICTIONARY_BYTES


def test_it_is_renewed_now_and_then_as_what_is_logged_changes() -> None:
    primer = Primer(WORKFLOW, EXECUTION)
    primer.dictionary_for(header(0, 10), lines(0, 10))
    first = primer.dictionary_for(header(10, 10), lines(10, 10))
    assert first is primer.dictionary_for(header(20, 4_000), lines(20, 10))
    later = 10 + RENEWED_AFTER - 10
    assert primer.dictionary_for(header(later, 10), lines(later, 10)) is first
    second = primer.dictionary_for(header(later + 10, 10), lines(later + 10, 10))

    assert first is not None
    assert second is not None
    assert first.number != second.number
    assert line(later + 1) in second.text
    assert line(1) not in second.text


def test_no_two_executions_share_one() -> None:
    made: list[Dictionary] = []
    for execution, message in (("A", "of the one"), ("B", "of the other")):
        primer = Primer(WORKFLOW, execution)
        body = b"".join(line(seq, message) for seq in range(1, 9))
        primer.dictionary_for(header(0, 8), body)
        dictionary = primer.dictionary_for(header(8, 8), body)
        assert dictionary is not None
        made.append(dictionary)

    assert made[0].number != made[1].number
    assert b"of the one" not in made[1].text
    assert b"of the other" not in made[0].text


def test_ten_lines_take_about_half_of_what_they_take_alone() -> None:
    primer = Primer(WORKFLOW, EXECUTION)
    primer.dictionary_for(header(0, 10), lines(0, 10))
    dictionary = primer.dictionary_for(header(10, 10), lines(10, 10))
    assert dictionary is not None
    text = encode_events(header(5_000, 10), lines(5_000, 10))

    assert len(deflated(text, dictionary)) < 0.65 * len(deflated(text))
    assert len(dictionary.frame) < 700


def test_a_chunk_says_which_dictionary_its_frame_needs() -> None:
    """A frame that goes as text needs none, nor does one for a viewer that does not inflate."""
    primer = Primer(WORKFLOW, EXECUTION)

    def chunk(after: int, size: int) -> Chunk:
        return Chunk(
            after,
            after + size,
            tag_before=1,
            tag=2,
            lines=lines(after, size),
            framer=SimpleFramer(EXECUTION, WORKFLOW),
            primer=primer,
        )

    first, short, long = chunk(0, 10), chunk(10, 1), chunk(11, 10)
    assert first.ev_frame(header(0, 10), deflated=True).needs is None
    assert short.ev_frame(header(10, 1), deflated=True).needs is None
    assert long.ev_frame(header(11, 10), deflated=False).needs is None
    needed = long.ev_frame(header(11, 10), deflated=True).needs
    assert needed is not None
    assert long.ready_frame(EXECUTION, deflated=True) is long.ev_frame(header(11, 10), deflated=True)
    assert encode(header(0, 10)) in needed.text


def test_numbers_begin_again_once_all_were_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number has 31 bits, and 0 stands for none."""
    monkeypatch.setattr("headway.services.dictionary._numbers", count(MAX_NUMBER - 1))
    made: list[int] = []
    for _ in range(2):
        primer = Primer(WORKFLOW, EXECUTION)
        primer.dictionary_for(header(0, 10), lines(0, 10))
        dictionary = primer.dictionary_for(header(10, 10), lines(10, 10))
        assert dictionary is not None
        made.append(dictionary.number)

    assert made == [MAX_NUMBER, 1]
