"""What is emitted is stored once, in order and whole; what cannot be stored is told of."""

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
import pytest
from tests.support.builders import AT, WORKFLOW, a_new_execution
from tests.support.eventually import eventually
from tests.support.faulty_journal import FaultyJournal

from headway.adapters.clock import SystemClock
from headway.adapters.hints.memory import MemoryHintBus
from headway.adapters.journal.memory import MemoryJournal
from headway.domain import events as e
from headway.domain.execution import State
from headway.domain.identifiers import ExecutionId
from headway.domain.masking import Masks
from headway.domain.progress import Rollup
from headway.errors import ExecutionClosed, HeadwayError, LeaseLost
from headway.ports import Batch, Hint, Lease
from headway.services.claims import read_claim
from headway.services.inbox import Inbox
from headway.services.lane import CHECKPOINT_EVENTS, CLOSING_EVENTS, Lane
from headway.services.recorder import Recorder
from headway.services.states import events_between, load_state


class Bench:
    """A recorder over a journal in memory, with one execution claimed."""

    def __init__(self, **limits: int) -> None:
        self.journal = FaultyJournal()
        self.hints = MemoryHintBus()
        self.recorder = Recorder(self.journal, self.hints, SystemClock(), **limits)
        self.foreign: list[e.Event] = []
        self.lost: list[HeadwayError] = []
        self.lane = self.open()

    def open(self, secrets: Sequence[str] = ()) -> Lane:
        new = a_new_execution()
        self.journal.create(new)
        (record,) = self.journal.claim("ada", [WORKFLOW], 1)
        claim = read_claim(self.journal, record)
        return self.recorder.open(
            lease=Lease(owner="ada", epoch=record.lease_epoch),
            state=claim.state,
            rollup=claim.rollup,
            on_foreign=self.foreign.extend,
            on_lost=self.lost.append,
            secrets=secrets,
        )

    def events(self, lane: Lane | None = None) -> list[e.Event]:
        execution_id = (lane or self.lane).execution_id
        last_seq = self.journal.get(execution_id).head.last_seq
        return list(events_between(self.journal, execution_id, 0, last_seq))

    def messages(self, lane: Lane | None = None) -> list[str]:
        return [event.data.message for event in self.events(lane) if isinstance(event.data, e.Log)]

    def append_as_server(self, data: e.EventData, execution_id: ExecutionId) -> None:
        """What another process puts into the log."""
        body = e.encode_body(data, AT)
        (outcome,) = MemoryJournal.append(
            self.journal,
            [
                Batch(
                    execution_id=execution_id,
                    producer_id=f"server:{time.monotonic_ns()}",
                    first_producer_seq=1,
                    bodies=[body],
                    closes=data.terminal,
                )
            ],
        )
        assert not isinstance(outcome, Exception)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    made.recorder.start()
    yield made
    made.journal.gate.set()
    made.journal.unavailable = False
    made.recorder.close()


def a_log(message: str) -> e.Log:
    return e.Log("INFO", message)


def a_progress(done: float, step_id: str = "fetch#1") -> e.StepProgressed:
    return e.StepProgressed(step="fetch", step_id=step_id, done=done, total=100.0)


def the_end(totals: e.Totals) -> e.ExecutionCompleted:
    result = e.ExecutionResult(execution_id="x", status="completed", totals=totals)
    return e.ExecutionCompleted(totals=totals, result=result)


CANCEL = e.ControlRequested(control="cancel", control_id="c1", by="ada", phase="cancelling")


def test_events_of_all_lanes_are_stored_in_the_order_of_their_emits(bench: Bench) -> None:
    other = bench.open()
    for n in range(600):
        bench.lane.emit(a_log(f"a{n}"))
        other.emit(a_log(f"b{n}"))
    assert bench.recorder.flush()
    assert bench.messages() == [f"a{n}" for n in range(600)]
    assert bench.messages(other) == [f"b{n}" for n in range(600)]


def test_each_thread_keeps_its_order(bench: Bench) -> None:
    def talk(name: str) -> None:
        for n in range(2_000):
            bench.lane.emit(a_log(f"{name}:{n}"))

    threads = [threading.Thread(target=talk, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bench.recorder.flush()
    for name in "abc":
        assert [m for m in bench.messages() if m.startswith(name)] == [f"{name}:{n}" for n in range(2_000)]


def test_an_event_is_stored_soon_without_being_asked_for(bench: Bench) -> None:
    bench.lane.emit(a_log("hello"))
    eventually(lambda: bench.messages() == ["hello"])


async def test_a_commit_is_durable_when_it_returns_with_all_before_it(bench: Bench) -> None:
    bench.lane.emit(a_log("before"))
    await bench.lane.commit(e.StepCompleted(step="fetch", step_id="fetch#1"))
    assert [event.kind for event in bench.events()] == ["execution.queued", "log", "step.completed"]


async def test_the_timestamp_is_that_of_the_emit(bench: Bench) -> None:
    bench.journal.gate.clear()
    bench.lane.emit(a_log("first"))
    bench.journal.waiting.wait(5)
    bench.lane.emit(a_log("second"))
    emitted_by = time.time()
    await asyncio.sleep(0.05)  # time passes before the second one can be stored
    bench.journal.gate.set()
    assert await asyncio.to_thread(bench.recorder.flush)
    last = bench.events()[-1]
    assert datetime.fromisoformat(last.timestamp).timestamp() <= emitted_by


async def test_the_seal_counts_everything_and_is_last(bench: Bench) -> None:
    bench.lane.emit(a_log("one"))
    bench.lane.emit(e.Log("ERROR", "two"))
    closing = bench.lane.close(the_end)
    bench.lane.emit(a_log("too late"))
    await closing
    terminal = bench.events()[-1].data
    assert isinstance(terminal, e.ExecutionCompleted)
    assert terminal.totals == e.Totals(events=4, logs=2, errors=1, dropped=0)
    assert bench.journal.get(bench.lane.execution_id).head.closed
    assert bench.messages() == ["one", "two"]


async def test_the_stored_state_is_the_fold_of_the_log(bench: Bench) -> None:
    """The checkpoint written with a batch, and the summary, say what the log says."""
    for n in range(CHECKPOINT_EVENTS + 10):
        bench.lane.emit(a_log(str(n)))
    await bench.lane.close(the_end)
    folded = State(execution_id=bench.lane.execution_id, workflow_id=WORKFLOW)
    for event in bench.events():
        folded.apply(event)
    seq, stored = bench.journal.checkpoint(bench.lane.execution_id, 10**9) or (0, b"")
    assert seq == folded.seq
    assert msgspec.json.decode(stored, type=State) == folded
    assert bench.journal.get(bench.lane.execution_id).summary.status == "completed"


async def test_a_log_that_ends_soon_is_folded_instead_of_its_state_stored(bench: Bench) -> None:
    bench.lane.emit(a_log("one"))
    await bench.lane.close(the_end)
    assert bench.journal.checkpoint(bench.lane.execution_id, 10**9) is None
    assert load_state(bench.journal, bench.lane.execution_id).status == "completed"


async def test_a_longer_log_ends_with_its_state(bench: Bench) -> None:
    for n in range(CLOSING_EVENTS):
        bench.lane.emit(a_log(str(n)))
    await bench.lane.close(the_end)
    seq, _ = bench.journal.checkpoint(bench.lane.execution_id, 10**9) or (0, b"")
    assert seq == bench.journal.get(bench.lane.execution_id).head.last_seq


async def test_events_of_others_are_folded_in_log_order(bench: Bench) -> None:
    """A control that the server put in between is told of once, and the state is still the fold."""
    bench.lane.emit(a_log("before"))
    await bench.lane.commit(e.StepStarted(step="fetch", step_id="fetch#1"))
    bench.append_as_server(CANCEL, bench.lane.execution_id)
    bench.lane.emit(a_log("after"))
    await bench.lane.commit(e.StepCompleted(step="fetch", step_id="fetch#1"))
    assert [event.data for event in bench.foreign] == [CANCEL]
    assert bench.lane.state == load_state(bench.journal, bench.lane.execution_id)
    assert bench.lane.state.phase == "cancelling"
    assert bench.messages() == ["before", "after"]


async def test_totals_count_what_came_in_between(bench: Bench) -> None:
    bench.append_as_server(CANCEL, bench.lane.execution_id)
    await bench.lane.close(the_end)
    terminal = bench.events()[-1]
    assert isinstance(terminal.data, e.ExecutionCompleted)
    assert terminal.data.totals.events == terminal.seq == 3


def test_a_hint_brings_events_of_others_to_a_quiet_lane(bench: Bench) -> None:
    bench.append_as_server(CANCEL, bench.lane.execution_id)
    bench.recorder.poke(bench.lane.execution_id, 2)
    eventually(lambda: [event.data for event in bench.foreign] == [CANCEL])


def test_without_a_hint_the_sweep_finds_them(bench: Bench) -> None:
    bench.append_as_server(CANCEL, bench.lane.execution_id)
    eventually(lambda: [event.data for event in bench.foreign] == [CANCEL], within_s=3)


async def test_a_lost_answer_stores_nothing_twice(bench: Bench) -> None:
    bench.journal.forgetful = 1
    bench.lane.emit(a_log("once"))
    await bench.lane.commit(e.StepCompleted(step="fetch", step_id="fetch#1"))
    bench.lane.emit(a_log("more"))
    assert await asyncio.to_thread(bench.recorder.flush)
    assert [event.seq for event in bench.events()] == [1, 2, 3, 4]
    assert bench.messages() == ["once", "more"]


async def test_while_the_store_is_away_events_wait(bench: Bench) -> None:
    bench.journal.unavailable = True
    waiting = bench.lane.commit(e.StepCompleted(step="fetch", step_id="fetch#1"))
    await asyncio.to_thread(eventually, lambda: len(bench.journal.calls) >= 2)
    assert not waiting.done()
    bench.journal.unavailable = False
    await asyncio.wait_for(waiting, 5)
    tries = [calls[0] for calls in bench.journal.calls]
    assert {batch.first_producer_seq for batch in tries} == {1}, "a retry keeps its numbers"


def test_when_the_store_stalls_logs_are_dropped_oldest_first_and_counted() -> None:
    """Status events are kept, one gap says how many lines are missing, and the totals say so too."""
    bench = Bench(max_events=100)
    bench.recorder.start()
    bench.journal.gate.clear()
    bench.lane.emit(a_log("on its way"))
    assert bench.journal.waiting.wait(5)
    for n in range(250):
        bench.lane.emit(a_log(str(n)))
        if n == 10:
            bench.lane.emit(e.StepStarted(step="fetch", step_id="fetch#1"))
    bench.journal.gate.set()
    assert bench.recorder.flush()
    gaps = [event.data for event in bench.events() if isinstance(event.data, e.Gap)]
    assert [(gap.dropped, gap.logs, gap.progress) for gap in gaps] == [(150, 150, 0)]
    assert bench.messages() == ["on its way", *(str(n) for n in range(150, 250))]
    assert "step.started" in [event.kind for event in bench.events()]
    assert bench.lane.state.sealed_totals().dropped == 150
    bench.recorder.close()


def test_many_characters_count_like_many_events() -> None:
    bench = Bench(max_chars=1_000)
    bench.recorder.start()
    bench.journal.gate.clear()
    bench.lane.emit(a_log("on its way"))
    assert bench.journal.waiting.wait(5)
    for letter in "abcdefghijklmnopqrstuvwxyz":
        for _ in range(12):
            bench.lane.emit(a_log(letter * 100))
    bench.journal.gate.set()
    assert bench.recorder.flush()
    kept = [message for message in bench.messages() if len(message) == 100]
    assert 0 < len(kept) <= 26 * 12
    assert kept[-1] == "z" * 100
    bench.recorder.close()


async def test_a_newer_lease_ends_the_lane_quietly(bench: Bench, caplog: Any) -> None:
    bench.journal.release("ada", crashed=True)
    bench.journal.claim("bob", [WORKFLOW], 1)
    with pytest.raises(LeaseLost):
        await bench.lane.commit(e.StepCompleted(step="fetch", step_id="fetch#1"))
    assert [type(error) for error in bench.lost] == [LeaseLost]
    assert len(bench.events()) == 1
    assert not caplog.records
    with pytest.raises(ExecutionClosed):
        await asyncio.wait_for(bench.lane.commit(a_log("nobody stores this")), 5)


async def test_an_execution_that_others_ended_takes_nothing_more(bench: Bench) -> None:
    end = the_end(e.Totals(events=2, logs=0, errors=0))
    bench.append_as_server(end, bench.lane.execution_id)
    with pytest.raises(ExecutionClosed):
        await bench.lane.commit(a_log("late"))
    assert [type(error) for error in bench.lost] == [ExecutionClosed]


async def test_one_event_that_cannot_be_encoded_stops_no_other(bench: Bench) -> None:
    bench.lane.emit(a_log("before"))
    bench.lane.emit(e.Log("INFO", object()))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        await bench.lane.commit(e.Log("INFO", object()))  # type: ignore[arg-type]
    bench.lane.emit(a_log("after"))
    assert await asyncio.to_thread(bench.recorder.flush)
    refused = "a log event could not be recorded: TypeError"
    assert bench.messages() == ["before", refused, refused, "after"]


def test_a_tight_progress_loop_is_conflated_to_its_last_figure(bench: Bench) -> None:
    bench.lane.emit(e.StepStarted(step="fetch", step_id="fetch#1"))
    for done in range(1, 20_001):
        bench.lane.emit(a_progress(done / 200))
    bench.lane.emit(e.StepCompleted(step="fetch", step_id="fetch#1"))
    assert bench.recorder.flush()
    told = [event.data for event in bench.events() if isinstance(event.data, e.StepProgressed)]
    assert told[-1].done == 100.0
    assert len(told) < 100
    assert [event.kind for event in bench.events()][-2:] == ["step.progressed", "step.completed"]


def test_conflation_never_moves_progress_over_another_event(bench: Bench) -> None:
    """Each figure that a log line follows is either left out or stands before that line."""
    bench.lane.emit(e.StepStarted(step="fetch", step_id="fetch#1"))
    for n in range(200):
        bench.lane.emit(a_progress(float(n % 100)))
        bench.lane.emit(a_log(str(n)))
    assert bench.recorder.flush()
    state = State(execution_id="x", workflow_id="y")
    for event in bench.events():
        state.apply(event)
    assert state.steps["fetch#1"].done == 99.0
    assert bench.messages() == [str(n) for n in range(200)]


def test_held_progress_is_stored_by_itself_after_a_while(bench: Bench) -> None:
    bench.lane.emit(a_progress(1.0))
    bench.lane.emit(a_log("between"))
    bench.lane.emit(a_progress(2.0))
    eventually(lambda: getattr(bench.events()[-1].data, "done", None) == 2.0, within_s=2)


def test_hints_follow_the_commit_and_name_the_head(bench: Bench) -> None:
    heard: list[Hint] = []

    def receive(hints: Any) -> None:
        for hint in hints:
            assert bench.journal.get(bench.lane.execution_id).head.last_seq >= hint.last_seq
            heard.append(hint)

    bench.hints.subscribe(receive)
    for n in range(10):
        bench.lane.emit(a_log(str(n)))
    eventually(lambda: heard and heard[-1] == Hint("events", bench.lane.execution_id, 11))


def test_what_is_emitted_in_one_go_shares_a_transaction(bench: Bench) -> None:
    bench.journal.gate.clear()
    bench.lane.emit(a_log("first"))
    assert bench.journal.waiting.wait(5)
    for n in range(200):
        bench.lane.emit(a_log(str(n)))
    bench.journal.gate.set()
    assert bench.recorder.flush()
    assert [sum(len(batch.bodies) for batch in call) for call in bench.journal.calls] == [1, 200]


def test_emit_never_raises_not_even_after_the_recorder_has_ended() -> None:
    bench = Bench()
    bench.recorder.start()
    bench.recorder.close()
    bench.lane.emit(a_log("into the void"))
    assert bench.messages() == []


def test_closing_stores_what_is_left() -> None:
    bench = Bench()
    bench.recorder.start()
    bench.lane.emit(a_log("last words"))
    bench.recorder.close()
    assert bench.messages() == ["last words"]


async def test_a_secret_is_masked_before_it_is_folded_and_stored_also_beside_others_events() -> None:
    bench = Bench()
    bench.recorder.start()
    lane = bench.open(secrets=["hunter2"])
    bench.append_as_server(e.Log("INFO", "from the server"), lane.execution_id)
    result = e.ExecutionResult(
        execution_id=lane.execution_id,
        status="failed",
        error="no hunter2",
        totals=e.Totals(events=0, logs=0, errors=0),
    )
    line = e.Log("INFO", "with hunter2")
    lane.emit(line)
    await lane.close(lambda totals: e.ExecutionFailed(error="no hunter2", totals=totals, result=result))
    bench.recorder.close()

    assert bench.messages(lane) == ["from the server", "with ***"]
    end = bench.events(lane)[-1].data
    assert isinstance(end, e.ExecutionFailed)
    assert (end.error, end.result.error) == ("no ***", "no ***")
    record = bench.journal.get(lane.execution_id)
    assert (record.summary.error, lane.state.error) == ("no ***", "no ***")
    assert line.message == "with hunter2"


def test_a_full_inbox_keeps_what_may_not_be_dropped_in_order() -> None:
    inbox = Inbox(time.time_ns, max_events=10)
    lane = Lane(
        inbox,
        str,  # type: ignore[arg-type]
        lease=Lease(owner="ada", epoch=1),
        state=State(execution_id="x", workflow_id="y"),
        rollup=Rollup(),
        masks=Masks(),
        on_foreign=lambda _: None,
        on_lost=lambda _: None,
    )
    for n in range(50):
        lane.emit(e.StepStarted(step="fetch", step_id=f"fetch#{n}"))
        lane.emit(a_log(str(n)))
    taken, dropped = inbox.take()
    steps = [entry.step_id for _, _, entry, _ in taken if isinstance(entry, e.StepStarted)]
    logs = [entry.message for _, _, entry, _ in taken if isinstance(entry, e.Log)]
    assert steps == [f"fetch#{n}" for n in range(50)]
    assert logs == [str(n) for n in range(50 - len(logs), 50)]
    assert dropped[lane].logs + len(logs) == 50
