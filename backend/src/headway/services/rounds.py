"""Gives everyone at the head of a log what is new, one cohort after the other, round and round."""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence

from headway.ports import Clock
from headway.protocol.close_codes import CloseCode
from headway.protocol.effects import Offer, Room
from headway.services.chunk import CHUNK_BYTES, Chunk
from headway.services.cohort import COHORT_SIZE, Cohort, Form, Member, Watcher
from headway.services.ledger import Ledger
from headway.services.ring import Ring

TURNS_AT_ONCE = 32  # of those who are in no cohort
REST_SHARE = 0.25  # of the time a round took: it is left to all else that this loop does
MAX_REST_S = 0.05
GONE = 1 << 62  # a seq beyond every log

_log = logging.getLogger(__name__)


class _Place:
    """Up to where a watcher that is in no cohort has been given everything."""

    __slots__ = ("seq",)

    def __init__(self, seq: int) -> None:
        self.seq = seq


class Rounds:
    """Everyone at the head of one log.

    At its turn each gets all that there is by then, in one write: with a few watchers each event as it is
    committed, with a thousand what came in the milliseconds of a round. Whoever comes has turns of its own,
    until it says that it may be `enlist`ed.

    Args:
        ring: What there is to be given.
        ledger: Of what has gone through the ring.
        head: Seq that the log reaches to; `advance` moves it.
        clock: Measures a round.
    """

    def __init__(self, ring: Ring, ledger: Ledger, head: int, clock: Clock) -> None:
        self._ring, self._ledger = ring, ledger
        self._head = self._floor = head
        self._clock = clock
        self._places: dict[Watcher, _Place] = {}  # in the order in which they came
        self._members: dict[Watcher, Member] = {}  # until they are `discharge`d
        self._cohorts: list[Cohort] = []
        self._news = asyncio.Event()
        self._passed = asyncio.Event()
        self.last_s = 0.0  # that the last round took

    def __contains__(self, watcher: object) -> bool:
        return watcher in self._places or watcher in self._members

    def join(self, watcher: Watcher) -> None:
        """It has everything up to the head, and is given what comes, until `leave`."""
        self._places[watcher] = _Place(self._head)

    def leave(self, watcher: Watcher) -> int | None:
        """Up to where it has been given everything; `None` if it is not here."""
        self.discharge(watcher)
        place = self._places.pop(watcher, None)
        if place is None:
            return None
        seq, place.seq = place.seq, GONE
        return seq

    def enlist(
        self, watcher: Watcher, form: Form, write: Callable[[bytes], None], room: Room | None = None
    ) -> bool:
        """Let it be written what comes, and not be asked, until `discharge`, or as far as it has room.

        Args:
            watcher: One that has turns of its own.
            form: What it is written.
            write: To its outlet.
            room: If it has no more than that; it must stand where this begins, else it is not enlisted.
        """
        place = self._places.get(watcher)
        if place is None or (room is not None and not self._ledger.ends_at(room.cursor)):
            return False
        seq = place.seq
        if room is None:
            member = Member(seq, math.inf, math.inf)
        elif room.cursor.seq != seq:
            return False
        else:
            member = Member(seq, seq + room.events, self._ledger.bytes_upto(seq) + room.bytes)
        del self._places[watcher]
        place.seq = GONE
        self._members[watcher] = member
        self._cohort_for(form, seq).add(watcher, member, write)
        if seq < self._head:
            self._news.set()  # the round that is under way may not come to this cohort
        return True

    def discharge(self, watcher: Watcher) -> tuple[Sequence[Offer], int]:
        """Let it have turns of its own again; what it was sent meanwhile, and the bytes of those frames."""
        member = self._members.pop(watcher, None)
        if member is None:
            return (), 0
        if member.cohort is not None:
            member.cohort.remove(watcher)
            self._places[watcher] = _Place(member.upto)
        return self._ledger.between(member.since, member.upto), member.written_bytes

    def advance(self, head: int) -> None:
        """The ring reaches to here now."""
        self._head = head
        self._news.set()

    async def make_room(self) -> None:
        """Wait while more is held that not all have been given than goes into two writes."""
        while (self._places or self._members) and self._ring.bytes_after(self._floor) >= 2 * CHUNK_BYTES:
            self._passed.clear()
            await self._passed.wait()

    async def go_on(self) -> None:
        """Make rounds as long as there is news; does not return."""
        while True:
            await self._news.wait()
            self._news.clear()
            started = self._clock.monotonic()
            self._floor = await self._go_round()
            self.last_s = self._clock.monotonic() - started
            if self._floor < self._head:
                self._news.set()
            else:
                self._ring.forget_runs()
            self._passed.set()
            await asyncio.sleep(self._rest_s())

    def _rest_s(self) -> float:
        """None for who is far behind: who rests then never comes up, as a write holds only so much."""
        is_behind = self._ring.bytes_after(self._floor) >= CHUNK_BYTES // 2
        return 0.0 if is_behind else min(MAX_REST_S, REST_SHARE * self.last_s)

    async def _go_round(self) -> int:
        """Once around; up to where all have been given everything."""
        floor = self._head
        self._cohorts = _united(self._cohorts)
        for cohort in list(self._cohorts):
            if cohort.seq < self._head:
                self._serve(cohort)
                floor = min(floor, cohort.seq)
                await asyncio.sleep(0)  # others have a turn
        return min(floor, await self._give_places())

    def _serve(self, cohort: Cohort) -> None:
        run = self._ring.run_after(cohort.seq)
        frame = None if run is None or run.closes else cohort.form.frame_of(run)
        if run is None or frame is None:
            self._dismiss(cohort, list(cohort.members))
            return
        if run.upto > cohort.until_seq or self._ledger.bytes_upto(run.upto) > cohort.until_bytes:
            self._dismiss(cohort, cohort.spent(run.upto, self._ledger.bytes_upto(run.upto)))
        cohort.write(frame, run.upto)

    def _dismiss(self, cohort: Cohort, watchers: Sequence[Watcher]) -> None:
        """They have turns of their own again, and are still to be discharged."""
        for watcher in watchers:
            cohort.remove(watcher)
            self._places[watcher] = _Place(cohort.seq)

    async def _give_places(self) -> int:
        floor, last_seq, last_head = self._head, -1, -1
        run: Chunk | None = None
        for number, (watcher, place) in enumerate(list(self._places.items()), 1):
            seq, head = place.seq, self._head
            if seq < head:
                if seq != last_seq or head != last_head:  # else it stands where the one before it stood
                    run, last_seq, last_head = self._ring.run_after(seq), seq, head
                self._give(watcher, place, run)
                floor = min(floor, run.upto if run is not None else head)
            if number % TURNS_AT_ONCE == 0:
                await asyncio.sleep(0)
        return floor

    def _give(self, watcher: Watcher, place: _Place, run: Chunk | None) -> None:
        try:
            if run is None:
                watcher.missed(self._head)
                place.seq = max(place.seq, self._head)
            else:
                place.seq = run.upto  # before the write: whoever is paused by it, and leaves, has got this
                watcher.given(run)
        except Exception:  # noqa: BLE001 - one watcher's end, and no other's
            _log.exception("a viewer could not be given what is new")
            self.leave(watcher)
            watcher.end(CloseCode.INTERNAL_ERROR, "the server failed; reconnect")

    def _cohort_for(self, form: Form, seq: int) -> Cohort:
        for cohort in self._cohorts:
            if cohort.seq == seq and len(cohort.members) < COHORT_SIZE and cohort.form == form:
                return cohort
        cohort = Cohort(form, seq)
        self._cohorts.append(cohort)
        return cohort


def _united(cohorts: Sequence[Cohort]) -> list[Cohort]:
    """Without the empty ones; small ones that have come to the same place as one."""
    united: list[Cohort] = []
    last: dict[tuple[Form, int], Cohort] = {}
    for cohort in cohorts:
        if not cohort.members:
            continue
        known = last.get((cohort.form, cohort.seq))
        if known is not None and len(known.members) + len(cohort.members) <= COHORT_SIZE:
            known.take_over(cohort)
            continue
        last[cohort.form, cohort.seq] = cohort
        united.append(cohort)
    return united
