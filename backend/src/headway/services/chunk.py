"""A run of events as all viewers of an execution share it: read once, framed once for each wire form."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from headway.domain.events import Totals
from headway.domain.identifiers import ExecutionId
from headway.domain.position import chain
from headway.errors import JournalCorrupt
from headway.ports import EventLog, Head, Segment
from headway.protocol.codec import encode, encode_events, seal_of
from headway.protocol.deflate import stream_frame
from headway.protocol.effects import Piece
from headway.protocol.frames import SimpleFramer, text_frame
from headway.protocol.messages import Ev
from headway.protocol.simple import is_closing
from headway.services.dictionary import Dictionary, Primer, deflated

CHUNK_BYTES = 48 << 10  # of stored lines, which makes about 64 KiB of frames
CHUNK_EVENTS = 256
FRAME_BYTES = 64 << 10  # of stored lines, at most, in a frame of rich mode
MIN_DEFLATED_BYTES = 1 << 10  # shorter frames go as text


@dataclass(frozen=True, slots=True)
class EvFrame:
    """An `ev` frame, shared by all whom it is for."""

    frame: bytes
    needs: Dictionary | None = None  # without which it cannot be read


@dataclass(frozen=True, slots=True)
class SimplePiece:
    """The events `after` + 1 … `upto` as joined simple-mode frames for one viewer."""

    after: int
    upto: int
    frames: bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """The part of a chunk that one viewer may have: `(after, upto]`."""

    after: int
    upto: int
    tag_before: int
    tag_after: int
    body: bytes


class Chunk:
    """The events `after` + 1 … `upto`: `body` is their stored lines; immutable, frames are made when wanted.

    Args:
        tag_before: The log's chained tag at `after`; `tag` the one at `upto`.
        framer: Makes the simple-mode frames.
        packed: The lines as the store holds them compressed (zlib), where it does.
        primer: Has the dictionary that its compressed frames may be packed with.
    """

    def __init__(
        self,
        after: int,
        upto: int,
        *,
        tag_before: int,
        tag: int,
        body: bytes,
        framer: SimpleFramer,
        packed: bytes | None = None,
        primer: Primer | None = None,
    ) -> None:
        self.after, self.upto = after, upto
        self.tag_before, self.tag = tag_before, tag
        self.body = body
        self.closes = is_closing(body)
        self.framer = framer
        self._packed = packed
        self._primer = primer
        self._ev_frames: dict[tuple[str, bool], EvFrame] = {}

    @property
    def held_bytes(self) -> int:
        """About what it takes: the lines, and the frames of one wire form."""
        return 2 * len(self.body)

    @cached_property
    def frames(self) -> bytes:
        """The simple-mode frames, joined for one write."""
        return self.framer.frames(self.body)

    @cached_property
    def seal(self) -> Totals | None:
        """What the terminal event says, if it is the last one here."""
        return seal_of(self.body[self.body.rfind(b"\n", 0, -1) + 1 : -1]) if self.closes else None

    def prepare(self) -> None:
        """Make the simple-mode frames now, in the thread that reads."""
        _ = self.frames

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
        if deflated and self._packed is not None:
            return EvFrame(packed_frame(encode(header) + b"\n", self._packed))
        text = encode_events(header, self.body)
        if not deflated or len(text) < MIN_DEFLATED_BYTES:
            return EvFrame(text_frame(text))
        dictionary = None if self._primer is None else self._primer.dictionary_for(header, self.body)
        return deflated_frame(text, dictionary)

    def whole(self, head: Head) -> Piece:
        """All of it, for a viewer at `after`."""
        cut = Cut(self.after, self.upto, self.tag_before, self.tag, self.body)
        return piece_of(cut, self.seal, head)

    def cut(self, after: int, *, max_events: int, max_bytes: int) -> Cut:
        """What follows `after` (which lies within), at least one event, else within the limits."""
        body, start = self.body, 0
        if after == self.after and self.upto - after <= max_events and len(body) <= max_bytes:
            return Cut(after, self.upto, self.tag_before, self.tag, body)
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

    A segment that makes one frame is left as it is, and costs no work for each line.

    Raises:
        JournalCorrupt: The lines are not those that the tags were computed over.
    """
    chunks: list[Chunk] = []
    tag = segments[0].tag_before if segments else 0
    for run in _runs(segments):
        body = run[0].body if len(run) == 1 else b"".join(segment.body for segment in run)
        start, after = 0, run[0].first_seq - 1
        while start < len(body):
            is_whole = start == 0 and _makes_one_frame(run, len(body))
            end, upto = (len(body), run[-1].last_seq) if is_whole else _end_of_chunk(body, start, after)
            lines = body[start:end]
            tag_after = chain(tag, lines)
            packed = run[0].packed if is_whole and len(run) == 1 else None
            chunks.append(
                Chunk(after, upto, tag_before=tag, tag=tag_after, body=lines, framer=framer, packed=packed)
            )
            start, after, tag = end, upto, tag_after
        if tag != run[-1].tag_after:
            raise JournalCorrupt("the lines of a segment do not match its tag")
    return chunks


def _runs(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    """Segments that are shown together: small ones with those behind them, each other by itself."""
    run: list[Segment] = []
    size = 0
    for segment in segments:
        size += len(segment.body)
        if run and (size > CHUNK_BYTES or segment.last_seq - run[0].first_seq >= CHUNK_EVENTS):
            yield run
            run, size = [], len(segment.body)
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


def piece_of(cut: Cut, seal: Totals | None, head: Head) -> Piece:
    """What a session is answered with; `seal` where the chunk that was cut ends with the terminal event."""
    return Piece(
        epoch=head.epoch,
        after=cut.after,
        upto=cut.upto,
        tag_before=cut.tag_before,
        tag_after=cut.tag_after,
        body=cut.body,
        count=cut.upto - cut.after,
        head=head,
        seal=seal if head.closed and cut.upto == head.last_seq else None,
    )


def deflated_frame(text: bytes, dictionary: Dictionary | None = None) -> EvFrame:
    """The frame of a viewer that inflates: binary, of raw deflate (RFC 1951)."""
    number = 0 if dictionary is None else dictionary.number
    return EvFrame(stream_frame(deflated(text, dictionary), number), dictionary)


def packed_frame(head: bytes, packed: bytes) -> bytes:
    """The same where the lines are compressed already: `head` becomes a stored block before theirs.

    Args:
        head: At most 65,535 bytes.
        packed: A zlib stream (RFC 1950), whose own two bytes of header and four of checksum are left out.
    """
    size = len(head)
    block = b"\x00" + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little") + head
    return stream_frame(block + packed[2:-4])


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
        body=body,
        framer=framer,
        primer=primer,
    )
