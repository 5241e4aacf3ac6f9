"""Every journal against a model: lists and plain rules, written apart from the adapters' own."""

import tempfile
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.support.builders import WORKFLOW, a_batch, a_new_execution, lines_of

from headway.adapters.journal.memory import MemoryJournal
from headway.adapters.journal.sqlite import SqliteJournal
from headway.domain.events import stored_line
from headway.domain.position import chain, initial_tag
from headway.errors import AppendConflict, ExecutionClosed, LeaseLost, ProducerGap
from headway.ports import Appended, Batch, Journal, Lease

EPOCH = "00c0ffee"
PRODUCERS = st.sampled_from(["run", "server", "supervisor"])


class JournalMachine(RuleBasedStateMachine):
    """One execution: appended to, retried, closed, fenced; after each step the log is what the model says."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self.journal = journal
        new = a_new_execution()
        self.execution = self.journal.create(new)[0]
        self.lines = [stored_line(1, new.queued)]
        self.next_number = {"run": 1, "server": 1, "supervisor": 1}
        self.last_batch: dict[str, tuple[Batch, int]] = {}
        self.lease: Lease | None = None
        self.lost_leases: list[Lease] = []
        self.closed = False
        self.workers = (f"worker {n}" for n in count(1))

    def append(self, batch: Batch) -> Appended | Exception:
        return self.journal.append([batch])[0]

    def next_batch(self, producer: str, size: int, **options: object) -> Batch:
        number = self.next_number[producer]
        return a_batch(self.execution, size, producer_id=producer, first_producer_seq=number, **options)  # type: ignore[arg-type]

    def expect_stored(self, batch: Batch) -> None:
        first = len(self.lines) + 1
        result = self.append(batch)
        self.lines += [stored_line(seq, body) for seq, body in enumerate(batch.bodies, first)]
        assert isinstance(result, Appended), result
        assert (result.first_seq, result.last_seq, result.duplicate) == (first, len(self.lines), False)
        self.next_number[batch.producer_id] += len(batch.bodies)
        self.last_batch[batch.producer_id] = (batch, first)
        self.closed = batch.closes

    @precondition(lambda self: not self.closed)
    @rule(producer=PRODUCERS, size=st.integers(1, 5), checked=st.booleans(), closes=st.integers(0, 9))
    def appends(self, producer: str, size: int, checked: bool, closes: int) -> None:
        self.expect_stored(
            self.next_batch(
                producer,
                size,
                expected_last_seq=len(self.lines) if checked else None,
                lease=self.lease if producer == "run" else None,
                closes=closes == 0,
            )
        )

    @precondition(lambda self: self.last_batch)
    @rule(data=st.data())
    def retries(self, data: st.DataObject) -> None:
        """L5, whatever has happened in between."""
        batch, first = self.last_batch[data.draw(st.sampled_from(sorted(self.last_batch)))]
        result = self.append(batch)
        assert isinstance(result, Appended)
        assert (result.first_seq, result.last_seq) == (first, first + len(batch.bodies) - 1)
        assert result.duplicate
        assert result.last_tag == self.tag(result.last_seq)

    @precondition(lambda self: not self.closed)
    @rule(producer=PRODUCERS, ahead=st.integers(1, 3))
    def skips_numbers(self, producer: str, ahead: int) -> None:
        number = self.next_number[producer] + ahead
        batch = a_batch(self.execution, producer_id=producer, first_producer_seq=number)
        assert isinstance(self.append(batch), ProducerGap)

    @precondition(lambda self: not self.closed)
    @rule(producer=PRODUCERS, off=st.sampled_from([-1, 1, 7]))
    def expects_another_seq(self, producer: str, off: int) -> None:
        batch = self.next_batch(producer, 1, expected_last_seq=len(self.lines) + off)
        assert isinstance(self.append(batch), AppendConflict)

    @precondition(lambda self: self.closed)
    @rule(producer=PRODUCERS)
    def appends_after_the_end(self, producer: str) -> None:
        """L4."""
        assert isinstance(self.append(self.next_batch(producer, 1)), ExecutionClosed)

    @rule()
    def changes_hands(self) -> None:
        if self.lease is not None:
            released = self.journal.release(self.lease.owner, crashed=False)
            assert len(released) == (0 if self.closed else 1)
            if not self.closed:
                self.lost_leases.append(self.lease)
                self.lease = None
        worker = next(self.workers)
        taken = self.journal.claim(worker, [WORKFLOW], 1)
        assert len(taken) == (0 if self.closed else 1)
        if taken:
            self.lease = Lease(owner=worker, epoch=taken[0].lease_epoch)

    @precondition(lambda self: self.lost_leases)
    @rule(data=st.data())
    def appends_under_a_lost_lease(self, data: st.DataObject) -> None:
        lease = data.draw(st.sampled_from(self.lost_leases))
        assert isinstance(self.append(self.next_batch("run", 1, lease=lease)), LeaseLost)

    @rule(after=st.integers(0, 60), max_events=st.integers(1, 20))
    def reads(self, after: int, max_events: int) -> None:
        """L2: any part of the log is the same bytes for ever."""
        segments = self.journal.read(self.execution, after, max_events=max_events)
        assert lines_of(segments) == self.lines[after : after + max_events]
        if segments:
            assert segments[0].tag_before == self.tag(after)

    @rule(after=st.integers(0, 60))
    def is_compacted(self, after: int) -> None:
        """At any time, from anywhere: no later read may tell."""
        at: int | None = after
        while at is not None:
            at = self.journal.compact(self.execution, at)

    @invariant()
    def the_head_is_the_models(self) -> None:
        head = self.journal.heads([self.execution])[self.execution]
        assert (head.last_seq, head.closed) == (len(self.lines), self.closed)
        assert (
            head.last_tag == self.tag(len(self.lines)) == self.journal.tag_at(self.execution, head.last_seq)
        )

    def tag(self, seq: int) -> int:
        return chain(initial_tag(EPOCH), b"".join(line + b"\n" for line in self.lines[:seq]))

    def teardown(self) -> None:
        self.journal.close()


class MemoryMachine(JournalMachine):
    def __init__(self) -> None:
        super().__init__(MemoryJournal(new_epoch=lambda: EPOCH))


class SqliteMachine(JournalMachine):
    def __init__(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        path = Path(self.directory.name) / "headway.db"
        super().__init__(SqliteJournal(path, synchronous="NORMAL", new_epoch=lambda: EPOCH))

    def teardown(self) -> None:
        super().teardown()
        self.directory.cleanup()


@pytest.mark.parametrize(("machine", "examples"), [(MemoryMachine, 100), (SqliteMachine, 60)])
def test_the_journal_does_what_the_model_does(
    machine: type[MemoryMachine | SqliteMachine], examples: int
) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
