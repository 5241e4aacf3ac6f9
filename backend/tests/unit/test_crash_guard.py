"""What becomes of a dead worker's executions."""

import pytest
from tests.support.builders import WORKFLOW, a_body, a_new_execution

from headway.adapters.clock import SystemClock
from headway.adapters.hints.memory import MemoryHintBus
from headway.adapters.journal.memory import MemoryJournal
from headway.domain import events as e
from headway.domain.identifiers import ExecutionId
from headway.ports import Batch, Hint, Lease
from headway.services import crash_guard
from headway.services.controls import Controls
from headway.services.states import events_between, load_state


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


def crash(journal: MemoryJournal, number: int) -> None:
    """A worker takes up what is free, and dies."""
    journal.claim(f"worker-{number}", [WORKFLOW], 10)
    crash_guard.settle(
        journal, MemoryHintBus(), SystemClock(), f"worker-{number}", crashed=True, death="exit code 7"
    )


def an_open_execution(journal: MemoryJournal) -> ExecutionId:
    execution_id, _ = journal.create(a_new_execution())
    return execution_id


def test_what_a_dead_worker_held_is_free_for_the_next_and_hinted_at(journal: MemoryJournal) -> None:
    execution_id = an_open_execution(journal)
    journal.claim("worker-1", [WORKFLOW], 10)
    hints, heard = MemoryHintBus(), list[Hint]()
    hints.subscribe(heard.extend)
    [held] = crash_guard.settle(journal, hints, SystemClock(), "worker-1", crashed=True)
    assert held.execution_id == execution_id
    assert [each.execution_id for each in journal.claim("worker-2", [WORKFLOW], 10)] == [execution_id]
    assert Hint("queue") in heard


def test_three_crashes_in_a_row_end_an_execution_as_failed_with_its_seal(journal: MemoryJournal) -> None:
    execution_id = an_open_execution(journal)
    for number in range(1, 4):
        crash(journal, number)
    state = load_state(journal, execution_id)
    assert (state.status, state.error_code, state.closed) == ("failed", "crash_loop", True)
    assert state.error == "the worker died 3 times in a row while it ran this (the last time: exit code 7)"
    assert state.totals is not None
    assert state.totals.events == state.seq
    assert journal.get(execution_id).summary.error_code == "crash_loop"


def test_of_many_only_the_one_that_crashes_alone_is_blamed(journal: MemoryJournal) -> None:
    """An innocent with a long step, which was there each time, does not end as a crash loop."""
    killer, *innocents = [an_open_execution(journal) for _ in range(4)]
    for number in range(1, 4):
        crash(journal, number)
    assert load_state(journal, killer).error_code == "crash_loop"
    assert not any(journal.get(each).head.closed for each in innocents)
    assert {journal.get(each).crashes for each in innocents} == {2}


def test_with_others_beside_it_a_suspect_ends_only_after_twice_as_many(journal: MemoryJournal) -> None:
    """As where the others were running already when it was taken up."""
    both = [an_open_execution(journal) for _ in range(2)]
    for number in range(6):
        assert not any(journal.get(each).head.closed for each in both)
        for _ in both:  # one claim hands out one suspect
            journal.claim(f"worker-{number}", [WORKFLOW], 10)
        crash_guard.settle(journal, MemoryHintBus(), SystemClock(), f"worker-{number}", crashed=True)
    assert all(load_state(journal, each).error_code == "crash_loop" for each in both)


def test_two_crashes_do_not(journal: MemoryJournal) -> None:
    execution_id = an_open_execution(journal)
    for number in (1, 2):
        crash(journal, number)
    assert not journal.get(execution_id).head.closed


def test_a_completed_step_starts_the_count_anew(journal: MemoryJournal) -> None:
    execution_id = an_open_execution(journal)
    for number in range(1, 6):
        [record] = journal.claim(f"worker-{number}", [WORKFLOW], 10)
        lease = Lease(owner=f"worker-{number}", epoch=record.lease_epoch)
        batch = Batch(
            execution_id=execution_id,
            producer_id="worker",
            producer_epoch=lease.epoch,
            first_producer_seq=1,
            bodies=[a_body()],
            lease=lease,
            progressed=True,
        )
        assert not isinstance(journal.append([batch])[0], Exception)
        crash_guard.settle(journal, MemoryHintBus(), SystemClock(), lease.owner, crashed=True)
    assert not journal.get(execution_id).head.closed


def test_a_clean_end_counts_no_crash(journal: MemoryJournal) -> None:
    execution_id = an_open_execution(journal)
    for number in range(1, 6):
        journal.claim(f"worker-{number}", [WORKFLOW], 10)
        crash_guard.settle(journal, MemoryHintBus(), SystemClock(), f"worker-{number}", crashed=False)
    assert not journal.get(execution_id).head.closed
    assert journal.get(execution_id).crashes == 0


def test_a_forced_one_is_cancelled_with_its_receipts_and_the_others_are_told_and_not_blamed(
    journal: MemoryJournal,
) -> None:
    forced, other = [an_open_execution(journal) for _ in range(2)]
    journal.claim("worker-1", [WORKFLOW], 10)
    controls = Controls(journal, MemoryHintBus(), SystemClock(), lambda: 1)
    controls.cancel(forced, by="ada")
    controls.cancel(forced, by="ben", force=True)
    for _ in range(2):  # as where the journal failed in between
        crash_guard.settle(
            journal, MemoryHintBus(), SystemClock(), "worker-1", crashed=False, forced=[forced]
        )
    state = load_state(journal, forced)
    assert (state.status, state.closed) == ("cancelled", True)
    told = [(one.by, one.force, one.stage) for one in state.controls.values()]
    assert told == [("ada", False, "effective"), ("ben", True, "effective")]
    record = journal.get(other)
    assert (record.lease_owner, record.crashes, record.head.closed) == (None, 0, False)
    [event] = events_between(journal, other, 1, record.head.last_seq)
    assert isinstance(event.data, e.Log)
    assert f"because the cancel of {forced} was forced" in event.data.message


def test_settling_a_worker_twice_adds_nothing(journal: MemoryJournal) -> None:
    execution_id = an_open_execution(journal)
    for number in (1, 2, 3, 3):
        crash(journal, number)
    assert journal.get(execution_id).head.last_seq == 2


def test_every_owner_is_settled_at_a_start(journal: MemoryJournal) -> None:
    an_open_execution(journal)
    journal.claim("worker-of-a-run-that-was-cut-off", [WORKFLOW], 10)
    assert crash_guard.settle_all(journal, MemoryHintBus(), SystemClock()) == 1
    assert journal.owners() == []


def test_the_failure_names_the_step_that_ran(journal: MemoryJournal) -> None:
    execution_id = an_open_execution(journal)
    started = e.encode_body(e.StepStarted(step="fetch", step_id="fetch#1"), "2026-11-22T21:30:00.000000Z")
    journal.append(
        [Batch(execution_id=execution_id, producer_id="test", first_producer_seq=1, bodies=[started])]
    )
    for number in range(1, 4):
        crash(journal, number)
    assert load_state(journal, execution_id).step == "fetch"
