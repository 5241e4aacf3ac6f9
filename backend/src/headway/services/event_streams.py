"""The log for clients without a WebSocket: pages that wait for their events, and streams of them.

Both wait on the shared tail of the execution and hold no thread, no read and no queue meanwhile; a stream is
a cursor that goes on at the pace of its peer.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import msgspec

from headway.domain.execution import State
from headway.domain.identifiers import ExecutionId
from headway.domain.position import Cursor, chain
from headway.domain.stored_lines import text_of
from headway.errors import PositionLost, TooManyConnections
from headway.ports import ExecutionRecord, Journal
from headway.protocol.close_codes import CloseCode
from headway.protocol.messages import Why
from headway.protocol.resume import Reset, decide
from headway.services.chunk import Chunk, read_chunk
from headway.services.executions import Executions
from headway.services.states import load_state
from headway.services.tail import Tail
from headway.services.tails import Tails
from headway.services.views import EventsView

MAX_WAITING = 5_000  # pages and streams together
HEARTBEAT_S = 15.0
PIECE_BYTES = 32 << 10  # of stored lines, that one peer is written at a time
PIECE_EVENTS = 256
RETRY_MS = 1_000
COMMENT = b": still here\n\n"

Write = Callable[[bytes], Awaitable[None]]
_WHYS = {
    "epoch": "the log was written anew",
    "ahead": "the log does not reach this far: an older copy was restored",
    "trimmed": "retention has removed what follows",
    "fork": "the log has another history there: an older copy was restored",
}


class ResetView(msgspec.Struct, kw_only=True):
    """Why continuity cannot be proven, and the state to begin anew with, exact at `cursor`."""

    why: str
    cursor: str
    state: State


class EndView(msgspec.Struct, kw_only=True):
    """The log is closed, and `cursor` is its end."""

    cursor: str
    status: str


@dataclass(frozen=True, slots=True)
class Start:
    """Where a stream begins: `cursor`, proven or with the reason why it is another than was asked for."""

    record: ExecutionRecord
    cursor: Cursor
    reset: ResetView | None = None

    @property
    def is_at_end(self) -> bool:
        """Nothing follows, ever."""
        head = self.record.head
        return head.closed and self.cursor.seq == head.last_seq


class _Listening:
    """Hears of a tail's growth: a `Watcher` that reads when it likes."""

    def __init__(self, tail: Tail) -> None:
        self.tail = tail
        self.is_over = False
        self._moved = asyncio.Event()

    def given(self, chunk: Chunk) -> None:
        self._moved.set()

    def missed(self, upto: int) -> None:
        self._moved.set()

    def end(self, code: CloseCode, reason: str) -> None:
        self.is_over = True
        self._moved.set()

    async def beyond(self, seq: int, within_s: float) -> bool:
        """Wait until the tail has got beyond `seq` or cannot; false if neither happens in time."""
        try:
            async with asyncio.timeout(within_s):
                while self.tail.head <= seq and not (self.tail.is_closed or self.is_over):
                    await self._moved.wait()
                    self._moved.clear()
        except TimeoutError:
            return False
        return True


class EventStreams:
    """Serves pages and streams of events on the event loop of `tails`.

    Args:
        executions: Where pages come from.
        tails: Tell of growth, and read in their threads.
        max_waiting: Further pages that wait and streams are refused.
        heartbeat_s: Silence after which a comment says that a stream's connection lives.
    """

    def __init__(
        self,
        executions: Executions,
        tails: Tails,
        *,
        max_waiting: int = MAX_WAITING,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._executions = executions
        self._journal = executions.journal
        self._tails = tails
        self._max_waiting = max_waiting
        self._heartbeat_s = heartbeat_s
        self._written: WeakKeyDictionary[Chunk, bytes] = WeakKeyDictionary()
        self.waiting = 0

    async def page(
        self, execution_id: ExecutionId, position: int | Cursor, *, limit: int, wait_s: float = 0.0
    ) -> EventsView:
        """Events after a position; if there are none yet, those that come within `wait_s`.

        Raises:
            ExecutionNotFound: There is no such execution.
            PositionLost: The log cannot be continued from there; `why` says the reason.
            TooManyConnections: Too many wait.
        """
        start = await self._tails.read(proven_start, self._journal, execution_id, position)
        after = start.cursor.seq
        page = await self._tails.read(self._executions.events, execution_id, after, limit)
        if page.events or page.closed or wait_s <= 0:
            return page
        async with self._listening(start.record) as listening:
            # What came while nobody listened is in this second page.
            page = await self._tails.read(self._executions.events, execution_id, after, limit)
            if page.events or page.closed or not await listening.beyond(after, wait_s):
                return page
        return await self._tails.read(self._executions.events, execution_id, after, limit)

    async def find(self, execution_id: ExecutionId, position: int | Cursor) -> Start:
        """Where a stream begins; with the state, if it cannot be where it was asked for.

        Raises:
            ExecutionNotFound: There is no such execution.
            TooManyConnections: Too many wait.
        """
        self._check_room()
        return await self._tails.read(find_start, self._journal, execution_id, position)

    async def follow(self, start: Start, write: Write) -> None:
        """Write Server-Sent Events until the end of the log; ends early where the log is not what it was.

        Args:
            start: Where to begin.
            write: Takes what it is given in its own time; nothing is read ahead meanwhile.

        Raises:
            TooManyConnections: Too many wait.
        """
        async with self._listening(start.record) as listening:
            await write(b"retry: %d\n\n" % RETRY_MS)
            if start.reset is not None:
                await write(_event("reset", start.cursor, start.reset))
            tail, cursor, is_closed = listening.tail, start.cursor, start.is_at_end
            tail.notice((await self._record(tail)).head.last_seq)  # what came while nobody listened
            while not is_closed:
                if cursor.seq >= tail.head and not (tail.is_closed or listening.is_over):
                    if not await listening.beyond(cursor.seq, self._heartbeat_s):
                        await write(COMMENT)
                    continue
                chunk = tail.chunk_after(cursor.seq) or await self._tails.read(self._read, tail, cursor.seq)
                text, reached = self._text(chunk, cursor) if chunk is not None else (None, cursor)
                if chunk is None or text is None:
                    return  # another history, or none: the client comes back, and is told so
                await write(text)
                cursor, is_closed = reached, chunk.closes and reached.seq == chunk.upto
            status = (await self._record(tail)).summary.status
            await write(_event("end", cursor, EndView(cursor=str(cursor), status=status)))

    async def _record(self, tail: Tail) -> ExecutionRecord:
        return await self._tails.read(self._journal.get, tail.execution_id)

    def _read(self, tail: Tail, after: int) -> Chunk | None:
        return read_chunk(
            self._journal,
            tail.framer,
            tail.execution_id,
            after,
            max_bytes=PIECE_BYTES,
            max_events=PIECE_EVENTS,
        )

    def _text(self, chunk: Chunk, cursor: Cursor) -> tuple[bytes | None, Cursor]:
        """What follows the cursor in this chunk, and the cursor behind it; no text if the tags disagree."""
        cut = chunk.cut(cursor.seq, max_events=PIECE_EVENTS, max_bytes=PIECE_BYTES)
        if cut.tag_before != cursor.tag:
            return None, cursor
        reached = Cursor(cursor.epoch, cut.upto, cut.tag_after)
        if cut.lines is not chunk.lines:
            return events_text(cursor, text_of(cut.lines)), reached
        text = self._written.get(chunk)
        if text is None:
            text = self._written[chunk] = events_text(cursor, chunk.body)
        return text, reached

    def _check_room(self) -> None:
        if self.waiting >= self._max_waiting:
            raise TooManyConnections(f"{self._max_waiting:,} requests wait for events already; try later")

    @asynccontextmanager
    async def _listening(self, record: ExecutionRecord) -> AsyncIterator[_Listening]:
        self._check_room()
        listening = _Listening(self._tails.open(record))
        listening.tail.join(listening)
        listening.tail.join_head(listening)
        self.waiting += 1
        try:
            yield listening
        finally:
            self.waiting -= 1
            if listening.tail.leave(listening):
                self._tails.release(listening.tail)


def find_start(journal: Journal, execution_id: ExecutionId, position: int | Cursor) -> Start:
    """Decide where a reader goes on; blocking.

    Args:
        journal: Whose log.
        execution_id: Of the reader.
        position: A cursor, which is proven, or a seq alone, which is believed.

    Raises:
        ExecutionNotFound: There is no such execution.
    """
    record = journal.get(execution_id)
    head = record.head
    seq = position if isinstance(position, int) else position.seq
    try:
        tag = journal.tag_at(execution_id, seq)
    except PositionLost:
        tag = None
    cursor = Cursor(head.epoch, seq, tag or 0) if isinstance(position, int) else position
    decision = decide(cursor, head, tag=tag, mode="full")
    if isinstance(decision, Reset):
        return Start(record, head.cursor, _reset(journal, record, decision.why))
    return Start(record, cursor)


def proven_start(journal: Journal, execution_id: ExecutionId, position: int | Cursor) -> Start:
    """Where a reader goes on, as `find_start` says, that must not begin anew; blocking.

    Raises:
        ExecutionNotFound: There is no such execution.
        PositionLost: The log cannot be continued from there; `why` says the reason.
    """
    start = find_start(journal, execution_id, position)
    if start.reset is None:
        return start
    told = f"{_WHYS[start.reset.why]}; begin with the state"
    raise PositionLost(told, why=start.reset.why, cursor=start.reset.cursor)


def events_text(cursor: Cursor, body: bytes) -> bytes:
    """Stored lines that follow `cursor` as Server-Sent Events, each with the cursor behind it as its id."""
    tag, pieces = cursor.tag, list[bytes]()
    for seq, line in enumerate(body.split(b"\n")[:-1], cursor.seq + 1):
        tag = chain(tag, line + b"\n")
        pieces.append(b"id: %b.%d.%08x\ndata: %b\n\n" % (cursor.epoch.encode(), seq, tag, line))
    return b"".join(pieces)


def _reset(journal: Journal, record: ExecutionRecord, why: Why) -> ResetView:
    state = load_state(journal, record.execution_id, record.head.last_seq)
    return ResetView(why=why, cursor=str(record.head.cursor), state=state)


def _event(name: str, cursor: Cursor, data: msgspec.Struct) -> bytes:
    return b"event: %b\nid: %b\ndata: %b\n\n" % (
        name.encode(),
        str(cursor).encode(),
        msgspec.json.encode(data),
    )
