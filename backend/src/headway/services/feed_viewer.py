"""The shell of one rich connection: carries out what its session asks for, and answers it.

Its rules are in `protocol/session.py`. Nothing is written while the outlet is paused: then effects wait, no
new question is put to the journal, and the viewer costs no more than what it was about to be sent.
"""

import logging
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, assert_never

from headway.domain.identifiers import ExecutionId, WorkflowId
from headway.domain.stored_lines import text_of
from headway.domain.timestamps import timestamp
from headway.errors import HeadwayError, PositionLost, UnavailableError
from headway.ports import Clock, Head
from headway.protocol import effects as f
from headway.protocol.close_codes import CloseCode
from headway.protocol.codec import encode, encode_events
from headway.protocol.deflate import remember
from headway.protocol.frames import text_frame
from headway.protocol.messages import LOBBY, Ping, Row
from headway.protocol.session import Session
from headway.protocol.subscription import header_of_offer
from headway.services.chunk import Chunk, EvFrame
from headway.services.dictionary import Dictionary
from headway.services.enlistments import Enlistments
from headway.services.following import Following
from headway.services.inquiries import Inquiries
from headway.services.lobby import Lobby
from headway.services.shared_reads import SharedReads
from headway.services.tails import Tails, Tasks
from headway.services.viewer import Outlet

RETRY_MS = 2_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all connections of this process share."""

    tails: Tails
    reads: SharedReads
    lobby: Lobby
    clock: Clock
    tasks: Tasks


class FeedViewer:
    """One rich connection.

    Args:
        session: Its rules.
        outlet: Where its frames go.
        around: What it shares with others.
        knows: Whether a token (or, without one, the handshake) is good.
        deflated: It takes `ev` frames compressed.
        gone: Called once nothing can be written any more.
    """

    def __init__(
        self,
        session: Session,
        outlet: Outlet,
        around: Surroundings,
        *,
        knows: Callable[[str | None], bool],
        deflated: bool,
        gone: Callable[["FeedViewer"], None],
    ) -> None:
        self._session = session
        self._outlet = outlet
        self._around = around
        self._knows = knows
        self._deflated = deflated
        self._gone = gone
        self._ended = False
        self._effects: deque[f.Effect] = deque()
        self._carrying = False
        self._unwritten: list[int] = []  # whose frame the transport had no room for
        self._written_bytes = self._taken_bytes = 0
        self._ping_ends_at = math.inf  # of what is written; infinite while the ping itself is not
        self._dictionaries: dict[int, None] = {}  # that the client knows, by their numbers
        self._followings: dict[int, Following] = {}
        self._enlistments = Enlistments(session)
        self._inquiries = Inquiries(
            around.tasks,
            may_put=lambda: not outlet.is_paused,
            is_wanted=self._followings.__contains__,
            refuse=self._refuse,
        )

    # What the connection brings.

    def receive(self, frame: str | bytes) -> None:
        """A frame of the client."""
        self._do(self._session.receive, frame, self._now())

    def tick(self) -> None:
        """Call it about once a second."""
        self._carry(self._tick)  # which asks nothing that must be settled first

    def _tick(self) -> list[f.Effect]:
        if self._session.is_owed:
            self._look_for_life()
        return self._session.tick(self._now())

    def drain(self, *, earliest_s: float, latest_s: float, retry_ms: int) -> None:
        """Ask the client to move to another connection within this slot."""
        begin = partial(self._session.drain, earliest_s=earliest_s, latest_s=latest_s, retry_ms=retry_ms)
        self._do(partial(begin, now=self._now()))

    def dismiss(self, retry_ms: int) -> None:
        """Let the client go now, and come back after so long."""
        self._do(self._session.dismiss, retry_ms)

    def pause(self) -> None:
        """The outlet takes no more."""
        for following in self._followings.values():
            if self._enlistments.settle(following):
                self._hold_up(following.number)

    def resume(self) -> None:
        """The outlet takes frames again."""
        unwritten, self._unwritten = self._unwritten, []  # before it may be paused again
        for following in list(self._followings.values()):
            if (head := following.rejoin()) is not None:
                self._do(self._session.grew, following.number, head)
        for number in unwritten:
            self._do(self._session.written, number, self._now())
        self._carry_out()
        self._inquiries.put()

    def lost(self) -> None:
        """The connection is gone or going."""
        if self._ended:
            return
        self._ended = True
        self._effects.clear()
        self._inquiries.clear()
        for number in list(self._followings):
            self._unfollow(number)
        self._gone(self)

    # What is watched brings.

    def given(self, following: Following, chunk: Chunk, offer: f.Offer) -> None:
        """The newest run of what a subscription follows: written at once, if it has all before it."""
        outlet, number = self._outlet, following.number
        if outlet.is_paused:
            following.step_aside()
            return
        self._enlistments.settle(following)
        if self._carrying or self._effects or not self._session.offered(number, offer):
            self.missed(following, offer.upto)
            return
        shared = chunk.ready_frame(following.x, deflated=self._deflated)
        if shared is None:
            shared = chunk.ev_frame(header_of_offer(following.x, offer), deflated=self._deflated)
        following.looks = 0
        self._put(shared.frame, shared.needs)
        if outlet.is_paused:
            self._hold_up(number)
        else:
            following.dictionary = shared.needs or following.dictionary
            self._enlist(following)

    def missed(self, following: Following, upto: int) -> None:
        """The log that a subscription follows reaches so far now."""
        self._do(self._session.grew, following.number, upto)

    def tail_ended(self, following: Following, code: CloseCode, reason: str) -> None:
        """What a subscription follows cannot go on as it was."""
        self._enlistments.settle_all()
        following.leave()
        lost = PositionLost(reason) if code is CloseCode.POSITION_LOST else UnavailableError(reason)
        self._do(partial(self._session.refused, following.number, lost, retry_ms=RETRY_MS))

    def next_is_there(self, following: Following, execution_id: ExecutionId) -> None:
        """The workflow that a subscription waits for has an execution to follow."""
        request = f.Follow(number=following.number, x=following.x, execution_id=execution_id)
        self._inquiries.ask(following.number, partial(self._find, following, request))

    def rows_changed(self, rows: Sequence[Row]) -> None:
        """Rows of the list of executions."""
        for number, following in list(self._followings.items()):
            if following.x == LOBBY:
                self._do(self._session.rows_changed, number, rows, self._now())

    def rows_gone(self) -> None:
        """Some of these rows are no longer there."""
        for number, following in list(self._followings.items()):
            if following.x == LOBBY:
                self._do(self._session.rows_gone, number)

    # Effects.

    def _do(self, act: Callable[..., list[f.Effect]], *args: Any) -> None:
        """Tell the session something, and do what it then asks for; a fault ends this connection only."""
        settled = self._enlistments.settle_all()
        self._carry(act, *args)
        for following in settled:
            self._enlist(following)

    def _carry(self, act: Callable[..., list[f.Effect]], *args: Any) -> None:
        """The same, where the session need not know what has been written meanwhile."""
        if self._ended:
            return
        try:
            if effects := act(*args):
                self._effects.extend(effects)
                self._carry_out()
        except Exception:  # noqa: BLE001 - the edge of one connection
            _log.exception("a rich connection failed")
            self._abandon()

    def _carry_out(self) -> None:
        """Carry effects out in order, as far as the outlet takes what they write."""
        if self._carrying:
            return  # further up the stack they are being carried out
        self._carrying = True
        try:
            while self._effects and not self._ended:
                if self._outlet.is_paused and not isinstance(self._effects[-1], f.Close | f.Abort):
                    return
                self._carry_out_one(self._effects.popleft())
        finally:
            self._carrying = False

    def _carry_out_one(self, effect: f.Effect) -> None:
        match effect:
            case f.ReadEvents():
                self._read_events(effect)
            case f.SendEvents(number=number):
                shared = self._ev_frame(effect)
                self._write(shared.frame, number, needs=shared.needs)
            case f.Send(message=message):
                self._write(text_frame(encode(message)))
                if isinstance(message, Ping):
                    self._ping_ends_at = self._sent_bytes
            case f.SendRows(number=number, message=rows):
                self._write(text_frame(encode(rows)), number)
            case f.Close() | f.Abort():
                self._end(effect)
            case f.Authenticate(token=token):
                self._authenticate(token)
            case f.Authorise():
                pass  # who has the token may see everything
            case _:
                self._look_after(effect)

    def _look_after(self, effect: f.Follow | f.Unfollow | f.ReadSnapshot | f.ReadHeads) -> None:
        match effect:
            case f.Follow():
                self._follow(effect)
            case f.Unfollow(number=number):
                self._unfollow(number)
            case f.ReadSnapshot(number=number):
                self._inquiries.ask(number, partial(self._read_snapshot, effect))
            case f.ReadHeads():
                self._around.tasks.spawn(self._read_heads(effect))
            case _:
                assert_never(effect)

    def _end(self, effect: f.Close | f.Abort) -> None:
        if isinstance(effect, f.Close):
            self._outlet.close(effect.code, effect.reason)
        else:
            _log.info("a rich connection is cut: %s", effect.code.name)
            self._outlet.abort()
        self.lost()

    def _write(self, frame: bytes, number: int | None = None, *, needs: Dictionary | None = None) -> None:
        """Write it, and tell the session once it is out; what must go before a close may be dropped."""
        if self._outlet.is_paused:
            return
        self._put(frame, needs)
        if number is None:
            return
        if self._outlet.is_paused:
            self._unwritten.append(number)
        else:
            self._effects.extend(self._session.written(number, self._now()))

    def _put(self, frame: bytes, needs: Dictionary | None) -> None:
        """To an outlet that takes it; the dictionary goes in the same write, so that no pause parts them."""
        if needs is not None and needs.number not in self._dictionaries:
            self._enlistments.settle_all()
            for following in self._followings.values():
                following.dictionary = None  # the oldest is forgotten for it
            remember(self._dictionaries, needs.number, None)
            frame = needs.frame + frame
        self._outlet.write(frame)
        self._written_bytes += len(frame)

    def _enlist(self, following: Following) -> None:
        if not (self._effects or self._carrying or self._outlet.is_paused or self._ended):
            self._enlistments.enlist(following)

    def _hold_up(self, number: int) -> None:
        """What the session takes for written is in the outlet, which has no room for more."""
        self._session.held_up(number, self._now())
        self._unwritten.append(number)

    @property
    def _sent_bytes(self) -> int:
        return self._written_bytes + self._enlistments.written_bytes

    def _look_for_life(self) -> None:
        """Tell the session if the peer has taken anything since the last look, however little."""
        self._enlistments.settle_all()
        taken = self._sent_bytes - self._outlet.pending_bytes()
        if taken > self._taken_bytes:
            self._taken_bytes = taken
            self._session.moved(self._now(), ping_is_out=taken >= self._ping_ends_at)

    def _ev_frame(self, effect: f.SendEvents) -> EvFrame:
        following = self._followings.get(effect.number)
        header = effect.header
        if following is not None:
            following.looks = 0
            chunk = following.chunk
            if chunk is not None and chunk.lines is effect.lines and chunk.upto == header.upto:
                return chunk.ev_frame(header, deflated=self._deflated)
        return EvFrame(text_frame(encode_events(header, text_of(effect.lines))))

    def _authenticate(self, token: str | None) -> None:
        if self._knows(token):
            now_of_day = timestamp(self._around.clock.now_ns())
            self._effects.extend(self._session.authenticated(None, self._now(), now_of_day))
        else:
            self._effects.extend(self._session.login_refused("this token is not valid"))

    def _follow(self, effect: f.Follow) -> None:
        following = self._followings.get(effect.number)
        if following is None:
            following = self._followings[effect.number] = Following(
                self,
                self._around.tails,
                effect.number,
                effect.x,
                write=self._outlet.write,
                deflated=self._deflated,
            )
        if effect.x == LOBBY:
            self._around.lobby.join(self)
            self._inquiries.ask(effect.number, partial(self._read_rows, effect.number))
        elif effect.after is not None:
            following.leave()
            self._around.tails.await_next(following, WorkflowId(effect.x), ExecutionId(effect.after))
        else:
            self._inquiries.ask(effect.number, partial(self._find, following, effect))

    def _unfollow(self, number: int) -> None:
        following = self._followings.pop(number, None)
        if following is None:
            return
        self._enlistments.forget(following)
        following.leave()
        if following.x == LOBBY:
            self._around.lobby.leave(self)
        else:
            self._around.tails.forget(following)

    def _abandon(self) -> None:
        """This connection cannot go on; the client comes back."""
        if not self._ended:
            self._outlet.close(CloseCode.INTERNAL_ERROR, "the server failed; reconnect")
            self.lost()

    # Questions to the journal.

    def _refuse(self, number: int, error: HeadwayError) -> None:
        retry_ms = RETRY_MS if isinstance(error, UnavailableError) else None
        self._do(partial(self._session.refused, number, error, retry_ms=retry_ms))

    async def _find(self, following: Following, request: f.Follow) -> None:
        await following.look(self._around.reads)
        target = await self._around.reads.find(request)
        if target is not None:
            await self._around.reads.confirm(target.record)
        if self._followings.get(following.number) is not following:
            return
        if target is None:
            self._around.tails.await_next(following, WorkflowId(request.x), None)
            self._do(self._session.found, following.number, None)
            return
        record = target.record
        following.watch(record)
        found = f.Found(record.execution_id, record.head, target.tag)
        self._do(self._session.found, following.number, found)

    def _read_events(self, request: f.ReadEvents) -> None:
        """At once where somebody has read it already; else ask for it."""
        following = self._followings.get(request.number)
        if following is None:
            return
        piece = None if request.conflate else following.held(self._around.reads, request)
        if piece is None:
            self._inquiries.ask(request.number, partial(self._fetch, following, request))
        else:
            self._effects.extend(self._session.events_read(request.number, piece, self._now()))

    async def _fetch(self, following: Following, request: f.ReadEvents) -> None:
        piece = await following.fetch(self._around.reads, request)
        self._do(self._session.events_read, request.number, piece, self._now())

    async def _read_snapshot(self, request: f.ReadSnapshot) -> None:
        execution_id = ExecutionId(request.execution_id)
        read = await self._around.reads.snapshot(execution_id, request.upto, request.tail)
        self._do(self._session.snapshot_read, request.number, read.cursor, read.state, read.logs)

    async def _read_rows(self, number: int) -> None:
        rows = await self._around.lobby.rows()
        self._do(self._session.rows_read, number, rows, self._now())

    async def _read_heads(self, request: f.ReadHeads) -> None:
        ids = {number: ExecutionId(each) for number, each in request.execution_ids.items()}
        known: dict[int, Head | None] = {}
        try:
            heads = await self._around.reads.heads(ids.values()) if ids else {}
            known = {number: heads.get(each) for number, each in ids.items()}
        except HeadwayError as error:
            _log.warning("cannot read heads: %s", error)
        self._ping_ends_at = math.inf
        self._do(self._session.heads_read, known, self._now())

    def _now(self) -> float:
        return self._around.clock.monotonic()
