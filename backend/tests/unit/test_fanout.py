"""The fan-out on a real journal, with outlets that pause when the test says so."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.support.authored import AuthoredExecution, define

from headway.adapters.hints.memory import MemoryHintBus
from headway.adapters.journal.memory import MemoryJournal
from headway.domain.identifiers import ExecutionId
from headway.errors import JournalUnavailable, PositionLost
from headway.ports import Segment
from headway.protocol.close_codes import CloseCode
from headway.protocol.frames import texts
from headway.protocol.simple import SimpleQuery
from headway.services import tail as tails
from headway.services.fanout import REAPED_AT_ONCE, Fanout
from headway.services.viewer import Viewer


class ManualClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def now_ns(self) -> int:
        return int(self.now * 1e9)

    def monotonic(self) -> float:
        return self.now


class WatchedJournal(MemoryJournal):
    """Remembers what was read, and fails while told to."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[int] = []
        self.fails_with: Exception | None = None

    def read(
        self, execution_id: ExecutionId, after: int, *, max_events: int = 10_000, max_bytes: int = 1 << 20
    ) -> list[Segment]:
        self.reads.append(after)
        if self.fails_with is not None:
            raise self.fails_with
        return super().read(execution_id, after, max_events=max_events, max_bytes=max_bytes)


class RecordingOutlet:
    """Keeps what it is given; once `room` bytes are full it pauses until it is drained."""

    def __init__(self, room: int = 1 << 40) -> None:
        self.written: list[bytes] = []
        self.frames: list[dict[str, Any]] = []
        self.closed_with: tuple[CloseCode, str] | None = None
        self.aborted = False
        self.room = room
        self.pending = 0
        self.has_paused = False
        self.viewer: Viewer | None = None

    @property
    def is_paused(self) -> bool:
        return self.pending >= self.room

    def report_to(self, viewer: Viewer) -> None:
        self.viewer = viewer

    def write(self, frames: bytes) -> None:
        assert not self.is_paused, "written to while paused"
        self.written.append(frames)
        self.frames += map(json.loads, texts(frames))
        self.pending += len(frames)
        if self.is_paused and self.viewer is not None:
            self.has_paused = True
            self.viewer.pause()

    def drain(self) -> None:
        paused, self.has_paused, self.pending = self.has_paused, False, 0
        if paused and self.viewer is not None:
            self.viewer.resume()

    def pending_bytes(self) -> int:
        return self.pending

    def close(self, code: CloseCode, reason: str) -> None:
        self.closed_with = (code, reason)

    def abort(self) -> None:
        self.aborted = True

    @property
    def seqs(self) -> list[int]:
        return [frame["seq"] for frame in self.frames if "seq" in frame]

    @property
    def beats(self) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame.get("beat")]


class CountingOutlet(RecordingOutlet):
    """Counts how often it is asked whether it is paused."""

    asked = 0

    @property
    def is_paused(self) -> bool:
        self.asked += 1
        return super().is_paused


class Feed:
    """A fan-out with one workflow to watch."""

    def __init__(self, fanout: Fanout, journal: WatchedJournal, hints: MemoryHintBus, clock: ManualClock):
        self.fanout, self.journal, self.hints, self.clock = fanout, journal, hints, clock

    def execution(self) -> AuthoredExecution:
        return AuthoredExecution(self.journal, self.hints)

    async def watch(
        self, target: str, outlet: RecordingOutlet | None = None, **query: Any
    ) -> RecordingOutlet:
        outlet = outlet or RecordingOutlet()
        self.fanout.attach(await self.fanout.find(target, SimpleQuery(**query)), outlet)
        return outlet


@asynccontextmanager
async def feeding(**options: Any) -> AsyncIterator[Feed]:
    journal, hints, clock = WatchedJournal(), MemoryHintBus(), ManualClock()
    define(journal, "audit")
    async with Fanout(journal, hints, clock, **{"sweep_s": 0.02, **options}) as fanout:
        yield Feed(fanout, journal, hints, clock)


async def soon(predicate: Callable[[], bool], within_s: float = 20.0) -> None:
    """Let the loop run until it holds."""
    async with asyncio.timeout(within_s):
        while not predicate():
            await asyncio.sleep(0.002)


def everything(execution: AuthoredExecution, outlets: Sequence[RecordingOutlet]) -> Callable[[], bool]:
    """True once each has got every event once, in order."""
    return lambda: all(outlet.seqs == list(range(1, execution.last_seq + 1)) for outlet in outlets)


async def test_viewers_at_the_head_are_given_the_same_bytes() -> None:
    """A frame is built once, whoever watches: the very object is shared."""
    async with feeding() as feed:
        execution = feed.execution()
        one, two = await feed.watch(execution.id), await feed.watch(execution.id)
        await soon(everything(execution, [one, two]))
        execution.log(5)
        await soon(everything(execution, [one, two]))

        assert one.written[-1] is two.written[-1]


async def test_a_batch_is_one_write() -> None:
    async with feeding() as feed:
        execution = feed.execution()
        outlet = await feed.watch(execution.id)
        await soon(everything(execution, [outlet]))
        execution.log(100)
        await soon(everything(execution, [outlet]))

        assert [len(list(texts(written))) for written in outlet.written] == [1, 100]


async def test_many_viewers_cost_one_read() -> None:
    async with feeding() as feed:
        execution = feed.execution()
        outlets = [await feed.watch(execution.id) for _ in range(20)]
        await soon(everything(execution, outlets))
        feed.journal.reads.clear()
        execution.log(50)
        await soon(everything(execution, outlets))

        assert feed.journal.reads.count(1) == 1


async def test_a_paused_viewer_catches_up_through_the_ring() -> None:
    """It is written nothing while it is paused, the others are not held up, and the store is not asked."""
    async with feeding() as feed:
        execution = feed.execution()
        slow, quick = await feed.watch(execution.id, RecordingOutlet(room=1)), await feed.watch(execution.id)
        await soon(everything(execution, [slow, quick]))
        for _ in range(30):
            execution.log(10)
            await soon(everything(execution, [quick]))
        assert slow.seqs == [1]

        live_reads = list(feed.journal.reads)
        slow.room = 1 << 40
        slow.drain()

        assert slow.seqs == quick.seqs
        assert feed.journal.reads == live_reads


async def test_viewers_behind_the_ring_share_one_read_of_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headway.services.tails.RING_BYTES", 4_096)
    async with feeding() as feed:
        execution = feed.execution()
        quick = await feed.watch(execution.id)
        for _ in range(20):
            execution.log(10)
            await soon(everything(execution, [quick]))
        feed.journal.reads.clear()
        subscription = await feed.fanout.find(execution.id, SimpleQuery(after=0))
        late = [RecordingOutlet() for _ in range(10)]
        for outlet in late:
            feed.fanout.attach(subscription, outlet)
        await soon(everything(execution, [*late, quick]))

        assert feed.journal.reads.count(0) == 1


async def test_the_ring_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headway.services.tails.RING_BYTES", 10_000)
    async with feeding() as feed:
        execution = feed.execution()
        outlet = await feed.watch(execution.id)
        tail = feed.fanout.tails.get(execution.id)
        assert tail is not None
        for _ in range(50):
            execution.log(10)
            await soon(everything(execution, [outlet]))
            assert tail.held_bytes <= 10_000


async def test_nobody_watching_ends_the_tail() -> None:
    async with feeding() as feed:
        execution = feed.execution()
        outlet = await feed.watch(execution.id)
        assert outlet.viewer is not None
        feed.fanout.detach(outlet.viewer)
        feed.fanout.detach(outlet.viewer)

        assert feed.fanout.viewers == 0
        assert feed.fanout.tails.get(execution.id) is None
        await soon(lambda: not [task for task in asyncio.all_tasks() if task.get_name().startswith("tail")])


@pytest.mark.parametrize("seed", range(12))
async def test_every_viewer_gets_everything_once_and_in_order(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the order of appends, joins anywhere, pauses and resumes, with a ring that forgets quickly."""
    chance = random.Random(seed)
    monkeypatch.setattr("headway.services.tails.RING_BYTES", 3_000)
    monkeypatch.setattr(tails, "CHUNK_BYTES", 1_500)
    monkeypatch.setattr("headway.services.fanout.PIECE_BYTES", 900)
    monkeypatch.setattr("headway.services.ring.PIECE_BYTES", 900)
    monkeypatch.setattr("headway.services.rounds.COHORT_SIZE", 2)
    async with feeding() as feed:
        execution = feed.execution()
        outlets: list[tuple[int, RecordingOutlet]] = []
        for _ in range(150):
            match chance.randrange(4):
                case 0:
                    execution.log(chance.randint(1, 12))
                case 1 if len(outlets) < 12:
                    after = chance.randint(0, execution.last_seq)
                    outlet = RecordingOutlet(room=chance.choice([1, 500, 5_000, 1 << 40]))
                    outlets.append((after, await feed.watch(execution.id, outlet, after=after)))
                case 2 if outlets:
                    chance.choice(outlets)[1].drain()
                case _:
                    await asyncio.sleep(0)
        execution.complete()
        for _, outlet in outlets:
            outlet.room = 1 << 40
            outlet.drain()
        expected = [list(range(after + 1, execution.last_seq + 1)) for after, _ in outlets]
        await soon(lambda: [outlet.seqs for _, outlet in outlets] == expected)


async def test_an_outlet_that_takes_nothing_is_aborted_and_a_slow_one_is_not() -> None:
    """The measure is progress, not distance: who takes a little now and then may stay."""
    async with feeding(stall_s=15.0) as feed:
        execution = feed.execution()
        stalled, slow = RecordingOutlet(room=1), RecordingOutlet(room=1)
        await feed.watch(execution.id, stalled)
        await feed.watch(execution.id, slow)
        await soon(lambda: stalled.is_paused and slow.is_paused)
        for _ in range(8):
            feed.clock.now += 4.0
            slow.pending -= 1
            await asyncio.sleep(0.06)  # two sweeps see it: nothing else moves here

        assert stalled.aborted
        assert not slow.aborted
        assert feed.fanout.viewers == 1


async def test_an_outage_of_the_journal_delays_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tails, "RETRY_S", 0.01)
    async with feeding() as feed:
        execution = feed.execution()
        outlet = await feed.watch(execution.id)
        await soon(everything(execution, [outlet]))
        feed.journal.fails_with = JournalUnavailable("the disk is gone")
        reads = len(feed.journal.reads)
        execution.log(3)
        await soon(lambda: len(feed.journal.reads) > reads + 3)
        feed.journal.fails_with = None
        await soon(everything(execution, [outlet]))

        assert outlet.closed_with is None


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (PositionLost(), CloseCode.POSITION_LOST),
        (ZeroDivisionError("a bug"), CloseCode.INTERNAL_ERROR),
    ],
)
async def test_a_tail_that_cannot_go_on_closes_its_viewers(failure: Exception, code: CloseCode) -> None:
    """Both codes ask the client to come back, which begins anew with what there is."""
    async with feeding() as feed:
        execution = feed.execution()
        outlet = await feed.watch(execution.id)
        await soon(everything(execution, [outlet]))
        feed.journal.fails_with = failure
        execution.log()
        await soon(lambda: outlet.closed_with is not None)

        assert outlet.closed_with is not None
        assert outlet.closed_with[0] is code
        assert "ZeroDivision" not in outlet.closed_with[1]
        feed.journal.fails_with = None
        again = await feed.watch(execution.id)
        await soon(everything(execution, [again]))


async def test_a_viewer_behind_moves_on_only_after_the_end_of_the_first() -> None:
    """Paused over the end of one execution and the start of the next, it still sees the first to its end."""
    async with feeding() as feed:
        first = feed.execution()
        outlet = await feed.watch("audit", RecordingOutlet(room=1))
        await soon(lambda: outlet.seqs == [1])
        first.log(5)
        first.complete()
        second = feed.execution()
        second.complete()
        await asyncio.sleep(0)
        assert outlet.seqs == [1]
        outlet.room = 1 << 40
        outlet.drain()

        await soon(lambda: outlet.seqs == [*range(1, 8), 1, 2])


async def test_a_beat_goes_to_the_silent_only() -> None:
    """Each as long after its own last frame as it asked for; a paused one gets none."""
    async with feeding() as feed:
        execution = feed.execution()
        execution.start()
        wanted = await feed.watch(execution.id, beat_s=15)
        plain = await feed.watch(execution.id)
        early = await feed.watch(execution.id, beat_s=10)
        paused = await feed.watch(execution.id, RecordingOutlet(room=1), beat_s=15)
        await soon(everything(execution, [wanted, plain, early, paused]))
        feed.clock.now += 14.0
        await soon(lambda: len(early.beats) == 1)
        execution.log()
        await soon(everything(execution, [wanted, plain, early]))
        feed.clock.now += 14.0
        await soon(lambda: len(early.beats) == 2)  # so that look found nobody else silent
        assert not wanted.beats
        feed.clock.now += 1.5
        await soon(lambda: len(wanted.beats) == 1)

        assert wanted.beats[0]["as_of"] == execution.last_seq
        assert not plain.beats
        assert not paused.beats


async def test_a_viewer_that_waits_for_the_next_execution_has_its_beat() -> None:
    async with feeding() as feed:
        execution = feed.execution()
        execution.complete()
        waiting = await feed.watch("audit", beat_s=15)
        await soon(everything(execution, [waiting]))
        feed.clock.now += 15.5

        await soon(lambda: [beat["as_of"] for beat in waiting.beats] == [execution.last_seq])


async def test_an_execution_that_retention_has_removed_takes_nobody_their_beat() -> None:
    """Who still looks at it has one that tells of no execution."""
    async with feeding() as feed:
        removed, other = feed.execution(), feed.execution()
        removed.complete()
        left, waiting = await feed.watch(removed.id, beat_s=15), await feed.watch(other.id, beat_s=15)
        await soon(lambda: removed.last_seq in left.seqs and other.last_seq in waiting.seqs)
        assert feed.journal.forget(removed.id)
        feed.clock.now += 15.5

        await soon(lambda: bool(waiting.beats and left.beats))

        assert waiting.beats[0]["execution_id"] == other.id
        assert "execution_id" not in left.beats[0]


async def test_stalled_connections_are_ended_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ending one costs as much as many events; those who read go on between."""
    monkeypatch.setattr("headway.services.fanout.REAP_PAUSE_S", 3_600.0)
    async with feeding(stall_s=15.0) as feed:
        execution = feed.execution()
        stalled = [await feed.watch(execution.id, RecordingOutlet(room=1)) for _ in range(20)]
        live = await feed.watch(execution.id)
        await soon(everything(execution, [*stalled, live]))
        feed.clock.now += 15.5
        await soon(lambda: any(outlet.aborted for outlet in stalled))
        execution.log()
        await soon(everything(execution, [live]))

        assert sum(outlet.aborted for outlet in stalled) == REAPED_AT_ONCE


async def test_a_paused_viewer_is_not_looked_at_for_any_event() -> None:
    """Once its buffer is full it costs nothing: no write, no read, and no question whether it is paused."""
    async with feeding(sweep_s=60.0) as feed:
        execution = feed.execution()
        stalled, live = CountingOutlet(room=1), await feed.watch(execution.id)
        await feed.watch(execution.id, stalled)
        await soon(everything(execution, [stalled, live]))
        asked = stalled.asked
        for _ in range(20):
            execution.log(5)
            await soon(everything(execution, [live]))

        assert stalled.asked == asked
