"""A node that serves the rich protocol over a network, as a model: sessions, a journal, and no clock.

Questions of a session wait until a test answers them, frames until it delivers them, so that a test owns
every interleaving.
"""

from collections import deque
from collections.abc import Callable

from tests.support.viewer_model import ViewerModel

from headway.adapters.journal.memory import MemoryJournal
from headway.domain.identifiers import ExecutionId, WorkflowId
from headway.domain.position import Cursor, chain
from headway.domain.stored_lines import text_of
from headway.errors import ExecutionNotFound, PositionLost
from headway.ports import Head
from headway.protocol import messages as m
from headway.protocol.codec import encode, encode_events, lines_of, seal_of
from headway.protocol.conflation import conflate
from headway.protocol.effects import (
    Abort,
    Authenticate,
    Close,
    Effect,
    Follow,
    Found,
    Piece,
    ReadEvents,
    ReadHeads,
    ReadSnapshot,
    Send,
    SendEvents,
    Unfollow,
)
from headway.protocol.session import Session, SessionOptions
from headway.services.feed_reads import find_target
from headway.services.states import encode_state, load_state

Question = Authenticate | Follow | ReadSnapshot | ReadEvents | ReadHeads | SendEvents
TOO_MANY_QUESTIONS = 2_000  # of one connection without a frame going out: it runs in a circle


class Node:
    """What the sessions of one server see: the journal as it is now, replaced by a restore."""

    def __init__(self, journal: MemoryJournal, execution_id: ExecutionId) -> None:
        self.journal, self.execution_id = journal, execution_id  # the one that is written now

    def head(self, execution_id: ExecutionId | None = None) -> Head:
        wanted = execution_id or self.execution_id
        return self.journal.heads([wanted])[wanted]

    def found(self, request: Follow) -> Found | None:
        target = find_target(self.journal, request)
        return Found(target.record.execution_id, target.record.head, target.tag) if target else None

    def next(self, request: Follow) -> Follow | None:
        """What to follow in place of the execution that has ended; `None` while there is no other."""
        found = self.journal.follow(WorkflowId(request.x), ExecutionId(str(request.after)))
        return Follow(number=request.number, x=request.x, execution_id=found) if found else None

    def snapshot(self, question: ReadSnapshot) -> tuple[Cursor, bytes, list[bytes]]:
        """At `upto`, or at the head where a restore or retention has taken that away."""
        execution_id, upto, tail = ExecutionId(question.execution_id), question.upto, question.tail
        head = self.journal.get(execution_id).head
        seq = upto if head.trimmed_upto <= upto <= head.last_seq else head.last_seq
        state = load_state(self.journal, execution_id, seq)
        cursor = Cursor(head.epoch, seq, self.journal.tag_at(execution_id, seq))
        after = max(head.trimmed_upto, seq - 3 * tail)
        lines = [line for segment in self._segments(execution_id, after) for line in lines_of(segment)]
        logs = [line for line in lines[: seq - after] if b'"kind":"log"' in line]
        return cursor, encode_state(state), logs[-tail:] if tail else []

    def piece(self, question: ReadEvents) -> Piece:
        execution_id, after = ExecutionId(question.execution_id), question.after
        head = self.journal.get(execution_id).head
        if after > head.last_seq:
            raise PositionLost
        tag = self.journal.tag_at(execution_id, after)
        segments = self.journal.read(
            execution_id, after, max_events=question.max_events, max_bytes=question.max_bytes
        )
        body = b"".join(segment.body for segment in segments)
        upto, tag_after = (segments[-1].last_seq, segments[-1].tag_after) if segments else (after, tag)
        kept = conflate(body, tail=question.tail) if question.conflate else None
        return Piece(
            epoch=head.epoch,
            after=after,
            upto=upto,
            tag_before=tag,
            tag_after=tag_after,
            lines=kept.body if kept else body,
            count=kept.count if kept else upto - after,
            head=head,
            left_out=kept.left_out if kept else None,
            seal=self._seal(execution_id, head) if head.closed and upto == head.last_seq else None,
        )

    def _seal(self, execution_id: ExecutionId, head: Head) -> m.Totals | None:
        after = head.last_seq - 1
        if after < head.trimmed_upto:
            return load_state(self.journal, execution_id).totals
        return seal_of(lines_of(b"".join(self._segments(execution_id, after)))[-1])

    def _segments(self, execution_id: ExecutionId, after: int) -> list[bytes]:
        return [segment.body for segment in self.journal.read(execution_id, after)]


class Connection:
    """One session with its viewer, and what is on the way between them."""

    def __init__(
        self,
        node: Node,
        viewer: ViewerModel,
        now: float,
        options: SessionOptions,
        on_frame: Callable[[m.AnyServerMessage], None],
    ) -> None:
        self.node, self.viewer, self.session = node, viewer.beside(), Session("c-1", now, options)
        self.questions: deque[Question] = deque()
        self._waiting: dict[int, Follow] = {}  # for the next execution
        self.frames: deque[bytes] = deque()
        self.ended: Close | Abort | None = None
        self._on_frame = on_frame
        self._asked = 0
        self._written = self._taken = 0  # frames
        self._sent: Cursor | None = None  # where a viewer is who got every frame
        self._say(self.viewer.connected(), now)

    def answer(self, now: float) -> None:
        """Answer the oldest question."""
        if not self.questions or self.ended is not None:
            return
        self._asked += 1
        assert self._asked < TOO_MANY_QUESTIONS, f"a circle of {list(self.questions)}"
        self.carry_out(self._answer(self.questions.popleft(), now), now)

    def deliver(self, now: float) -> None:
        """Let the viewer have the oldest frame."""
        if self.frames:
            self._say(self.viewer.receive(self.frames.popleft()), now)

    def hint(self, last_seq: int, now: float) -> None:
        for number in range(1, 200):
            self.carry_out(self.session.grew(number, last_seq), now)

    def tick(self, now: float) -> None:
        self.look_for_next(now)
        self._look_for_life(now)
        self.carry_out(self.session.tick(now), now)

    def _look_for_life(self, now: float) -> None:
        """What left the queue counts as taken, though the network may have lost it."""
        taken = self._written - len(self.frames)
        if self.session.is_owed and taken > self._taken:
            self._taken = taken
            is_out = not any(frame.startswith(b'{"t":"ping"') for frame in self.frames)
            self.session.moved(now, ping_is_out=is_out)

    def look_for_next(self, now: float) -> None:
        """The sweep: whoever waits for an execution that is there now goes on to it."""
        for number, request in list(self._waiting.items()):
            if (found := self.node.next(request)) is not None:
                del self._waiting[number]
                self.questions.append(found)

    def carry_out(self, effects: list[Effect], now: float) -> None:
        for effect in effects:
            assert self.ended is None, f"{effect} after {self.ended}"
            match effect:
                case Send(message):
                    self._write(message, encode(message))
                case SendEvents(header=header, lines=lines):
                    self._write(header, encode_events(header, text_of(lines)))
                    self.questions.append(effect)
                case Close() | Abort():
                    self.ended = effect
                case Unfollow(number=number):
                    self._waiting.pop(number, None)  # late answers are the session's to ignore
                case Follow(after=str()):
                    self._waiting[effect.number] = effect
                case Authenticate() | Follow() | ReadSnapshot() | ReadEvents() | ReadHeads():
                    self.questions.append(effect)
                case _:
                    raise AssertionError(effect)

    def _write(self, message: m.AnyServerMessage, frame: bytes) -> None:
        self._asked = 0 if isinstance(message, m.Ev | m.Snap) else self._asked
        self._on_frame(message)
        self._follow(message, frame)
        self.frames.append(frame)
        self._written += 1

    def _follow(self, message: m.AnyServerMessage, frame: bytes) -> None:
        """D1 where the server speaks: its frames chain, whatever the network does to them."""
        match message:
            case m.SubOk(cur=str(cur)) | m.Snap(cur=cur):
                self._sent = Cursor.parse(cur)
            case m.Ev():
                assert self._sent is not None
                assert message.after == self._sent.seq
                sent, _, body = Cursor.parse(message.cur), *frame.partition(b"\n")[1:]
                assert message.cf is not None or chain(self._sent.tag, body) == sent.tag
                self._sent = sent

    def _say(self, messages: list[m.AnyClientMessage], now: float) -> None:
        for message in messages:
            self.carry_out(self.session.receive(encode(message).decode(), now), now)

    def _answer(self, question: Question, now: float) -> list[Effect]:
        session, node = self.session, self.node
        try:
            match question:
                case Authenticate():
                    return session.authenticated(None, now, "2026-11-22T21:30:00.000000Z")
                case Follow(number=number):
                    return session.found(number, node.found(question))
                case ReadSnapshot(number=number):
                    return session.snapshot_read(number, *node.snapshot(question))
                case ReadEvents(number=number):
                    return session.events_read(number, node.piece(question), now)
                case ReadHeads(execution_ids):
                    wanted = {number: ExecutionId(each) for number, each in execution_ids.items()}
                    heads = node.journal.heads(list(wanted.values()))
                    known = {number: heads.get(each) for number, each in wanted.items()}
                    return session.heads_read(known, now)
                case SendEvents(number=number):
                    return session.written(number, now)
        except (ExecutionNotFound, PositionLost) as error:
            return session.refused(question.number, error)
