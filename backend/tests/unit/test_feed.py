"""Rich connections on a real journal, with outlets that pause when the test says so."""

import asyncio
import json
import math
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from tests.support.authored import AuthoredExecution, define
from tests.support.viewer_model import ViewerModel

from headway.adapters.clock import SystemClock
from headway.adapters.hints.memory import MemoryHintBus
from headway.adapters.journal.memory import MemoryJournal
from headway.domain.position import Cursor
from headway.errors import JournalUnavailable, ServerDraining, TooManyConnections
from headway.protocol import messages as m
from headway.protocol.close_codes import CloseCode
from headway.protocol.codec import decode_server, encode, lines_of
from headway.protocol.deflate import Inflater
from headway.protocol.frames import messages
from headway.protocol.session import SessionOptions
from headway.services.fanout import Fanout
from headway.services.feed import Feed
from headway.services.feed_viewer import FeedViewer
from headway.services.states import encode_state, load_state
from headway.services.viewer import Writer


class PausingOutlet:
    """Keeps what it is given, paused beyond `room` bytes, until it is delivered to the viewer model.

    It holds the server to account: events come once, in order, and no more of them than `window`
    without an ack.
    """

    def __init__(self, model: ViewerModel, room: int, *, deflated: bool = False, window: int = 4_096) -> None:
        self.model, self.room, self.deflated, self.window = model, room, deflated, window
        self.at: int | None = None  # where the last frame ended
        self.unacked: list[tuple[int, int]] = []  # frames by their ends, and how many events they held
        self.inflater = Inflater()
        self.pending: list[bytes] = []
        self.ended: CloseCode | str | None = None
        self.viewer: FeedViewer | None = None
        self._writer: Writer | None = None

    @property
    def is_paused(self) -> bool:
        return sum(map(len, self.pending)) > self.room

    def report_to(self, writer: Writer) -> None:
        self._writer = writer

    def write(self, frames: bytes) -> None:
        assert not self.is_paused, "written to while paused"
        assert self.ended is None, "written to after the end"
        self.pending.append(frames)
        if self.is_paused and self._writer is not None:
            self._writer.pause()

    def pending_bytes(self) -> int:
        return sum(map(len, self.pending))

    def close(self, code: CloseCode, reason: str) -> None:
        self.ended = code

    def abort(self) -> None:
        self.ended = "aborted"

    def begin(self, feed: Feed) -> None:
        self.viewer = feed.attach(self, knows=lambda token: True, deflated=self.deflated)
        self._say(self.model.connected())

    def deliver(self) -> None:
        """The peer reads all there is, and answers."""
        paused, pending = self.is_paused, self.pending
        self.pending = []
        said: list[m.AnyClientMessage] = []
        for frames in pending:
            for is_text, payload in messages(frames):
                text = payload if is_text else self.inflater.read(payload)
                if text is not None:
                    self._check(decode_server(text)[0])
                    said += self.model.receive(text)
        self._say(said)
        if paused and self._writer is not None:
            self._writer.resume()

    def _check(self, message: m.AnyServerMessage | None) -> None:
        match message:
            case m.SubOk(result="resumed" | "snapshot" | "reset"):
                self.at = None
            case m.Ev(after=after, upto=upto, n=n):
                assert self.at in (None, after), "an event came twice, or not at all"
                self.at = upto
                self.unacked.append((upto, n))
                assert sum(n for _, n in self.unacked) <= self.window, "more than the window holds"
            case _:
                pass

    def _say(self, said: list[m.AnyClientMessage]) -> None:
        assert self.viewer is not None
        for message in said:
            if isinstance(message, m.Ack):
                self.unacked = [frame for frame in self.unacked if frame[0] > message.seq]
            self.viewer.receive(encode(message).decode())


class CountingOutlet(PausingOutlet):
    """Counts how often it is asked whether it is paused."""

    asked = 0

    @property
    def is_paused(self) -> bool:
        self.asked += 1
        return super().is_paused


def seq_of(outlet: PausingOutlet) -> int:
    """How far its viewer has come."""
    cursor = outlet.model.view.cursor
    return 0 if cursor is None else cursor.seq


@asynccontextmanager
async def feeding(journal: MemoryJournal, **options: Any) -> AsyncIterator[tuple[Feed, MemoryHintBus]]:
    hints, clock = MemoryHintBus(), SystemClock()
    define(journal, "audit")
    fanout = Fanout(journal, hints, clock, sweep_s=0.02)
    feed = Feed(journal, hints, fanout.tails, clock, node="n", tick_s=0.02, **options)
    async with fanout, feed:
        yield feed, hints


async def soon(predicate: Callable[[], bool], outlets: list[PausingOutlet], within_s: float = 10.0) -> None:
    """Let the loop run, and everybody read, until it holds."""
    async with asyncio.timeout(within_s):
        while not predicate():
            for outlet in outlets:
                outlet.deliver()
            await asyncio.sleep(0.002)


@pytest.mark.parametrize("seed", range(10))
async def test_every_viewer_ends_with_the_journal(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the order of appends, joins and pauses, with all that may be forgotten forgotten quickly."""
    chance = random.Random(seed)
    monkeypatch.setattr("headway.services.tails.RING_BYTES", 20_000)
    monkeypatch.setattr("headway.services.shared_reads.PAGES_BYTES", 20_000)
    monkeypatch.setattr("headway.services.dictionary.RENEWED_AFTER", 100)
    monkeypatch.setattr("headway.protocol.deflate.MAX_DICTIONARIES", 2)
    monkeypatch.setattr("headway.services.rounds.COHORT_SIZE", 2)
    window = chance.choice([40, 4_096])
    limits = m.Limits(window_events=window, messages_per_s=10_000, burst=10_000)
    journal = MemoryJournal()
    async with feeding(journal, options=SessionOptions(limits=limits)) as (feed, hints):
        execution = AuthoredExecution(journal, hints)
        outlets: list[PausingOutlet] = []
        for _ in range(60):
            action = chance.randrange(6)
            if action == 0 or not outlets:
                mode: m.Mode = chance.choice(["full", "full", "state"])
                model = ViewerModel(chance.choice([execution.id, "audit"]), mode)
                room, deflated = chance.choice([0, 500, 30_000, 1 << 30]), chance.choice([False, True])
                outlets.append(PausingOutlet(model, room, deflated=deflated, window=window))
                outlets[-1].begin(feed)
            elif action <= 2:
                execution.log(chance.randrange(1, 60))
            elif action == 3:
                execution.progress(float(chance.randrange(100)))
            elif action == 4:
                chance.choice(outlets).deliver()
            await asyncio.sleep(chance.choice([0, 0, 0.001, 0.005]))
        execution.complete()
        await soon(lambda: all(outlet.model.view.sealed for outlet in outlets), outlets)

        head = journal.get(execution.id).head.cursor
        lines = lines_of(b"".join(segment.body for segment in journal.read(execution.id, 0)))
        state = encode_state(load_state(journal, execution.id))
        for view in (outlet.model.view for outlet in outlets):
            assert view.cursor == head
            assert encode_state(view.state) == state
            assert view.conflated or view.lines == lines[view.base :]


async def test_a_paused_viewer_puts_no_question_to_the_journal() -> None:
    """Nor is it written to: it costs the frame that is under way."""
    journal = MemoryJournal()
    async with feeding(journal) as (feed, hints):
        execution = AuthoredExecution(journal, hints)
        execution.log(2_000)
        outlet = PausingOutlet(ViewerModel(execution.id), room=0)
        outlet.begin(feed)
        await asyncio.sleep(0.1)
        assert len(outlet.pending) == 1
        await soon(lambda: outlet.model.view.cursor == journal.get(execution.id).head.cursor, [outlet])


class FailingJournal(MemoryJournal):
    """Cannot be read while told so."""

    fails = False

    def tag_at(self, execution_id: str, seq: int) -> int:  # type: ignore[override]
        if self.fails:
            raise JournalUnavailable("the disk is gone")
        return super().tag_at(execution_id, seq)  # type: ignore[arg-type]


async def test_a_read_that_fails_ends_that_subscription_and_says_when_to_come_back() -> None:
    journal = FailingJournal()
    async with feeding(journal) as (feed, hints):
        execution = AuthoredExecution(journal, hints)
        outlet = PausingOutlet(ViewerModel(execution.id), room=1 << 30)
        journal.fails = True
        outlet.begin(feed)
        await soon(lambda: "journal_unavailable" in outlet.model.told, [outlet])
        journal.fails = False
        assert outlet.viewer is not None
        outlet.viewer.receive(encode(m.Sub(x=execution.id)).decode())
        await soon(lambda: outlet.model.view.cursor is not None, [outlet])


async def test_a_fault_in_one_connection_ends_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is shared with it goes on for the others."""
    journal = MemoryJournal()
    async with feeding(journal) as (feed, hints):
        execution = AuthoredExecution(journal, hints)
        bad, good = (PausingOutlet(ViewerModel(execution.id), room=1 << 30) for _ in range(2))
        for outlet in (bad, good):
            outlet.begin(feed)
        await soon(lambda: all(outlet.model.view.cursor for outlet in (bad, good)), [bad, good])

        def fail(frames: bytes) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(bad, "write", fail)
        execution.complete()
        await soon(lambda: good.model.view.sealed is not None, [good])

        assert (bad.ended, good.ended) == (CloseCode.INTERNAL_ERROR, None)
        assert feed.viewers == 1


async def test_nobody_watching_leaves_nothing_behind() -> None:
    journal = MemoryJournal()
    async with feeding(journal) as (feed, hints):
        execution = AuthoredExecution(journal, hints)
        outlets = [PausingOutlet(ViewerModel(x), room=1 << 30) for x in (execution.id, "audit", "*")]
        for outlet in outlets:
            outlet.begin(feed)
        await soon(lambda: all(outlet.model.told for outlet in outlets), outlets)
        for outlet in outlets:
            assert outlet.viewer is not None
            outlet.viewer.lost()
            outlet.viewer.lost()

        assert feed.viewers == 0
        names = [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("tail")]
        await soon(lambda: not [task for task in asyncio.all_tasks() if task.get_name() in names], [])


@pytest.mark.parametrize("slot_s", [2.0, 5.0])
async def test_a_drain_asks_at_most_500_a_second_and_2_000_viewers_within_10_s(slot_s: float) -> None:
    async with feeding(MemoryJournal()) as (feed, _):
        slots = await slots_of(feed, 2_000, within_s=10.0, slot_s=slot_s)
    assert_spread(slots)
    assert len(slots) == 2_000
    assert max(latest for _, latest in slots) <= 10.0


async def test_a_drain_that_nobody_waits_for_takes_as_long_as_500_a_second_need() -> None:
    async with feeding(MemoryJournal()) as (feed, _):
        slots = await slots_of(feed, 6_000, within_s=math.inf, slot_s=5.0)
    assert_spread(slots)
    assert len(slots) == 6_000


async def test_those_who_do_not_fit_into_a_drain_are_told_at_its_end_to_come_back_one_after_the_other() -> (
    None
):
    async with feeding(MemoryJournal()) as (feed, _):
        outlets = [DrainedOutlet(feed) for _ in range(300)]
        await feed.drain(0.2)  # room for a hundred moments and their slots
        slots, ends = [o.slot for o in outlets if o.slot], [o.retry_ms for o in outlets if not o.slot]
        assert_spread(slots)
        assert 40 < len(slots) < 60
        assert ends == sorted(ends)
        assert all(later - earlier == 2 for earlier, later in pairwise(ends))
        assert {o.code for o in outlets if not o.slot} == {CloseCode.SERVICE_RESTART}


async def test_a_short_drain_gives_everybody_a_slot_where_there_is_time_for_it() -> None:
    async with feeding(MemoryJournal()) as (feed, _):
        slots = await slots_of(feed, 100, within_s=1.0, slot_s=2.0)
    assert len(slots) == 100
    assert max(latest for _, latest in slots) <= 1.0
    assert min(latest - earliest for earliest, latest in slots) > 0.7


class DrainedOutlet:
    """Of a viewer that has said hello; keeps what a drain says to it."""

    is_paused = False

    def __init__(self, feed: Feed) -> None:
        self.slot: tuple[float, float] | None = None
        self.code: CloseCode | None = None
        self.retry_ms = 0
        self.viewer = feed.attach(self, knows=lambda token: True, deflated=False)
        self.viewer.receive(encode(m.Hello()).decode())

    def report_to(self, writer: Writer) -> None:
        pass

    def write(self, frames: bytes) -> None:
        for _, text in messages(frames):
            message, _ = decode_server(text)
            if isinstance(message, m.Drain):
                self.slot = message.in_s

    def pending_bytes(self) -> int:
        return 0

    def close(self, code: CloseCode, reason: str) -> None:
        self.code, self.retry_ms = code, json.loads(reason)["retry"]

    def abort(self) -> None:
        raise AssertionError("nobody stalls here")


async def slots_of(feed: Feed, viewers: int, *, within_s: float, slot_s: float) -> list[tuple[float, float]]:
    """What so many viewers are told; they leave as soon as they are asked to."""
    outlets = [DrainedOutlet(feed) for _ in range(viewers)]
    draining = asyncio.create_task(feed.drain(within_s, slot_s=slot_s))
    await asyncio.sleep(0)
    for outlet in outlets:
        outlet.viewer.lost()
    await draining
    return [outlet.slot for outlet in outlets if outlet.slot is not None]


def assert_spread(slots: list[tuple[float, float]]) -> None:
    """The slots begin one after the other, at most 500 a second."""
    begins = [earliest for earliest, _ in slots]
    assert all(later - earlier == pytest.approx(0.002) for earlier, later in pairwise(begins))


async def test_room_is_checked_before_a_connection_is_accepted() -> None:
    async with feeding(MemoryJournal(), max_viewers=1) as (feed, _):
        feed.check_room()
        PausingOutlet(ViewerModel("audit"), room=1).begin(feed)
        with pytest.raises(TooManyConnections):
            feed.check_room()
        feed.is_draining = True
        with pytest.raises(ServerDraining):
            feed.check_room()


async def test_a_paused_viewer_steps_aside_and_comes_back_to_everything() -> None:
    """After the first chunk that it cannot take it is not offered another, and it misses none of them."""
    journal = MemoryJournal()
    async with feeding(journal) as (feed, hints):
        execution = AuthoredExecution(journal, hints)
        stalled = CountingOutlet(ViewerModel(execution.id, "full"), 0)
        live = PausingOutlet(ViewerModel(execution.id, "full"), 1 << 30)
        stalled.begin(feed)
        live.begin(feed)
        await soon(lambda: seq_of(live) == seq_of(stalled) == execution.last_seq, [live, stalled])
        for _ in range(2):  # one to be paused by, one to step aside
            execution.log()
            await soon(lambda: seq_of(live) == execution.last_seq, [live])
        asked = stalled.asked
        for _ in range(20):
            execution.log(5)
            await soon(lambda: seq_of(live) == execution.last_seq, [live])
        assert stalled.asked == asked

        await soon(lambda: seq_of(stalled) == execution.last_seq, [stalled])


async def test_a_viewer_that_pauses_at_every_write_is_given_the_dictionary_with_the_frame_that_needs_it() -> (
    None
):
    """However often it is left out of a frame in between: neither is written without the other."""
    journal = MemoryJournal()
    async with feeding(journal) as (feed, hints):
        execution = AuthoredExecution(journal, hints)
        pausing, live = (
            PausingOutlet(ViewerModel(execution.id), room, deflated=True) for room in (0, 1 << 30)
        )
        for outlet in (pausing, live):
            outlet.begin(feed)
        await soon(lambda: seq_of(live) == seq_of(pausing) == execution.last_seq, [live, pausing])
        for _ in range(3):  # after which there is a dictionary; the one that pauses has taken only the first
            execution.log(10)
            await soon(lambda: seq_of(live) == execution.last_seq, [live])
        assert len(live.inflater.dictionaries) == 1
        assert not pausing.inflater.dictionaries
        for _ in range(20):
            execution.log(10)
            await soon(lambda: seq_of(live) == seq_of(pausing) == execution.last_seq, [live, pausing])

        assert pausing.inflater.dictionaries == live.inflater.dictionaries
        assert pausing.model.view.lines == live.model.view.lines


async def test_each_frame_can_be_read_though_dictionaries_push_each_other_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two subscriptions of one connection, whose client remembers a single dictionary."""
    monkeypatch.setattr("headway.protocol.deflate.MAX_DICTIONARIES", 1)
    journal = MemoryJournal()
    async with feeding(journal) as (feed, hints):
        executions = [AuthoredExecution(journal, hints) for _ in range(2)]
        outlet = PausingOutlet(ViewerModel(executions[0].id), room=1 << 30, deflated=True)
        outlet.begin(feed)
        assert outlet.viewer is not None
        outlet.viewer.receive(encode(m.Sub(x=executions[1].id)).decode())
        seen: dict[str, int] = {}

        def arrived() -> bool:
            pending, outlet.pending = outlet.pending, []
            for is_text, payload in (each for frames in pending for each in messages(frames)):
                text = payload if is_text else outlet.inflater.read(payload)  # raises where it has none
                message = None if text is None else decode_server(text)[0]
                if isinstance(message, m.Snap | m.Ev):
                    seen[message.x] = Cursor.parse(message.cur).seq
            return all(seen.get(each.id) == each.last_seq for each in executions)

        await soon(arrived, [])
        for turn in range(30):
            executions[turn % 2].log(10)
            if turn % 3:
                executions[0].log(10)
            await soon(arrived, [])


async def test_a_page_read_while_it_ran_serves_who_comes_after_the_end() -> None:
    """What was known of the log's end when the page was read holds nobody back until the next ping."""
    journal = MemoryJournal()
    async with feeding(journal) as (feed, hints):
        execution = AuthoredExecution(journal, hints)
        early, late = (PausingOutlet(ViewerModel(execution.id, whole=100), room=1 << 30) for _ in range(2))
        early.begin(feed)
        await soon(lambda: seq_of(early) == execution.last_seq, [early])
        execution.complete()
        await soon(lambda: early.model.view.sealed is not None, [early])

        late.begin(feed)
        await soon(lambda: late.model.view.sealed is not None, [late], within_s=5.0)
        assert late.model.view.lines == early.model.view.lines
