"""When a worker is ended for a cancel that is forced, and when it is not."""

import pytest
from tests.support.authored import AuthoredExecution

from headway.adapters.clock import SystemClock
from headway.adapters.hints.memory import MemoryHintBus
from headway.adapters.journal.memory import MemoryJournal
from headway.domain import events as e
from headway.domain.identifiers import WorkflowId
from headway.ports import Batch
from headway.services.controls import Controls
from headway.services.forced_cancels import ANSWER_S, END_S, ForcedCancels


class Bench:
    """An execution that worker `w` holds, and a clock to be set."""

    def __init__(self) -> None:
        self.now = 100.0
        self.journal = MemoryJournal()
        self.execution = AuthoredExecution(self.journal, MemoryHintBus())
        self.execution.start()
        self.journal.claim("w", [WorkflowId("audit")], 1)
        self._controls = Controls(self.journal, MemoryHintBus(), SystemClock(), lambda: 1)
        self._cancels = ForcedCancels(self.journal, lambda: self.now)

    def cancel(self, *, force: bool) -> str:
        return self._controls.cancel(self.execution.id, force=force).control_id

    def overdue_after(self, seconds: float, *owners: str) -> bool:
        """Whether the worker is to be ended so long after this look."""
        self._cancels.overdue(owners or ("w",))
        self.now += seconds
        found = self._cancels.overdue(owners or ("w",))
        assert found in ({}, {"w": [self.execution.id]})
        return bool(found)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_loop_has_a_moment_to_answer(bench: Bench) -> None:
    bench.cancel(force=True)
    assert not bench.overdue_after(ANSWER_S - 0.1)
    assert bench.overdue_after(0.1)


def test_a_cancel_that_is_not_forced_ends_nobody(bench: Bench) -> None:
    bench.cancel(force=False)
    assert not bench.overdue_after(3_600)


def test_a_loop_that_answers_is_let_live_as_long_as_it_insists_on_the_end(bench: Bench) -> None:
    control_id = bench.cancel(force=True)
    deliver(bench, control_id)
    assert not bench.overdue_after(END_S - 0.1)
    assert bench.overdue_after(0.1)


def test_one_that_has_ended_meanwhile_ends_nobody(bench: Bench) -> None:
    bench.cancel(force=True)
    bench.overdue_after(ANSWER_S - 0.1)
    bench.journal.release("w", crashed=False)
    bench.cancel(force=True)  # nobody holds it: it ends at once
    assert not bench.overdue_after(3_600)


def test_the_next_worker_has_its_own_moment(bench: Bench) -> None:
    bench.cancel(force=True)
    assert bench.overdue_after(ANSWER_S)
    assert not bench.overdue_after(0, "another")
    assert not bench.overdue_after(ANSWER_S - 0.1)


def deliver(bench: Bench, control_id: str) -> None:
    told = e.ControlDelivered(control="cancel", control_id=control_id, force=True)
    body = e.encode_body(told, "2026-11-22T21:30:00.000000Z")
    batch = Batch(execution_id=bench.execution.id, producer_id="worker", first_producer_seq=1, bodies=[body])
    [outcome] = bench.journal.append([batch])
    assert not isinstance(outcome, Exception)
