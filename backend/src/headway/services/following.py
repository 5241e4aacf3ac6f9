"""What one subscription watches: its tail while the execution runs, and the chunk it was last given."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from headway.domain.identifiers import ExecutionId
from headway.ports import ExecutionRecord, Head
from headway.protocol.close_codes import CloseCode
from headway.protocol.effects import Offer, Piece, ReadEvents, Room
from headway.protocol.frames import SimpleFramer
from headway.protocol.subscription import header_of_offer
from headway.services.chunk import Chunk
from headway.services.dictionary import Dictionary
from headway.services.shared_reads import SharedReads
from headway.services.tail import Tail
from headway.services.tails import Tails

FREE_LOOKS = 2  # at one thing, without a frame in between
LOOK_PAUSE_S = 0.25  # before each further one: what contradicts itself must not run in a circle


class Owner(Protocol):
    """The connection of a subscription."""

    def given(self, following: "Following", chunk: Chunk, offer: Offer) -> None: ...

    def missed(self, following: "Following", upto: int) -> None: ...

    def tail_ended(self, following: "Following", code: CloseCode, reason: str) -> None: ...

    def next_is_there(self, following: "Following", execution_id: ExecutionId) -> None: ...


@dataclass(frozen=True, slots=True)
class RichForm:
    """An `ev` frame, as those take it who name the log `x` and have this dictionary, if any."""

    x: str
    epoch: str
    deflated: bool
    dictionary: Dictionary | None

    def frame_of(self, run: Chunk) -> bytes | None:
        ready = run.ready_frame(self.x, deflated=self.deflated)
        if ready is None:
            header = header_of_offer(self.x, run.offer(self.epoch))
            ready = run.ev_frame(header, deflated=self.deflated)
        return ready.frame if ready.needs is None or ready.needs is self.dictionary else None


class Following:
    """Listens to a tail for one subscription, and waits for executions.

    Args:
        owner: Whose subscription it is.
        tails: Where it finds what it follows.
        write: Of the connection's outlet; not called while that is paused.
        deflated: It is sent compressed frames.
    """

    __slots__ = (
        "_aside",
        "_deflated",
        "_found",
        "_framer",
        "_owner",
        "_tail",
        "_tails",
        "_write",
        "chunk",
        "dictionary",
        "looks",
        "number",
        "x",
    )

    def __init__(
        self,
        owner: Owner,
        tails: Tails,
        number: int,
        x: str,
        *,
        write: Callable[[bytes], None],
        deflated: bool,
    ) -> None:
        self.number, self.x = number, x
        self.looks = 0  # since the last frame
        self.chunk: Chunk | None = None
        self.dictionary: Dictionary | None = None  # one that the client has for sure
        self._owner = owner
        self._tails = tails
        self._write = write
        self._deflated = deflated
        self._tail: Tail | None = None
        self._framer: SimpleFramer | None = None
        self._found: Head | None = None  # the log's end, as it was when this was found
        self._aside = False

    async def look(self, reads: SharedReads) -> None:
        """Before the journal is asked again: nothing may be left of a history that is gone."""
        self.looks += 1
        if self.looks == 1:
            return
        tail = self._tail
        if tail is not None:
            reads.forget(tail.execution_id)
            published, tag = tail.head, tail.tag
            if tag is not None and not await reads.holds(tail.execution_id, published, tag):
                self.leave()
                tail.fail("the log was replaced by another history")
        if self.looks > FREE_LOOKS:
            await asyncio.sleep(LOOK_PAUSE_S)

    def watch(self, record: ExecutionRecord) -> None:
        """Listen to this execution from now on; a closed one has nothing more to say."""
        self.leave()
        self._framer = SimpleFramer(record.execution_id, record.workflow_id)
        self._found = record.head
        if not record.head.closed:
            self._listen(self._tails.open(record))

    def held(self, reads: SharedReads, request: ReadEvents) -> Piece | None:
        """What the ring or a page holds of it."""
        tail, after = self._tail, request.after
        chunk = tail.chunk_after(after) if tail is not None else None
        if tail is not None and chunk is not None:
            return self._piece(chunk, tail.log_head, request)
        page = reads.held_page(ExecutionId(request.execution_id), after, inflated=not self._deflated)
        return None if page is None else self._piece(page.chunk, self._latest(page.head), request)

    async def fetch(self, reads: SharedReads, request: ReadEvents) -> Piece:
        """Read it from the store."""
        self.chunk = None
        execution_id = ExecutionId(request.execution_id)
        if request.conflate:
            return await reads.conflated(request)
        framer = self._framer or SimpleFramer(execution_id, "")
        page = await reads.page(execution_id, framer, request.after, inflated=not self._deflated)
        if page is None:
            return await reads.end(execution_id, request.after)
        return self._piece(page.chunk, self._latest(page.head), request)

    def enlist(self, room: Room) -> bool:
        """Let it be written what comes, as far as its session has room, until `discharge`."""
        if self._tail is None or self._tail.epoch != room.cursor.epoch:
            return False
        form = RichForm(self.x, room.cursor.epoch, self._deflated, self.dictionary)
        return self._tail.enlist(self, form, self._write, room)

    def discharge(self) -> tuple[Sequence[Offer], int]:
        """Have it asked for each run again: what it was written meanwhile, and the bytes of those frames."""
        taken, written_bytes = self._tail.discharge(self) if self._tail is not None else ((), 0)
        if taken:
            self.looks = 0
        return taken, written_bytes

    def step_aside(self) -> None:
        """Its connection takes nothing now: be told nothing until `rejoin`, which costs nothing."""
        if self._tail is not None:
            self._tail.leave_head(self)
            self._aside = True

    def rejoin(self) -> int | None:
        """Where the log has come to meanwhile; `None` if it has not stepped aside."""
        if self._tail is None or not self._aside:
            return None
        self._listen(self._tail)
        return self._tail.head

    def leave(self) -> None:
        """Listen no more."""
        tail, self._tail, self.chunk = self._tail, None, None
        if tail is not None and tail.leave(self):
            self._tails.release(tail)

    # What a tail and the tails call.

    def given(self, chunk: Chunk) -> None:
        if self._tail is not None:
            self._owner.given(self, chunk, chunk.offer(self._tail.epoch))

    def missed(self, upto: int) -> None:
        self._owner.missed(self, upto)

    def end(self, code: CloseCode, reason: str) -> None:
        self._owner.tail_ended(self, code, reason)

    def follow(self, tail: Tail, after: int) -> None:
        self.leave()
        self._listen(tail)
        self._owner.next_is_there(self, tail.execution_id)

    def _listen(self, tail: Tail) -> None:
        self._tail, self._aside = tail, False
        tail.join(self)
        tail.join_head(self)

    def _latest(self, head: Head) -> Head:
        """The latest head that is known; that of a page may be old, and a closed log has no tail."""
        found = self._found
        if found is not None and found.epoch == head.epoch and found.last_seq > head.last_seq:
            head = found
        if self._tail is not None and self._tail.head > head.last_seq:
            return self._tail.log_head
        return head

    def _piece(self, chunk: Chunk, head: Head, request: ReadEvents) -> Piece:
        cut = chunk.cut(request.after, max_events=request.max_events, max_bytes=request.max_bytes)
        whole = cut.lines is chunk.lines
        self.chunk = chunk if whole else None
        if not head.closed and chunk.closes:
            head = replace(head, closed=True, last_seq=chunk.upto, last_tag=chunk.tag)
        return chunk.piece(cut, head)
