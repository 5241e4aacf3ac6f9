"""Runs of events as they are cut and split for viewers: the same bytes, the same tags, nothing between."""

import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.domain.position import chain
from headway.domain.stored_lines import Deflated, text_of
from headway.errors import JournalCorrupt
from headway.ports import Segment
from headway.protocol.codec import encode_events, lines_of
from headway.protocol.deflate import Inflater
from headway.protocol.frames import SimpleFramer, messages
from headway.protocol.messages import Ev
from headway.services.chunk import CHUNK_EVENTS, FRAME_BYTES, MIN_DEFLATED_BYTES, Chunk, split

FRAMER = SimpleFramer("01KAQ8V3S8T2M4N6P8R0T2V4X6", "audit")
sizes = st.lists(st.sampled_from([10, 90, 200, 20_000, 60_000]), min_size=1, max_size=60)


def segments_of(lengths: list[list[int]], first_seq: int = 1) -> list[Segment]:
    """One segment a list, one line a length."""
    made: list[Segment] = []
    seq, tag = first_seq, 7
    for each in lengths:
        body = b"".join(b"%d:" % (seq + n) + b"x" * length + b"\n" for n, length in enumerate(each))
        made.append(Segment(seq, seq + len(each) - 1, tag, chain(tag, body), body))
        seq, tag = seq + len(each), made[-1].tag_after
    return made


@given(st.lists(sizes, min_size=1, max_size=6))
def test_split_keeps_every_line_in_chained_chunks_within_the_limits(lengths: list[list[int]]) -> None:
    segments = segments_of(lengths)
    found = split(segments, FRAMER)

    assert b"".join(chunk.body for chunk in found) == b"".join(segment.body for segment in segments)
    after, tag = 0, 7
    for chunk in found:
        count = len(lines_of(chunk.body))
        assert (chunk.after, chunk.upto, chunk.tag_before) == (after, after + count, tag)
        assert chunk.tag == chain(tag, chunk.body)
        assert count <= CHUNK_EVENTS
        assert count == 1 or len(chunk.body) <= FRAME_BYTES
        after, tag = chunk.upto, chunk.tag


def test_small_segments_become_one_chunk_and_no_chunk_has_more_than_256_events() -> None:
    found = split(segments_of([[10]] * 600), FRAMER)

    assert [chunk.upto - chunk.after for chunk in found] == [256, 256, 88]


def test_lines_that_do_not_match_their_tag_are_not_given_out() -> None:
    (segment,) = segments_of([[10, 10]])
    forged = Segment(1, 2, segment.tag_before, segment.tag_after, segment.body.replace(b"x", b"y", 1))

    with pytest.raises(JournalCorrupt):
        split([forged], FRAMER)


@given(sizes, st.data())
def test_a_cut_starts_where_the_viewer_is_and_ends_within_its_limits(
    lengths: list[int], data: st.DataObject
) -> None:
    (segment,) = segments_of([lengths], first_seq=11)
    chunk = Chunk(
        10,
        segment.last_seq,
        tag_before=segment.tag_before,
        tag=segment.tag_after,
        lines=segment.body,
        framer=FRAMER,
    )
    after = data.draw(st.integers(10, chunk.upto - 1))
    max_events, max_bytes = data.draw(st.integers(1, 80)), data.draw(st.integers(1, 100_000))
    cut = chunk.cut(after, max_events=max_events, max_bytes=max_bytes)

    lines = lines_of(segment.body)[after - 10 :]
    count = cut.upto - cut.after
    body = text_of(cut.lines)
    assert lines_of(body) == lines[:count]
    assert 1 <= count <= max_events
    assert count == 1 or len(body) <= max_bytes
    assert cut.tag_before == chain(segment.tag_before, segment.body[: -len(b"".join(lines)) - len(lines)])
    assert cut.tag_after == chain(cut.tag_before, body)
    # Nothing more would have fitted.
    assert count == max_events or cut.upto == chunk.upto or len(body + lines[count]) + 1 > max_bytes


def test_short_frames_are_not_compressed() -> None:
    header = Ev(x="audit", after=0, upto=1, cur="9f3a01bc.1.02f4f26a", n=1)
    longest = MIN_DEFLATED_BYTES - len(encode_events(header, b"1:\n")) - 1
    frames: list[list[tuple[bool, bytes]]] = []
    for length in (longest, longest + 1):
        (chunk,) = split(segments_of([[length]]), FRAMER)
        frames.append(list(messages(chunk.ev_frame(header, deflated=True).frame)))

    assert [is_text for ((is_text, _),) in frames] == [True, False]
    assert len(frames[0][0][1]) == MIN_DEFLATED_BYTES - 1


def test_a_segment_that_makes_one_frame_is_shown_as_it_is_stored() -> None:
    """No line of it is looked at, and its bytes are not copied."""
    segments = segments_of([[200] * 250, [200] * 250])
    found = split(segments, FRAMER)

    assert [chunk.upto for chunk in found] == [250, 500]
    assert [chunk.body for chunk in found] == [segment.body for segment in segments]
    assert found[0].body is segments[0].body


@pytest.mark.parametrize("level", [1, 6, 9])
def test_a_compressed_segment_is_sent_compressed_as_it_is(level: int) -> None:
    """What inflates is the header line and then the stored lines, as in every other frame."""
    (plain,) = segments_of([[90] * 200])
    packed = zlib.compress(plain.body, level, -zlib.MAX_WBITS)
    (chunk,) = split([msgspec.structs.replace(plain, lines=Deflated(packed, len(plain.body)))], FRAMER)
    header = Ev(x="audit", after=0, upto=200, cur="9f3a01bc.200.02f4f26a", n=200)

    ((is_text, payload),) = messages(chunk.ev_frame(header, deflated=True).frame)
    assert not is_text
    assert packed in payload
    assert Inflater().read(payload) == encode_events(header, plain.body)
    ((is_text, payload),) = messages(chunk.ev_frame(header, deflated=False).frame)
    assert is_text
    assert payload == encode_events(header, plain.body)


def test_compressed_segments_that_do_not_follow_each_other_are_not_given_out() -> None:
    """Nobody computes the tag over them."""
    first, second = (
        msgspec.structs.replace(plain, lines=Deflated(zlib.compress(plain.body, 6, -15), len(plain.body)))
        for plain in segments_of([[90] * 250, [90] * 250])
    )
    assert [chunk.lines for chunk in split([first, second], FRAMER)] == [first.lines, second.lines]
    with pytest.raises(JournalCorrupt, match="does not follow"):
        split([first, msgspec.structs.replace(second, tag_before=second.tag_before ^ 1)], FRAMER)
