"""Controls beside a worker that writes at the same moment: what is refused is not in the log."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tests.support.authored import START_NS, AuthoredExecution
from typing_extensions import override

from headway.adapters.hints.memory import MemoryHintBus
from headway.adapters.journal.memory import MemoryJournal
from headway.domain import events as e
from headway.domain.execution import MAX_CONTROLS
from headway.domain.identifiers import WorkflowId
from headway.domain.timestamps import timestamp
from headway.errors import (
    AppendConflict,
    ApprovalClosed,
    ExecutionClosed,
    IdempotencyConflict,
    InvalidInput,
    TooManySignals,
)
from headway.ports import Appended, Batch
from headway.services.controls import Controls
from headway.services.states import events_between, load_state


class RacingJournal(MemoryJournal):
    """What waits in `between` is written just before the next append, as by another process."""

    def __init__(self) -> None:
        super().__init__()
        self.between: list[Callable[[], object]] = []
        self._is_between = False

    @override
    def append(self, batches: Sequence[Batch]) -> list[Appended | Exception]:
        if self.between and not self._is_between:
            self._is_between = True
            self.between.pop()()
            self._is_between = False
        return super().append(batches)


class FixedClock:
    def now_ns(self) -> int:
        return START_NS

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture
def journal() -> RacingJournal:
    return RacingJournal()


@pytest.fixture
def execution(journal: RacingJournal) -> AuthoredExecution:
    execution = AuthoredExecution(journal, MemoryHintBus())
    execution.start()
    return execution


@pytest.fixture
def controls(journal: RacingJournal) -> Controls:
    serial = iter(range(1, 10_000))
    return Controls(journal, MemoryHintBus(), FixedClock(), lambda: next(serial))


def ask(execution: AuthoredExecution) -> None:
    deadline = timestamp(START_NS + 10**9)
    execution.emit(
        e.ApprovalRequested(
            approval_id="approval-1", message="Pay?", key="k", deadline=deadline, on_deadline="reject"
        )
    )


def expiry() -> e.ApprovalAnswered:
    return e.ApprovalAnswered(approval_id="approval-1", approved=False, phase="running", expired=True)


def withdrawal() -> e.WaitEnded:
    return e.WaitEnded(wait_id="approval-1", wait="approval", outcome="cancelled", phase="running", key="k")


def all_of(journal: MemoryJournal, execution: AuthoredExecution, kind: type[Any]) -> list[Any]:
    last = journal.get(execution.id).head.last_seq
    return [
        event.data for event in events_between(journal, execution.id, 0, last) if isinstance(event.data, kind)
    ]


@pytest.mark.parametrize("end", [expiry, withdrawal])
def test_an_answer_that_comes_too_late_by_a_hair_is_not_written(
    journal: RacingJournal, execution: AuthoredExecution, controls: Controls, end: Callable[[], e.EventData]
) -> None:
    ask(execution)
    journal.between.append(lambda: execution.emit(end()))
    with pytest.raises(ApprovalClosed):
        controls.answer(execution.id, "approval-1", approved=True, by="ann")
    assert not all_of(journal, execution, e.ControlRequested)
    assert not [one for one in all_of(journal, execution, e.ApprovalAnswered) if one.approved]
    assert not load_state(journal, execution.id).controls


def test_an_answer_gets_in_beside_a_worker_that_never_pauses(
    journal: RacingJournal, execution: AuthoredExecution, controls: Controls
) -> None:
    ask(execution)
    journal.between += [execution.log] * 50
    controls.answer(execution.id, "approval-1", approved=True, by="ann")
    [answered] = all_of(journal, execution, e.ApprovalAnswered)
    assert (answered.approved, answered.by) == (True, "ann")


def test_where_the_log_never_stands_still_whoever_answers_is_told(
    journal: RacingJournal, execution: AuthoredExecution, controls: Controls
) -> None:
    ask(execution)
    waits = e.WaitStarted(wait_id="timer-1", wait="timer")
    journal.between += [lambda: execution.emit(waits)] * 10_000
    with pytest.raises(AppendConflict, match="try again"):
        controls.answer(execution.id, "approval-1", approved=True, by="ann")
    assert not all_of(journal, execution, e.ApprovalAnswered)


def test_a_question_that_is_asked_again_can_be_answered(
    journal: RacingJournal, execution: AuthoredExecution, controls: Controls
) -> None:
    """Whoever was too late for the first asking uses nothing up."""
    ask(execution)
    journal.between.append(lambda: execution.emit(withdrawal()))
    with pytest.raises(ApprovalClosed):
        controls.answer(execution.id, "approval-1", approved=True, by="ann")
    ask(execution)
    controls.answer(execution.id, "approval-1", approved=True, by="ann")
    assert load_state(journal, execution.id).waiting.approvals["approval-1"].by == "ann"


def test_a_closed_execution_tells_of_a_cancel_only_whoever_asked_for_it(
    journal: RacingJournal, execution: AuthoredExecution, controls: Controls
) -> None:
    first = controls.cancel(execution.id, idempotency_key="mine")
    assert load_state(journal, execution.id).closed
    assert controls.cancel(execution.id, idempotency_key="mine") == first
    for key in ("another", None):
        with pytest.raises(ExecutionClosed):
            controls.cancel(execution.id, idempotency_key=key)


def test_a_known_key_gets_its_receipt_also_where_there_is_no_room_for_another_signal(
    journal: RacingJournal,
    execution: AuthoredExecution,
    controls: Controls,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The state remembers 100 controls, and the queue holds more signals."""
    monkeypatch.setattr("headway.services.controls.MAX_UNTAKEN_SIGNALS", MAX_CONTROLS + 1)
    receipts = [
        controls.signal(execution.id, "page", number, idempotency_key=str(number))
        for number in range(MAX_CONTROLS + 1)
    ]
    assert receipts[0].control_id not in load_state(journal, execution.id).controls
    assert controls.signal(execution.id, "page", 0, idempotency_key="0") == receipts[0]
    with pytest.raises(IdempotencyConflict):
        controls.signal(execution.id, "page", 9, idempotency_key="0")
    last = journal.get(execution.id).head.last_seq
    for key in ("new", None):
        with pytest.raises(TooManySignals):
            controls.signal(execution.id, "page", 0, idempotency_key=key)
    assert journal.get(execution.id).head.last_seq == last


@pytest.mark.parametrize(
    ("value", "field"),
    [(float("nan"), "value"), ({"a": [1, float("inf")]}, "value.a[1]")],
)
def test_a_number_that_json_cannot_say_is_refused_by_name(
    journal: RacingJournal, execution: AuthoredExecution, controls: Controls, value: Any, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        controls.signal(execution.id, "page", value)
    assert [fault["field"] for fault in refused.value.errors] == [field]
    assert not all_of(journal, execution, e.SignalReceived)


class TestForce:
    @pytest.fixture(autouse=True)
    def _held(self, journal: RacingJournal, execution: AuthoredExecution) -> None:
        journal.claim("worker-1", [WorkflowId("audit")], 1)

    def test_it_has_a_receipt_of_its_own_beside_the_cancel_and_is_written_once(
        self, journal: RacingJournal, execution: AuthoredExecution, controls: Controls
    ) -> None:
        first = controls.cancel(execution.id, by="ann")
        forced = controls.cancel(execution.id, by="ben", force=True)
        assert controls.cancel(execution.id, by="cay", force=True, idempotency_key="other") == forced
        assert controls.cancel(execution.id, by="cay") == first
        asked = all_of(journal, execution, e.ControlRequested)
        assert [(one.control, one.by, one.force, one.phase) for one in asked] == [
            ("cancel", "ann", False, "cancelling"),
            ("cancel", "ben", True, "cancelling"),
        ]

    def test_without_a_cancel_before_it_is_both(
        self, journal: RacingJournal, execution: AuthoredExecution, controls: Controls
    ) -> None:
        forced = controls.cancel(execution.id, by="ben", force=True)
        assert controls.cancel(execution.id) == forced
        [asked] = all_of(journal, execution, e.ControlRequested)
        assert (asked.control_id, asked.force) == (forced.control_id, True)

    def test_one_that_its_worker_has_left_while_it_was_cancelled_ends_when_it_is_asked_for_again(
        self, journal: RacingJournal, execution: AuthoredExecution, controls: Controls
    ) -> None:
        receipt = controls.cancel(execution.id, by="ann")
        journal.release("worker-1", crashed=True)
        assert controls.cancel(execution.id, by="ben") == receipt
        state = load_state(journal, execution.id)
        assert (state.status, state.controls[receipt.control_id].stage) == ("cancelled", "effective")
        assert [one.by for one in all_of(journal, execution, e.ExecutionCancelled)] == ["ann"]

    def test_nothing_is_written_to_one_that_has_ended(
        self, journal: RacingJournal, execution: AuthoredExecution, controls: Controls
    ) -> None:
        journal.between.append(execution.complete)
        with pytest.raises(ExecutionClosed):
            controls.cancel(execution.id, force=True)
        assert not all_of(journal, execution, e.ControlRequested)
