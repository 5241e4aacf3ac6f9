"""What subscriptions of rich mode read from the journal; blocking, and without a word about connections."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from headway.domain.events import Totals
from headway.domain.identifiers import ExecutionId, WorkflowId, is_execution_id
from headway.domain.position import Cursor
from headway.errors import ExecutionNotFound, InvalidMessage, PositionLost, UnavailableError
from headway.ports import ExecutionRecord, Head, Journal
from headway.protocol.codec import kind_of, lines_of, seal_of
from headway.protocol.conflation import conflate
from headway.protocol.effects import Follow, Piece, ReadEvents
from headway.protocol.frames import SimpleFramer
from headway.services.chunk import CHUNK_BYTES, Chunk, Cut, piece_of, split
from headway.services.states import encode_state, load_state
from headway.services.subscription import begin_of_workflow

MAX_SNAPSHOT_LOG_BYTES = 256 << 10
MAX_SNAPSHOT_SCAN = 16_384  # events looked through for the last log lines
CONFLATED_READ_BYTES = 1 << 20
READ_BYTES = 16 * CHUNK_BYTES  # about what a viewer may be sent at once; a count of events would cut segments


@dataclass(frozen=True, slots=True)
class Target:
    """What `x` names: its execution, and the log's tag at the cursor asked for (`None` if it has none)."""

    record: ExecutionRecord
    tag: int | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state as JSON, exact at `cursor`, and the stored lines of the last log events up to it."""

    cursor: Cursor
    state: bytes
    logs: list[bytes]


@dataclass(frozen=True, slots=True)
class Page:
    """A chunk that was read from the store, with the head as it was then.

    Args:
        read_upto: Where the chunks end that were read with it.
    """

    head: Head
    chunk: Chunk
    read_upto: int


def find_target(journal: Journal, request: Follow) -> Target | None:
    """Find what a subscription names; `None` for a workflow that has never run.

    Raises:
        WorkflowNotFound, ExecutionNotFound: There is no such thing.
        InvalidMessage: The request contradicts itself.
    """
    wanted = ExecutionId(request.execution_id) if request.execution_id is not None else None
    record: ExecutionRecord | None
    if not is_execution_id(request.x):
        record = begin_of_workflow(journal, WorkflowId(request.x), wanted)
    elif wanted in (None, request.x):
        record = journal.get(ExecutionId(request.x))
    else:
        raise InvalidMessage("execution_id contradicts x", field="execution_id")
    if record is None:
        return None
    return Target(record, _tag_at(journal, record, request.cursor))


def holds(journal: Journal, execution_id: ExecutionId, seq: int, tag: int) -> bool:
    """The log has this tag at this seq."""
    try:
        return journal.tag_at(execution_id, seq) == tag
    except PositionLost:
        return False


def read_snapshot(journal: Journal, execution_id: ExecutionId, upto: int, tail: int) -> Snapshot:
    """The state at `upto`, or at the head where retention or a restore has taken that away.

    With at most `tail` log lines, and those of at most `MAX_SNAPSHOT_LOG_BYTES` together.

    Raises:
        ExecutionNotFound: There is no such execution.
        UnavailableError: No state can be made of what is left of the log.
    """
    head = journal.get(execution_id).head
    seq = upto if head.trimmed_upto <= upto <= head.last_seq else head.last_seq
    try:
        try:
            state = load_state(journal, execution_id, seq)
        except PositionLost:
            state = load_state(journal, execution_id)
        cursor = Cursor(head.epoch, state.seq, journal.tag_at(execution_id, state.seq))
        logs = _last_logs(journal, execution_id, head.trimmed_upto, state.seq, tail)
    except PositionLost as error:
        raise UnavailableError("the state of this execution cannot be read now") from error
    return Snapshot(cursor, encode_state(state), logs)


def read_pages(journal: Journal, framer: SimpleFramer, execution_id: ExecutionId, after: int) -> list[Page]:
    """Some chunks from `after` on; none at the end of the log.

    Raises:
        PositionLost: The log does not hold what follows `after`.
    """
    head = _head(journal, execution_id, after)
    segments = journal.read(execution_id, after, max_bytes=READ_BYTES)
    chunks = split(segments, framer)
    if chunks and (chunks[-1].upto > head.last_seq or (not head.closed and chunks[-1].closes)):
        head = _head(journal, execution_id, chunks[-1].upto)
    return [Page(head, chunk, chunks[-1].upto) for chunk in chunks]


def read_inflated_pages(
    journal: Journal, framer: SimpleFramer, execution_id: ExecutionId, after: int
) -> list[Page]:
    """The same for who is sent their text: it is made here, and not where frames are written."""
    pages = read_pages(journal, framer, execution_id, after)
    for page in pages:
        page.chunk.inflate()
    return pages


def read_end(journal: Journal, execution_id: ExecutionId, after: int) -> Piece:
    """That nothing follows `after`, with the seal if nothing ever will; or one event, if one does."""
    return _read(journal, execution_id, after, max_events=1, max_bytes=1, conflated_tail=None)


def read_conflated(journal: Journal, request: ReadEvents) -> Piece:
    """What a lagging viewer is given: few lines for many events, within its limits.

    Raises:
        PositionLost: The log does not hold what follows.
    """
    events = request.max_events
    while True:
        piece = _read(
            journal,
            ExecutionId(request.execution_id),
            request.after,
            max_events=events,
            max_bytes=CONFLATED_READ_BYTES,
            conflated_tail=request.tail,
        )
        covered = piece.upto - piece.after
        if len(piece.lines) <= request.max_bytes or covered <= 1:
            return piece
        events = covered // 2


def _read(
    journal: Journal,
    execution_id: ExecutionId,
    after: int,
    *,
    max_events: int,
    max_bytes: int,
    conflated_tail: int | None,
) -> Piece:
    head = _head(journal, execution_id, after)
    segments = journal.read(execution_id, after, max_events=max_events, max_bytes=max_bytes)
    body = b"".join(segment.body for segment in segments)
    if segments:
        cut = Cut(after, segments[-1].last_seq, segments[0].tag_before, segments[-1].tag_after, body)
    else:
        tag = journal.tag_at(execution_id, after)
        cut = Cut(after, after, tag, tag, body)
    if cut.upto > head.last_seq:
        head = _head(journal, execution_id, cut.upto)
    at_end = head.closed and cut.upto == head.last_seq
    piece = piece_of(cut, _seal(journal, execution_id, head, body) if at_end else None, head)
    if conflated_tail is None:
        return piece
    kept = conflate(body, tail=conflated_tail)
    return msgspec.structs.replace(piece, lines=kept.body, count=kept.count, left_out=kept.left_out)


def _head(journal: Journal, execution_id: ExecutionId, seq: int) -> Head:
    head = journal.heads([execution_id]).get(execution_id)
    if head is None:
        raise ExecutionNotFound(f"no execution {execution_id!r}", execution_id=execution_id)
    if not head.trimmed_upto <= seq <= head.last_seq:
        raise PositionLost(trimmed_upto=head.trimmed_upto, last_seq=head.last_seq)
    return head


def _seal(journal: Journal, execution_id: ExecutionId, head: Head, body: bytes) -> Totals | None:
    """Totals of the last event, from its line or, where that is gone, from the state."""
    if not body and head.last_seq > head.trimmed_upto:
        body = journal.read(execution_id, head.last_seq - 1)[-1].body
    return seal_of(lines_of(body)[-1]) if body else load_state(journal, execution_id).totals


def _tag_at(journal: Journal, record: ExecutionRecord, cursor: Cursor | None) -> int | None:
    head = record.head
    if cursor is None or not head.trimmed_upto <= cursor.seq <= head.last_seq:
        return None
    try:
        return journal.tag_at(record.execution_id, cursor.seq)
    except PositionLost:
        return None


def _last_logs(
    journal: Journal, execution_id: ExecutionId, trimmed_upto: int, upto: int, tail: int
) -> list[bytes]:
    """The last `tail` log lines up to `upto`, oldest first; read backwards, in growing steps."""
    newest_first: list[bytes] = []
    room, step, least = MAX_SNAPSHOT_LOG_BYTES, max(64, 2 * tail), max(trimmed_upto, upto - MAX_SNAPSHOT_SCAN)
    while upto > least and len(newest_first) < tail:
        after = max(least, upto - step)
        for line in reversed(_lines_between(journal, execution_id, after, upto)):
            if kind_of(line) != b"log":
                continue
            room -= len(line)
            if room < 0 or len(newest_first) == tail:
                return newest_first[::-1]
            newest_first.append(line)
        upto, step = after, 4 * step
    return newest_first[::-1]


def _lines_between(journal: Journal, execution_id: ExecutionId, after: int, upto: int) -> Sequence[bytes]:
    lines: list[bytes] = []
    wanted = upto - after
    while len(lines) < wanted:
        segments = journal.read(execution_id, after + len(lines), max_events=wanted - len(lines))
        if not segments:
            break
        for segment in segments:
            lines += lines_of(segment.body)
    return lines
