"""The shared end of one watched execution's log: read once, framed once, given to everyone at the head.

A `Tail` knows viewers only as watchers; catching up is their own business.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from headway.domain.identifiers import ExecutionId, WorkflowId
from headway.errors import NotFound, PositionLost, UnavailableError
from headway.ports import Clock, EventLog, Head
from headway.protocol.close_codes import CloseCode
from headway.protocol.effects import Offer, Room
from headway.protocol.frames import SimpleFramer
from headway.services.chunk import CHUNK_BYTES, CHUNK_EVENTS, Chunk, SimplePiece, read_chunk
from headway.services.cohort import Form, Watcher
from headway.services.dictionary import Primer
from headway.services.ledger import Ledger
from headway.services.ring import Ring
from headway.services.rounds import Rounds

READ_CHUNKS = 8  # in one turn of a reading thread
READ_SHARE = 0.1  # of a round, between two reads: more often would cost more than it brings
RETRY_S = 1.0

_log = logging.getLogger(__name__)


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
        self._clock = clock
        self._readers = readers
        self._primer = Primer(workflow_id, execution_id)
        self._known = head
        self._ring = Ring(ring_bytes)
        self._ledger = Ledger()
        self._rounds = Rounds(self._ring, self._ledger, head, clock)
        self._early: set[Watcher] = set()
        self._watchers: set[Watcher] = set()
        self._grown = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._follow(), name=f"tail {execution_id}"),
            asyncio.create_task(self._go_round(), name=f"rounds {execution_id}"),
        ]

    @property
    def held_bytes(self) -> int:
        """What the ring holds now."""
        return self._ring.held_bytes

    @property
    def watching(self) -> int:
        """How many watch it, wherever they are."""
        return len(self._watchers)

    def notice(self, last_seq: int) -> None:
        """Somebody says that the log reaches `last_seq`; older news changes nothing."""
        if last_seq > self._known:
            self._known = last_seq
            self._grown.set()

    def join(self, watcher: Watcher) -> None:
        """It watches this, from wherever it is; until `leave`."""
        self._watchers.add(watcher)

    def leave(self, watcher: Watcher) -> bool:
        """It watches this no more; true if nobody does now."""
        self._watchers.discard(watcher)
        self._rounds.leave(watcher)
        self._early.discard(watcher)
        return not self._watchers

    def join_head(self, watcher: Watcher) -> None:
        """It has everything up to `head`, and is given what comes, until `leave_head`."""
        self._rounds.join(watcher)

    def leave_head(self, watcher: Watcher) -> int | None:
        """Up to where it was given everything; it is given nothing more. `None` if it is not at the head."""
        return self._rounds.leave(watcher)

    def enlist(
        self, watcher: Watcher, form: Form, write: Callable[[bytes], None], room: Room | None = None
    ) -> bool:
        """See `Rounds.enlist`."""
        return self._rounds.enlist(watcher, form, write, room)

    def discharge(self, watcher: Watcher) -> tuple[Sequence[Offer], int]:
        """See `Rounds.discharge`."""
        return self._rounds.discharge(watcher)

    def is_at_head(self, watcher: Watcher) -> bool:
        return watcher in self._rounds

    def await_head(self, watcher: Watcher) -> None:
        """Tell one that is ahead of this tail, with `missed`, once the tail is there."""
        self._early.add(watcher)

    def piece_after(self, seq: int) -> SimplePiece | None:
        """What the ring holds after `seq`, as one piece for one viewer; `None` if that has left the ring."""
        return self._ring.piece_after(seq)

    def chunk_after(self, seq: int) -> Chunk | None:
        """The chunk of the ring that holds the event after `seq`; `None` if none does."""
        return self._ring.chunk_after(seq)

    def fail(self, reason: str) -> None:
        """What it has published is not in the log any more: end it for all."""
        self.stop()
        self._end_all(CloseCode.POSITION_LOST, reason)

    def stop(self) -> None:
        """End the reading; nobody watches."""
        for task in self._tasks:
            task.cancel()

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

    async def _go_round(self) -> None:
        try:
            await self._rounds.go_on()
        except Exception:  # noqa: BLE001 - the edge of this task: its viewers come back
            _log.exception("execution %s cannot be shown", self.execution_id)
            self._end_all(CloseCode.INTERNAL_ERROR, "the server cannot show this execution; reconnect")

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
            self._keep(chunks)
            await asyncio.sleep(READ_SHARE * self._rounds.last_s)
            await self._rounds.make_room()

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
            chunks.append(chunk)
            after = chunk.upto
            if after >= self._known:
                break  # what comes later is told of
        return chunks

    def _keep(self, chunks: list[Chunk]) -> None:
        for chunk in chunks:
            if self.tag not in (None, chunk.tag_before):
                raise PositionLost("the log was replaced by another history")
            self._ring.keep(chunk)
            self._ledger.add(chunk.offer(self.epoch))
            self.head, self.tag, self.is_closed = chunk.upto, chunk.tag, chunk.closes
        self.published_at = self._clock.monotonic()
        self._known = max(self._known, self.head)
        self._rounds.advance(self.head)
        early, self._early = self._early, set()
        for watcher in early:
            watcher.missed(self.head)

    @property
    def log_head(self) -> Head:
        """How far the log is known to reach."""
        return Head(self.epoch, self.head, self.tag or 0, self.is_closed)
