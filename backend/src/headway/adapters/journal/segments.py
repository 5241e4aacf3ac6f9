"""Cutting segments at event boundaries; knows lines and tags, not where segments are kept."""

from collections.abc import Iterable, Sequence

from headway.domain.position import chain
from headway.errors import JournalCorrupt
from headway.ports import Segment

ENOUGH_BYTES = 16 << 10  # for a page that would have to cut a segment to be fuller


def cut_start(segment: Segment, after: int) -> Segment:
    """The part of `segment` behind seq `after`, with its `tag_before` recomputed."""
    if after < segment.first_seq:
        return segment
    offset = _offset_of_line(segment.body, after - segment.first_seq + 1)
    tag = chain(segment.tag_before, segment.body[:offset])
    return Segment(after + 1, segment.last_seq, tag, segment.tag_after, segment.body[offset:])


def cut_end(segment: Segment, last_seq: int) -> Segment:
    """The part of `segment` up to seq `last_seq`, with its `tag_after` recomputed."""
    if last_seq >= segment.last_seq:
        return segment
    body = segment.body[: _offset_of_line(segment.body, last_seq - segment.first_seq + 1)]
    return Segment(segment.first_seq, last_seq, segment.tag_before, chain(segment.tag_before, body), body)


def page(segments: Iterable[Segment], after: int, *, max_events: int, max_bytes: int) -> list[Segment]:
    """Take the events after `after` from consecutive segments, until a limit is reached.

    Always takes one event if there is one; looks at no segment that it does not need.
    """
    taken: list[Segment] = []
    events_left, bytes_left = max(1, max_events), max_bytes
    for whole in segments:
        segment = cut_start(whole, after)
        if len(segment.lines) > bytes_left and max_bytes - bytes_left >= ENOUGH_BYTES:
            break  # the next page begins with this segment as it is: cutting is what a page costs most
        fitting = min(events_left, _events_within(segment, bytes_left))
        if not taken:
            fitting = max(1, fitting)
        if fitting == 0:
            break
        piece = cut_end(segment, segment.first_seq + fitting - 1)
        taken.append(piece)
        events_left -= piece.last_seq - piece.first_seq + 1
        bytes_left -= len(piece.lines)
        if events_left <= 0 or bytes_left <= 0 or piece is not segment:
            break
    return taken


def join(segments: Sequence[Segment]) -> Segment:
    """Consecutive segments as one.

    Raises:
        JournalCorrupt: They do not follow each other, or do not match their tags.
    """
    first, last = segments[0], segments[-1]
    body = b"".join(segment.body for segment in segments)
    events = last.last_seq - first.first_seq + 1
    if body.count(b"\n") != events or chain(first.tag_before, body) != last.tag_after:
        raise JournalCorrupt(f"the events {first.first_seq} to {last.last_seq} do not match their tags")
    return Segment(first.first_seq, last.last_seq, first.tag_before, last.tag_after, body)


def _events_within(segment: Segment, max_bytes: int) -> int:
    if len(segment.lines) <= max_bytes:
        return segment.last_seq - segment.first_seq + 1
    return segment.body.count(b"\n", 0, max(0, max_bytes))


def _offset_of_line(body: bytes, index: int) -> int:
    parts = body.split(b"\n", index)
    if len(parts) <= index:
        raise JournalCorrupt("a segment holds fewer lines than its seqs say")
    return len(body) - len(parts[-1])
