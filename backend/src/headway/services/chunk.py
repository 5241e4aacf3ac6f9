"""A run of events as all viewers of an execution share it: read once, framed once for each wire form."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from struct import Struct

import msgspec

from headway.domain.events import Totals
from headway.domain.identifiers import ExecutionId
from headway.domain.position import Cursor, chain
from headway.domain.stored_lines import Deflated, Lines, text_of
from headway.errors import JournalCorrupt
from headway.ports import EventLog, Head, Segment
from headway.protocol.codec import encode, encode_events, seal_of
from headway.protocol.deflate import stream_frame
from headway.protocol.effects import Offer, Piece
from headway.protocol.frames import SimpleFramer, text_frame, without_first
from headway.protocol.messages import Ev
from headway.protocol.simple import is_closing
from headway.services.dictionary import Dictionary, Primer, deflated

CHUNK_BYTES = 48 << 10  # of stored lines, which makes about 64 KiB of frames
CHUNK_EVENTS = 256
FRAME_BYTES = 64 << 10  # of stored lines, at most, in a frame of rich mode
MIN_DEFLATED_BYTES = 1 << 10  # shorter frames go as text
_stored_block = Struct("<BHH").pack  # of deflate: not the last one, its size and the complement


class EvFrame(msgspec.Struct, frozen=True):
    """An `ev` frame, shared by all whom it is for."""

    frame: bytes
    needs: Dictionary | None = None  # without which it cannot be read


@dataclass(frozen=True, slots=True)
class SimplePiece:
    """The events `after` + 1 … `upto` as joined simple-mode frames for one viewer."""

    after: int
    upto: int
    frames: bytes


class Cut(msgspec.Struct, frozen=True, gc=False):
    """The part of a chunk that one viewer may have: `(after, upto]`."""

    after: int
    upto: int
    tag_before: int
    tag_after: int
    lines: Lines


class Chunk:
    """The events `after` + 1 … `upto`; immutable, frames are made when wanted.

    Args:
        tag_before: The log's chained tag at `after`; `tag` the one at `upto`.
        lines: The stored lines; compressed ones are inflated once their text is wanted.
        framer: Makes the simple-mode frames.
        primer: Has the dictionary that its compressed frames may be packed with.
    """

    def __init__(
        self,
        after: int,
        upto: int,
        *,
        tag_before: int,
        tag: int,
        lines: Lines,
        framer: SimpleFramer,
        primer: Primer | None = None,
    ) -> None:
        self.after, self.upto = after, upto
        self.tag_before, self.tag = tag_before, tag
        self.lines = lines
        self.framer = framer
        self.primer = primer
        self._ev_frames: dict[tuple[str, bool], EvFrame] = {}
        self._offer: Offer | None = None

    @property
    def held_bytes(self) -> int:
        """About what it takes: the lines, and the frames of one wire form."""
        return 2 * len(self.lines)

    @cached_property
    def body(self) -> bytes:
        """The text of the lines."""
        return text_of(self.lines)

    @cached_property
    def closes(self) -> bool:
        """The last event here is the terminal one."""
        return is_closing(self.body)

    @cached_property
    def frames(self) -> bytes:
        """The simple-mode frames, joined for one write."""
        return self.framer.frames(self.body)

    @cached_property
    def seal(self) -> Totals | None:
        """What the terminal event says, if it is the last one here."""
        return seal_of(self.body[self.body.rfind(b"\n", 0, -1) + 1 : -1]) if self.closes else None

    def inflate(self) -> None:
        """Make the text of the lines now, in the thread that reads."""
        _ = self.body

    def frames_after(self, seq: int) -> bytes:
        """The simple-mode frames of the events after `seq`, which lies within."""
        return without_first(self.frames, seq - self.after) if seq > self.after else self.frames

    def simple_piece(self) -> SimplePiece:
        return SimplePiece(self.after, self.upto, self.frames)

    def ready_frame(self, x: str, *, deflated: bool) -> EvFrame | None:
        """What `ev_frame` has made for others who follow `x`."""
        return self._ev_frames.get((x, deflated))

    def ev_frame(self, header: Ev, *, deflated: bool) -> EvFrame:
        """The `ev` frame of the whole chunk: the same bytes for every viewer that names it so.

        Args:
            header: What a session says of exactly this run; sessions that follow the same `x` say the same.
            deflated: As a binary frame of raw deflate, where that is worth it.
        """
        key = (header.x, deflated)
        frame = self._ev_frames.get(key)
        if frame is None:
            frame = self._ev_frames[key] = self._made_frame(header, deflated=deflated)
        return frame

    def _made_frame(self, header: Ev, *, deflated: bool) -> EvFrame:
        if deflated and isinstance(self.lines, Deflated):
            return EvFrame(packed_frame(encode(header) + b"\n", self.lines.stream))
        if not deflated:
            return EvFrame(text_frame(encode(header), b"\n", self.body))
        text = encode_events(header, self.body)
        if len(text) < MIN_DEFLATED_BYTES:
            return EvFrame(text_frame(text))
        dictionary = None if self.primer is None else self.primer.dictionary_for(header, self.body)
        return deflated_frame(text, dictionary)

    def offer(self, epoch: str) -> Offer:
        """All of it, to those who stand before it in the log of this epoch."""
        offer = self._offer
        if offer is None:
            offer = self._offer = Offer(
                before=Cursor(epoch, self.after, self.tag_before),
                behind=Cursor(epoch, self.upto, self.tag),
                count=self.upto - self.after,
                size=len(self.lines),
                closes=self.closes,
            )
        return offer

    def piece(self, cut: Cut, head: Head) -> Piece:
        """A cut of it as a session is answered with it; only at the end of a closed log its text is read."""
        return piece_of(cut, self.seal if head.closed and cut.upto == head.last_seq else None, head)

    def cut(self, after: int, *, max_events: int, max_bytes: int) -> Cut:
        """What follows `after` (which lies within), at least one event, else within the limits."""
        if after == self.after and self.upto - after <= max_events and len(self.lines) <= max_bytes:
            return Cut(after, self.upto, self.tag_before, self.tag, self.lines)
        body, start = self.body, 0
        for _ in range(after - self.after):
            start = body.index(b"\n", start) + 1
        end, upto = body.index(b"\n", start) + 1, after + 1
        while upto < self.upto and upto - after < max_events:
            following = body.index(b"\n", end) + 1
            if following - start > max_bytes:
                break
            end, upto = following, upto + 1
        tag_before = chain(self.tag_before, body[:start])
        tag_after = self.tag if upto == self.upto else chain(tag_before, body[start:end])
        return Cut(after, upto, tag_before, tag_after, body[start:end])


def split(segments: Sequence[Segment], framer: SimpleFramer) -> list[Chunk]:
    """Consecutive segments as chunks of at most `CHUNK_EVENTS`, and of `CHUNK_BYTES` or one line.

    A segment that makes one frame is left as it is, and costs no work for each line; one that is compressed
    (which the journal has checked) stays so.

    Raises:
        JournalCorrupt: The lines are not those that the tags were computed over.
    """
    chunks: list[Chunk] = []
    for before, run in pairwise([[], *_runs(segments)]):
        if before and before[-1].tag_after != run[0].tag_before:
            raise JournalCorrupt("a segment does not follow the one before it")
        chunks += _chunks_of(run, framer)
    return chunks


def _chunks_of(run: Sequence[Segment], framer: SimpleFramer) -> Iterator[Chunk]:
    first, last = run[0], run[-1]
    after, tag = first.first_seq - 1, first.tag_before
    if len(run) == 1 and isinstance(first.lines, Deflated) and _makes_one_frame(run, len(first.lines)):
        yield Chunk(
            after, last.last_seq, tag_before=tag, tag=last.tag_after, lines=first.lines, framer=framer
        )
        return
    body, start = first.body if len(run) == 1 else b"".join(segment.body for segment in run), 0
    while start < len(body):
        is_whole = start == 0 and _makes_one_frame(run, len(body))
        end, upto = (len(body), last.last_seq) if is_whole else _end_of_chunk(body, start, after)
        lines = body[start:end]
        tag_after = chain(tag, lines)
        yield Chunk(after, upto, tag_before=tag, tag=tag_after, lines=lines, framer=framer)
        start, after, tag = end, upto, tag_after
    if tag != last.tag_after:
        raise JournalCorrupt("the lines of a segment do not match its tag")


def _runs(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    """Segments that are shown together: small ones with those behind them, each other by itself."""
    run: list[Segment] = []
    size = 0
    for segment in segments:
        size += len(segment.lines)
        if run and (size > CHUNK_BYTES or segment.last_seq - run[0].first_seq >= CHUNK_EVENTS):
            yield run
            run, size = [], len(segment.lines)
        run.append(segment)
    if run:
        yield run


def _makes_one_frame(run: Sequence[Segment], size: int) -> bool:
    return size <= FRAME_BYTES and run[-1].last_seq - run[0].first_seq < CHUNK_EVENTS


def _end_of_chunk(body: bytes, start: int, after: int) -> tuple[int, int]:
    """Where the chunk that begins at `start` ends: its offset and its last seq; no work for each line."""
    limit = start + CHUNK_BYTES
    end = len(body) if limit >= len(body) else body.rfind(b"\n", start, limit) + 1
    if end <= start:  # one line, longer than a chunk
        return body.index(b"\n", start) + 1, after + 1
    count = body.count(b"\n", start, end)
    if count > CHUNK_EVENTS:
        end -= len(body[start:end].split(b"\n", CHUNK_EVENTS)[-1])
        count = CHUNK_EVENTS
    return end, after + count


def joined(chunks: Sequence[Chunk]) -> Chunk:
    """Chunks of a tail that follow each other, as one."""
    first, last = chunks[0], chunks[-1]
    return Chunk(
        first.after,
        last.upto,
        tag_before=first.tag_before,
        tag=last.tag,
        lines=b"".join(chunk.body for chunk in chunks),
        framer=first.framer,
        primer=first.primer,
    )


def piece_of(cut: Cut, seal: Totals | None, head: Head) -> Piece:
    """What a session is answered with; `seal` where the cut ends with the terminal event."""
    return Piece(
        epoch=head.epoch,
        after=cut.after,
        upto=cut.upto,
        tag_before=cut.tag_before,
        tag_after=cut.tag_after,
        lines=cut.lines,
        count=cut.upto - cut.after,
        head=head,
        seal=seal,
    )


def deflated_frame(text: bytes, dictionary: Dictionary | None = None) -> EvFrame:
    """The frame of a viewer that inflates: binary, of raw deflate (RFC 1951)."""
    number = 0 if dictionary is None else dictionary.number
    return EvFrame(stream_frame(deflated(text, dictionary), number), dictionary)


def packed_frame(head: bytes, packed: bytes) -> bytes:
    """The same where the lines are compressed already: `head` becomes a stored block before theirs.

    Args:
        head: At most 65,535 bytes.
        packed: Raw deflate (RFC 1951).
    """
    size = len(head)
    return stream_frame(_stored_block(0, size, size ^ 0xFFFF) + head + packed)


def read_chunk(
    journal: EventLog,
    framer: SimpleFramer,
    execution_id: ExecutionId,
    after: int,
    *,
    max_bytes: int,
    max_events: int = 10_000,
    primer: Primer | None = None,
) -> Chunk | None:
    """Read what follows `after`, blocking; `None` at the end of the log."""
    segments = journal.read(execution_id, after, max_bytes=max_bytes, max_events=max_events)
    if not segments:
        return None
    body = segments[0].body if len(segments) == 1 else b"".join(segment.body for segment in segments)
    return Chunk(
        after,
        segments[-1].last_seq,
        tag_before=segments[0].tag_before,
        tag=segments[-1].tag_after,
        lines=body,
        framer=framer,
        primer=primer,
    )
