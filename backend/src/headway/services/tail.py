"""The shared end of one watched execution's log: read once, framed once, written to everyone at the head.

A `Tail` knows viewers only as something to write to; catching up is their own business.
"""

import asyncio
import logging
from bisect import bisect_right
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Protocol

from headway.domain.identifiers import ExecutionId, WorkflowId
from headway.errors import NotFound, PositionLost, UnavailableError
from headway.ports import Clock, EventLog, Head
from headway.protocol.close_codes import CloseCode
from headway.protocol.effects import Piece
from headway.protocol.frames import SimpleFramer, without_first
from headway.services.chunk import CHUNK_BYTES, CHUNK_EVENTS, Chunk, SimplePiece, read_chunk
from headway.services.dictionary import Primer

PIECE_BYTES = 32 << 10  # of frames that one catching-up viewer may hold for itself
READ_CHUNKS = 8  # in one turn of a reading thread
REST_SHARE = 0.25  # of the time a fan-out took: it is left to all else that this loop does
MAX_REST_S = 0.05
RETRY_S = 1.0

_log = logging.getLogger(__name__)


class Watcher(Protocol):
    """Whoever follows a tail."""

    def end(self, code: CloseCode, reason: str) -> None:
        """The tail cannot go on."""
        ...


class Follower(Watcher, Protocol):
    """What a tail needs to know of a simple-mode viewer."""

    @property
    def cursor(self) -> int:
        """Seq of the last event it has been given while it was not at the head."""
        ...

    def advance(self) -> None:
        """Go on from the cursor: the tail has moved, or has ended."""
        ...


class Listener(Watcher, Protocol):
    """Whoever is told that the log grew, and reads when it likes."""

    def grew(self, last_seq: int) -> None:
        """The ring reaches so far now."""
        ...


class Taker(Watcher, Protocol):
    """A subscription of rich mode: it is offered each chunk."""

    def published(self, chunk: Chunk, piece: Piece) -> None:
        """The ring reaches to the end of this chunk now; `piece` is all of it."""
        ...


class Tail:
    """Follows one execution for as long as somebody watches it.

    Args:
        journal: Read in threads of `readers`.
        execution_id: What is followed.
        workflow_id: Whose execution it is.
        epoch: Of its log.
        head: Seq to start after.
        is_closed: Nothing follows `head`, ever.
        ring_bytes: Says how many bytes of recent chunks may be kept, now.
        clock: Measures the cost of a sweep.
        readers: Threads of live reads.
    """

    def __init__(
        self,
        journal: EventLog,
        execution_id: ExecutionId,
        workflow_id: WorkflowId,
        epoch: str,
        head: int,
        *,
        is_closed: bool,
        ring_bytes: Callable[[], int],
        clock: Clock,
        readers: Executor,
    ) -> None:
        self.execution_id = execution_id
        self.workflow_id = workflow_id
        self.epoch = epoch
        self.framer = SimpleFramer(execution_id, workflow_id)
        self.head = head
        self.tag: int | None = None  # at the head, once something has been read
        self.is_closed = is_closed
        self.is_broken = False  # it could not go on: whoever comes now needs another
        self.published_at = clock.monotonic()
        self._journal = journal
        self._ring_bytes = ring_bytes
        self._clock = clock
        self._readers = readers
        self._primer = Primer(workflow_id, execution_id)
        self._known = head
        self._ring: list[Chunk] = []
        self._held_bytes = 0
        self._at_head: dict[Follower, Callable[[bytes], None]] = {}
        self._early: set[Follower] = set()
        self._watchers: set[Watcher] = set()
        self._listeners: dict[Listener, None] = {}  # in the order in which they came, as below
        self._takers: dict[Taker, None] = {}
        self._grown = asyncio.Event()
        self._task = asyncio.create_task(self._follow(), name=f"tail {execution_id}")

    @property
    def held_bytes(self) -> int:
        """What the ring holds now."""
        return self._held_bytes

    def notice(self, last_seq: int) -> None:
        """Somebody says that the log reaches `last_seq`; older news changes nothing."""
        if last_seq > self._known:
            self._known = last_seq
            self._grown.set()

    def join(self, viewer: Follower) -> None:
        """The viewer watches this, from wherever its cursor is."""
        self._watchers.add(viewer)

    def listen(self, listener: Listener) -> None:
        """Tell it of every chunk, until `leave_listener`."""
        self._watchers.add(listener)
        self._listeners[listener] = None

    def leave_listener(self, listener: Listener) -> bool:
        """It listens no more; true if nobody watches now."""
        self._listeners.pop(listener, None)
        self._watchers.discard(listener)
        return not self._watchers

    def offer_to(self, taker: Taker) -> None:
        """Offer it every chunk, until `leave_taker`."""
        self._watchers.add(taker)
        self._takers[taker] = None

    def spare(self, taker: Taker) -> None:
        """Offer it nothing until `offer_to`: it cannot take anything now, and still watches."""
        self._takers.pop(taker, None)

    def leave_taker(self, taker: Taker) -> bool:
        """It takes no more; true if nobody watches now."""
        self._takers.pop(taker, None)
        self._watchers.discard(taker)
        return not self._watchers

    def join_head(self, viewer: Follower, write: Callable[[bytes], None]) -> None:
        """From now on `write` gets every chunk, until `leave_head`."""
        self._at_head[viewer] = write

    def leave_head(self, viewer: Follower) -> bool:
        """True if the viewer was at the head: then it has everything up to `head`."""
        return self._at_head.pop(viewer, None) is not None

    def await_head(self, viewer: Follower) -> None:
        """Let a viewer that is ahead of this tail go on once the tail is there."""
        self._early.add(viewer)

    def leave(self, viewer: Follower) -> bool:
        """The viewer watches this no more; true if nobody does now."""
        self._watchers.discard(viewer)
        self._at_head.pop(viewer, None)
        self._early.discard(viewer)
        return not self._watchers

    def is_at_head(self, viewer: Follower) -> bool:
        return viewer in self._at_head

    def piece_after(self, seq: int) -> SimplePiece | None:
        """What the ring holds after `seq`, as one piece for one viewer; `None` if that has left the ring."""
        start = self._place_after(seq)
        if start is None:
            return None
        first = self._ring[start]
        pieces = [without_first(first.frames, seq - first.after) if seq > first.after else first.frames]
        size, last = len(pieces[0]), first
        for chunk in self._ring[start + 1 :]:
            if size + len(chunk.frames) > PIECE_BYTES:
                break
            pieces.append(chunk.frames)
            size, last = size + len(chunk.frames), chunk
        return SimplePiece(seq, last.upto, b"".join(pieces))

    def chunk_after(self, seq: int) -> Chunk | None:
        """The chunk of the ring that holds the event after `seq`; `None` if none does."""
        start = self._place_after(seq)
        return None if start is None else self._ring[start]

    def _place_after(self, seq: int) -> int | None:
        if self._ring and self._ring[-1].after == seq:  # whoever is at the head asks for the newest
            return len(self._ring) - 1
        start = bisect_right(self._ring, seq, key=lambda chunk: chunk.upto)
        return None if start == len(self._ring) or self._ring[start].after > seq else start

    def fail(self, reason: str) -> None:
        """What it has published is not in the log any more: end it for all."""
        self.stop()
        self._end_all(CloseCode.POSITION_LOST, reason)

    def stop(self) -> None:
        """End the reading; nobody watches."""
        self._task.cancel()

    async def _follow(self) -> None:
        try:
            while not self.is_closed:
                await self._grown.wait()
                self._grown.clear()
                await self._catch_up()
        except (PositionLost, NotFound) as error:
            self._end_all(CloseCode.POSITION_LOST, str(error))
        except Exception:  # noqa: BLE001 - the edge of this task: its viewers come back
            _log.exception("following execution %s failed", self.execution_id)
            self._end_all(CloseCode.INTERNAL_ERROR, "the server cannot follow this execution; reconnect")

    async def _catch_up(self) -> None:
        """Read and publish up to what is known to exist."""
        while self._known > self.head and not self.is_closed:
            try:
                chunks = await self._read()
            except UnavailableError as error:
                _log.warning("cannot read execution %s: %s", self.execution_id, error)
                await asyncio.sleep(RETRY_S)
                continue
            if not chunks:
                self._known = self.head  # the hint was ahead of the log, or wrong; the sweep looks again
                return
            await self._publish(chunks)

    def _end_all(self, code: CloseCode, reason: str) -> None:
        self.is_broken = True
        for watcher in list(self._watchers):
            watcher.end(code, reason)

    async def _read(self) -> list[Chunk]:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read_blocking, self.head)

    def _read_blocking(self, after: int) -> list[Chunk]:
        chunks: list[Chunk] = []
        while len(chunks) < READ_CHUNKS:
            chunk = read_chunk(
                self._journal,
                self.framer,
                self.execution_id,
                after,
                max_bytes=CHUNK_BYTES,
                max_events=CHUNK_EVENTS,
                primer=self._primer,
            )
            if chunk is None:
                break
            if self._at_head:
                chunk.prepare()
            chunks.append(chunk)
            after = chunk.upto
            if after >= self._known:
                break  # what comes later is told of
        return chunks

    async def _publish(self, chunks: list[Chunk]) -> None:
        """Write to everyone at the head; then rest for a part of the time that this took.

        With a few viewers the rest is microseconds, so events go out as they are committed; with a thousand,
        what arrives in the next milliseconds is sealed into one write for each.
        """
        started = self._clock.monotonic()
        for chunk in chunks:
            if self.tag not in (None, chunk.tag_before):
                raise PositionLost("the log was replaced by another history")
            self._keep(chunk)
            # Before the writes: a viewer whose transport pauses inside its write has got this chunk.
            self.head, self.tag = chunk.upto, chunk.tag
            self.is_closed = chunk.closes
            self.published_at = self._clock.monotonic()
            for write in list(self._at_head.values()):
                write(chunk.frames)
            self._offer(chunk)
            # Lets the transports flush, so that the cost of the system calls is seen, and others have a turn.
            await asyncio.sleep(0)
        self._known = max(self._known, self.head)
        for viewer in [viewer for viewer in self._early if viewer.cursor <= self.head]:
            self._early.discard(viewer)
            viewer.advance()
        if self.is_closed:
            for viewer in list(self._at_head):
                viewer.advance()
            return
        await asyncio.sleep(min(MAX_REST_S, REST_SHARE * (self._clock.monotonic() - started)))

    @property
    def log_head(self) -> Head:
        """How far the log is known to reach."""
        return Head(self.epoch, self.head, self.tag or 0, self.is_closed)

    def _offer(self, chunk: Chunk) -> None:
        for listener in list(self._listeners):
            listener.grew(chunk.upto)
        if self._takers:
            piece = chunk.whole(self.log_head)
            for taker in list(self._takers):
                taker.published(chunk, piece)

    def _keep(self, chunk: Chunk) -> None:
        self._ring.append(chunk)
        self._held_bytes += chunk.held_bytes
        allowed, drop = self._ring_bytes(), 0
        while self._held_bytes > allowed and drop < len(self._ring) - 1:
            self._held_bytes -= self._ring[drop].held_bytes
            drop += 1
        del self._ring[:drop]
