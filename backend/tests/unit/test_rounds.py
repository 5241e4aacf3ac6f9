"""Who makes the rounds gets every run once, by itself or in a cohort, and never more than it has room for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from msgspec.structs import replace

from headway.adapters.clock import SystemClock
from headway.domain.position import Cursor, chain, initial_tag
from headway.protocol.close_codes import CloseCode
from headway.protocol.effects import Room
from headway.protocol.frames import SimpleFramer
from headway.services import rounds as module
from headway.services.chunk import CHUNK_BYTES, Chunk
from headway.services.ledger import Ledger
from headway.services.ring import Ring
from headway.services.rounds import Rounds

EPOCH = "0a1b2c3d"


class Log:
    """A log that grows by chunks, with those who make its rounds."""

    def __init__(self, ring_bytes: int) -> None:
        self.ring, self.ledger = Ring(lambda: ring_bytes), Ledger()
        self.rounds = Rounds(self.ring, self.ledger, 0, SystemClock())
        self.at = Cursor(EPOCH, 0, initial_tag(EPOCH))

    def grow(self, events: int = 1) -> None:
        lines = b"".join(b'{"seq":%d,"type":"log"}\n' % (self.at.seq + n) for n in range(1, events + 1))
        behind = Cursor(EPOCH, self.at.seq + events, chain(self.at.tag, lines))
        chunk = Chunk(
            self.at.seq,
            behind.seq,
            tag_before=self.at.tag,
            tag=behind.tag,
            lines=lines,
            framer=SimpleFramer("e", "w"),
        )
        self.ring.keep(chunk)
        self.ledger.add(chunk.offer(EPOCH))
        self.at = behind
        self.rounds.advance(behind.seq)


class Walker:
    """Remembers what it was given, and how."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.given_by_itself: list[tuple[int, int]] = []
        self.written: list[tuple[int, int]] = []
        self.missed_upto = 0
        self.fails = False
        self.ended: CloseCode | None = None
        log.rounds.join(self)

    def given(self, chunk: Chunk) -> None:
        if self.fails:
            raise ZeroDivisionError
        self.given_by_itself.append((chunk.after, chunk.upto))

    def missed(self, upto: int) -> None:
        self.missed_upto = upto

    def end(self, code: CloseCode, reason: str) -> None:
        self.ended = code

    def write(self, frame: bytes) -> None:
        after, upto = frame.split()
        self.written.append((int(after), int(upto)))

    def enlist(self, room: Room | None = None) -> bool:
        return self.log.rounds.enlist(self, RANGES, self.write, room)


class Ranges:
    """What a run covers, as text."""

    takes_all = True

    def frame_of(self, run: Chunk) -> bytes | None:
        return b"%d %d" % (run.after, run.upto) if self.takes_all else None


RANGES = Ranges()


@asynccontextmanager
async def a_log(ring_bytes: int = 1 << 20) -> AsyncIterator[Log]:
    log = Log(ring_bytes)
    going = asyncio.create_task(log.rounds.go_on())
    yield log
    going.cancel()


async def soon(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5.0):
        while not condition():
            await asyncio.sleep(0.001)


async def reached(walker: Walker, upto: int) -> None:
    await soon(lambda: upto in {end for _, end in [*walker.given_by_itself, *walker.written]})


def contiguous(walker: Walker) -> bool:
    """Everything once and in order, whoever gave it."""
    return all(before[1] == after[0] for before, after in pairwise(all_given(walker)))


def all_given(walker: Walker) -> list[tuple[int, int]]:
    return sorted([*walker.given_by_itself, *walker.written])


async def enlisted(log: Log, room_events: int | None = None, room_bytes: int = 1 << 20) -> Walker:
    """A walker that was given one run by itself, and then was enlisted behind it."""
    walker = Walker(log)
    log.grow()
    await reached(walker, log.at.seq)
    assert walker.enlist(None if room_events is None else Room(log.at, room_events, room_bytes))
    return walker


async def test_whoever_is_enlisted_is_written_what_comes_and_not_asked() -> None:
    async with a_log() as log:
        walker = await enlisted(log)
        for _ in range(3):
            log.grow(2)
            await reached(walker, log.at.seq)
        assert walker.given_by_itself == [(0, 1)]
        assert walker.written == [(1, 3), (3, 5), (5, 7)]
        taken, written_bytes = log.rounds.discharge(walker)
        assert [(run.before.seq, run.upto) for run in taken] == [(1, 3), (3, 5), (5, 7)]
        assert written_bytes == 9
        log.grow()
        await reached(walker, 8)
        assert walker.given_by_itself == [(0, 1), (7, 8)]


async def test_nobody_is_written_more_than_it_has_room_for() -> None:
    """What does not fit is given to it by itself; those with more room go on."""
    async with a_log() as log:
        walkers = [await enlisted(log), await enlisted(log, 5), await enlisted(log, 1_000, 60)]
        for _ in range(4):
            log.grow(2)
            await asyncio.gather(*(reached(walker, log.at.seq) for walker in walkers))
        accounts = [log.rounds.discharge(walker)[0] for walker in walkers]
        assert [sum(run.count for run in taken) for taken in accounts] == [10, 5, 2]
        assert sum(run.size for run in accounts[2]) <= 60
        for walker in walkers:
            assert contiguous(walker)
            assert all_given(walker)[-1][1] == log.at.seq


async def test_whoever_stands_in_another_history_is_not_enlisted() -> None:
    async with a_log() as log:
        walker = Walker(log)
        log.grow()
        await reached(walker, 1)
        for elsewhere in (replace(log.at, tag=log.at.tag ^ 1), replace(log.at, epoch="ffffffff")):
            assert not walker.enlist(Room(elsewhere, 100, 1_000))
        log.grow()
        await reached(walker, 2)
        assert walker.given_by_itself == [(0, 1), (1, 2)]


async def test_an_older_end_of_this_very_log_is_elsewhere_too() -> None:
    async with a_log() as log:
        walker = Walker(log)
        log.grow()
        await reached(walker, 1)
        before = log.at
        log.grow()
        await reached(walker, 2)
        assert not walker.enlist(Room(before, 100, 1_000))


async def test_a_form_that_cannot_take_a_run_leaves_it_to_each() -> None:
    async with a_log() as log:
        walker = await enlisted(log)
        RANGES.takes_all = False
        try:
            log.grow()
            await reached(walker, 2)
        finally:
            RANGES.takes_all = True
        assert (walker.given_by_itself, walker.written) == ([(0, 1), (1, 2)], [])


async def test_whoever_falls_out_of_the_ring_is_told_and_stands_where_it_stood() -> None:
    """Two grow at once, and the ring holds one: nobody is given the second without the first."""
    async with a_log(ring_bytes=10) as log:
        walker = Walker(log)
        log.grow()
        log.grow()
        await soon(lambda: walker.missed_upto == 2)
        assert walker.given_by_itself == []


async def test_a_fault_of_one_ends_it_alone() -> None:
    async with a_log() as log:
        bad, good = Walker(log), Walker(log)
        bad.fails = True
        log.grow()
        await reached(good, 1)
        assert (bad.ended, good.ended) == (CloseCode.INTERNAL_ERROR, None)
        assert bad not in log.rounds


async def test_small_cohorts_that_come_to_one_place_become_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COHORT_SIZE", 4)
    async with a_log() as log:
        walkers = [await enlisted(log) for _ in range(8)]
        for _ in range(3):
            log.grow()
            await asyncio.gather(*(reached(walker, log.at.seq) for walker in walkers))
        assert sorted(len(cohort.members) for cohort in log.rounds._cohorts) == [4, 4]
        assert all(contiguous(walker) for walker in walkers)


async def test_whoever_is_settled_while_a_round_is_under_way_is_not_forgotten() -> None:
    """It has used up its room, is left behind by its cohort, and acknowledges between two turns."""
    async with a_log() as log:
        hooked, spent = await enlisted(log), Walker(log)
        log.grow()
        await asyncio.gather(reached(hooked, log.at.seq), reached(spent, log.at.seq))
        assert spent.enlist(Room(log.at, 1, 1 << 20))
        log.grow()
        await asyncio.gather(reached(hooked, log.at.seq), reached(spent, log.at.seq))

        def settle() -> None:
            taken, _ = log.rounds.discharge(spent)
            assert spent.enlist(Room(taken[-1].behind, 100, 1 << 20))

        def write(frame: bytes) -> None:
            Walker.write(hooked, frame)
            asyncio.get_running_loop().call_soon(settle)

        log.rounds.discharge(hooked)
        log.rounds.enlist(hooked, RANGES, write)
        log.grow()
        await reached(spent, log.at.seq)
        assert contiguous(spent)


async def test_who_is_far_behind_does_not_rest() -> None:
    """A write holds only so much: with a rest after each, a burst would never be made up for."""
    log = Log(1 << 20)
    log.rounds.last_s = 0.01
    walker = Walker(log)
    assert log.rounds._rest_s() > 0
    log.grow(CHUNK_BYTES // 40)
    assert log.rounds._rest_s() == 0

    going = asyncio.create_task(log.rounds.go_on())
    await reached(walker, log.at.seq)
    await soon(lambda: log.rounds._rest_s() > 0)
    going.cancel()
