"""Timers, approvals and signals on the engine: what is waited for is in the log and outlives its worker."""

import asyncio
import threading
import time
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel
from tests.support.workbench import Workbench

from headway import Answer, approval, gather, log, signal, sleep, step, workflow
from headway.adapters.clock import SystemClock
from headway.domain import events as e
from headway.domain.execution import State
from headway.domain.identifiers import ExecutionId
from headway.domain.waiting import ApprovalState
from headway.errors import (
    ApprovalClosed,
    ApprovalNotFound,
    ClientError,
    ExecutionClosed,
    IdempotencyConflict,
    InvalidInput,
)
from headway.services import controls as controls_module
from headway.services.controls import Controls
from headway.services.states import load_state

LONG_S = 600.0


@pytest.fixture
def bench() -> Workbench:
    return Workbench()


@pytest.fixture
def controls(bench: Workbench) -> Controls:
    entropy = iter(range(1, 10_000))
    return Controls(bench.journal, bench.hints, SystemClock(), lambda: next(entropy))


def state_of(bench: Workbench, execution_id: ExecutionId) -> State:
    return load_state(bench.journal, execution_id)


def output_of(state: State) -> Any:
    return msgspec.json.decode(state.output)


async def asked(bench: Workbench, execution_id: ExecutionId, number: int = 1) -> ApprovalState:
    """The question of that number, once it is in the log."""
    name = f"approval-{number}"
    await bench.until(lambda: name in state_of(bench, execution_id).waiting.approvals)
    return state_of(bench, execution_id).waiting.approvals[name]


def stages(bench: Workbench, execution_id: ExecutionId, control_id: str) -> list[str]:
    """What the log says of a control, in order, each with who asked."""
    kinds = (e.ControlRequested, e.ControlDelivered, e.ControlEffective)
    told = [data for event in bench.events(execution_id) if isinstance(data := event.data, kinds)]
    return [f"{data.kind.partition('.')[2]} {data.by}" for data in told if data.control_id == control_id]


class Payment(BaseModel):
    amount: int
    note: str = "none"


# --- timers -----------------------------------------------------------------------------------------------


@workflow
async def naps(seconds: float = 0.01) -> str:
    await sleep(seconds)
    return "rested"


@workflow
def plain_naps(seconds: float = 0.01) -> str:
    sleep.wait(seconds)
    return "rested"


@pytest.mark.parametrize("napping", [naps, plain_naps])
async def test_a_timer_is_waited_for_and_told(bench: Workbench, napping: Any) -> None:
    began = time.monotonic()
    state = await bench.run(napping, seconds=0.05)
    assert time.monotonic() - began >= 0.05
    assert output_of(state) == "rested"
    [started], [ended] = (
        bench.all(state.execution_id, e.WaitStarted),
        bench.all(state.execution_id, e.WaitEnded),
    )
    assert (started.wait, ended.wait_id, ended.outcome) == ("timer", started.wait_id, "elapsed")
    assert started.until is not None


@pytest.mark.parametrize("napping", [naps, plain_naps])
async def test_a_timer_shows_as_waiting_and_cancelling_ends_it_at_once(
    bench: Workbench, controls: Controls, napping: Any
) -> None:
    async with bench.worker(napping):
        execution_id = bench.start(napping, seconds=LONG_S)
        await bench.seen(execution_id, e.WaitStarted)
        await bench.until(lambda: bench.journal.get(execution_id).summary.phase == "waiting")
        receipt = controls.cancel(execution_id, by="ana")
        state = await bench.ended(execution_id)
    assert state.status == "cancelled"
    assert stages(bench, execution_id, receipt.control_id) == [
        "requested ana",
        "delivered ana",
        "effective ana",
    ]


async def test_a_timer_goes_on_under_another_worker_where_it_was(bench: Workbench) -> None:
    """The moment it ends at is the first one's: the time without a worker counts."""
    async with bench.worker(naps, owner="ada"):
        execution_id = bench.start(naps, seconds=0.4)
        first = await bench.seen(execution_id, e.WaitStarted)
    await asyncio.to_thread(time.sleep, 0.4)  # the time to pass is what is tested
    began = time.monotonic()
    async with bench.worker(naps, owner="ben"):
        state = await bench.ended(execution_id)
    assert time.monotonic() - began < 0.4
    assert output_of(state) == "rested"
    assert {one.until for one in bench.all(execution_id, e.WaitStarted)} == {first.until}
    assert len(bench.all(execution_id, e.WaitEnded)) == 1


async def test_waits_side_by_side_are_found_again_each_in_its_branch(
    bench: Workbench, controls: Controls
) -> None:
    @workflow
    async def both() -> list[Any]:
        return await gather(signal("page"), approval("Go?"), sleep(0.01))

    async with bench.worker(both, owner="ada"):
        execution_id = bench.start(both)
        await asked(bench, execution_id)
        await bench.until(lambda: bench.all(execution_id, e.WaitEnded))
    controls.signal(execution_id, "page", 7)
    controls.answer(execution_id, "approval-1", approved=False, by="ben")
    async with bench.worker(both, owner="eve"):
        state = await bench.ended(execution_id)
    assert output_of(state)[0] == 7
    assert len(bench.all(execution_id, e.ApprovalRequested)) == 1
    assert sorted(one.wait for one in bench.all(execution_id, e.WaitEnded)) == ["signal", "timer"]


async def test_what_the_code_gives_up_is_told_and_does_not_hold_the_phase(bench: Workbench) -> None:
    @workflow
    async def impatient() -> str:
        for wait in (sleep(LONG_S), approval("Go?"), signal("page")):
            try:
                async with asyncio.timeout(0.02):
                    await wait
            except TimeoutError:
                log("gave up")
        return state_of(bench, ExecutionId(execution_id)).phase

    async with bench.worker(impatient):
        execution_id = bench.start(impatient)
        state = await bench.ended(execution_id)
    outcomes = [(one.wait, one.outcome, one.phase) for one in bench.all(execution_id, e.WaitEnded)]
    assert outcomes == [(wait, "cancelled", "running") for wait in ("timer", "approval", "signal")]
    assert state.waiting.approvals["approval-1"].status == "withdrawn"


def step_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "headway-step"}


async def test_executions_that_only_wait_take_up_no_place_and_no_thread(bench: Workbench) -> None:
    async with bench.worker(naps, concurrency=1):
        before = step_threads()  # of other tests, not ended yet
        waiting = [bench.start(naps, seconds=LONG_S) for _ in range(5)]
        for execution_id in waiting:
            await bench.seen(execution_id, e.WaitStarted)
        assert step_threads() <= before
        assert (await bench.ended(bench.start(naps, seconds=0.0))).status == "completed"


@workflow
async def everything() -> list[Any]:
    first = await double(1)
    await sleep(0.005)
    answer = await approval("Pay?", form=Payment)
    page, _ = await gather(signal("page"), sleep(0.001))
    return [first, answer.approved, answer.values and answer.values.amount, page, await double(2)]


@step
async def double(number: int) -> int:
    return number * 2


async def answer_and_signal(bench: Workbench, controls: Controls, execution_id: ExecutionId) -> None:
    """A person and a program that repeat what they do until it is certain: their requests are idempotent."""
    controls.signal(execution_id, "page", "p1", idempotency_key="k")
    await asked(bench, execution_id)
    controls.answer(execution_id, "approval-1", approved=True, values={"amount": 5}, by="ana")


@pytest.mark.parametrize("position", range(2, 22))
async def test_a_worker_may_die_at_any_position_of_what_waits(
    bench: Workbench, controls: Controls, position: int
) -> None:
    """Each goes on where it was: nothing is asked, answered or taken twice, and every receipt is whole."""
    async with bench.worker(everything, owner="ada"):
        execution_id = bench.start(everything)
        bench.journal.cut_at = position
        others = asyncio.create_task(answer_and_signal(bench, controls, execution_id))
        await bench.until(lambda: bench.journal.get(execution_id).head.last_seq >= position)
    bench.journal.cut_at = None
    async with bench.worker(everything, owner="eve"):
        await others
        await answer_and_signal(bench, controls, execution_id)
        state = await bench.ended(execution_id)
    assert output_of(state) == [2, True, 5, "p1", 4]
    assert (
        len(bench.all(execution_id, e.ApprovalAnswered))
        == len(bench.all(execution_id, e.SignalReceived))
        == 1
    )
    ended = [(one.wait_id, one.outcome) for one in bench.all(execution_id, e.WaitEnded)]
    expected = {("timer-1", "elapsed"), ("signal-1", "received"), ("timer-2", "elapsed")}
    assert (set(ended), len(ended)) == (expected, 3)
    told = [stages(bench, execution_id, control_id) for control_id in state.controls]
    assert all([one.split()[0] for one in each] == ["requested", "delivered", "effective"] for each in told)
    assert (len(told), state.phase) == (2, "completed")


# --- approvals --------------------------------------------------------------------------------------------


@workflow
async def pays(deadline_s: float | None = None, on_deadline: str = "reject") -> dict[str, Any]:
    answer = await approval("Pay?", form=Payment, deadline_s=deadline_s, on_deadline=on_deadline)  # type: ignore[arg-type]
    values = answer.values.model_dump() if answer.values else None
    return {"approved": answer.approved, "by": answer.by, "values": values, "expired": answer.expired}


@workflow
async def says_why() -> str:
    answer = await approval("Pay?")
    return f"{'yes' if answer else 'no'}: {answer.reason}"


@workflow
def plain_pays() -> bool:
    return bool(approval.wait("Pay?"))


async def test_an_answer_comes_with_values_as_the_form_says(bench: Workbench, controls: Controls) -> None:
    async with bench.worker(pays):
        execution_id = bench.start(pays)
        question = await asked(bench, execution_id)
        assert state_of(bench, execution_id).phase == "waiting"
        assert msgspec.json.decode(question.form)["required"] == ["amount"]  # type: ignore[arg-type]
        receipt = controls.answer(execution_id, "approval-1", approved=True, values={"amount": 12}, by="ana")
        state = await bench.ended(execution_id)
    values = {"amount": 12, "note": "none"}
    assert output_of(state) == {"approved": True, "by": "ana", "values": values, "expired": False}
    assert stages(bench, execution_id, receipt.control_id) == [
        "requested ana",
        "delivered ana",
        "effective ana",
    ]
    assert state.controls[receipt.control_id].stage == "effective"


async def test_a_plain_workflow_waits_for_an_answer_too(bench: Workbench, controls: Controls) -> None:
    async with bench.worker(plain_pays):
        execution_id = bench.start(plain_pays)
        await asked(bench, execution_id)
        controls.answer(execution_id, "approval-1", approved=True)
        assert output_of(await bench.ended(execution_id)) is True


async def test_an_answer_without_a_worker_reaches_the_next_one(bench: Workbench, controls: Controls) -> None:
    async with bench.worker(pays, owner="ada"):
        execution_id = bench.start(pays)
        await asked(bench, execution_id)
    receipt = controls.answer(execution_id, "approval-1", approved=False, by="ben")
    assert stages(bench, execution_id, receipt.control_id) == ["requested ben"]
    async with bench.worker(pays, owner="eve"):
        state = await bench.ended(execution_id)
    assert output_of(state)["by"] == "ben"
    assert stages(bench, execution_id, receipt.control_id) == [
        "requested ben",
        "delivered ben",
        "effective ben",
    ]
    assert len(bench.all(execution_id, e.ApprovalRequested)) == 1


async def test_a_no_may_say_why(bench: Workbench, controls: Controls) -> None:
    """The reason reaches the workflow, the log and the state; with another one it is another answer."""
    async with bench.worker(says_why):
        execution_id = bench.start(says_why)
        await asked(bench, execution_id)
        with pytest.raises(ClientError, match="at most 2,000"):
            controls.answer(execution_id, "approval-1", approved=False, reason="x" * 2_001)
        receipt = controls.answer(execution_id, "approval-1", approved=False, reason=" too dear\n")
        assert controls.answer(execution_id, "approval-1", approved=False, reason="too dear") == receipt
        with pytest.raises(ApprovalClosed):
            controls.answer(execution_id, "approval-1", approved=False, reason="too late")
        state = await bench.ended(execution_id)
    assert output_of(state) == "no: too dear"
    assert state.waiting.approvals["approval-1"].reason == "too dear"
    assert [one.reason for one in bench.all(execution_id, e.ApprovalAnswered)] == ["too dear"]


async def test_an_answer_is_taken_once(bench: Workbench, controls: Controls) -> None:
    async with bench.worker(pays):
        execution_id = bench.start(pays)
        await asked(bench, execution_id)
        first = controls.answer(execution_id, "approval-1", approved=False, by="ana")
        assert controls.answer(execution_id, "approval-1", approved=False, by="ben") == first
        with pytest.raises(ApprovalClosed, match="already answered with no by ana"):
            controls.answer(execution_id, "approval-1", approved=True, values={"amount": 1})
        await bench.ended(execution_id)
    count = len(bench.events(execution_id))
    assert controls.answer(execution_id, "approval-1", approved=False) == first
    with pytest.raises(ExecutionClosed):
        controls.answer(execution_id, "approval-1", approved=True, values={"amount": 1})
    assert len(bench.events(execution_id)) == count
    assert len(bench.all(execution_id, e.ApprovalAnswered)) == 1


async def test_of_two_answers_at_once_one_is_taken_and_the_other_told(
    bench: Workbench, controls: Controls, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench.worker(pays, owner="ada"):
        execution_id = bench.start(pays)
        await asked(bench, execution_id)
    before = state_of(bench, execution_id)
    controls.answer(execution_id, "approval-1", approved=False, by="ana")
    states = iter([before, state_of(bench, execution_id)])
    monkeypatch.setattr(controls_module, "load_state", lambda *_: next(states))
    with pytest.raises(ApprovalClosed):
        controls.answer(execution_id, "approval-1", approved=True, values={"amount": 1}, by="ben")
    assert len(bench.all(execution_id, e.ApprovalAnswered)) == 1


@pytest.mark.parametrize(
    ("approved", "values", "fields"),
    [
        (True, None, ["amount"]),
        (True, {"amount": "much"}, ["amount"]),
        (False, {"note": 3}, ["amount", "note"]),
    ],
)
async def test_values_that_do_not_fit_are_refused_by_field(
    bench: Workbench, controls: Controls, approved: bool, values: Any, fields: list[str]
) -> None:
    async with bench.worker(pays):
        execution_id = bench.start(pays)
        await asked(bench, execution_id)
        with pytest.raises(InvalidInput) as refused:
            controls.answer(execution_id, "approval-1", approved=approved, values=values)
        assert [fault["field"] for fault in refused.value.errors] == fields
        with pytest.raises(ApprovalNotFound, match="open are: approval-1"):
            controls.answer(execution_id, "approval-7", approved=True)
    assert not bench.all(execution_id, e.ControlRequested)


@pytest.mark.parametrize(("on_deadline", "approved"), [("reject", False), ("approve", True)])
async def test_silence_means_what_the_workflow_says(
    bench: Workbench, on_deadline: str, approved: bool
) -> None:
    state = await bench.run(pays, deadline_s=0.02, on_deadline=on_deadline)
    assert output_of(state) == {"approved": approved, "by": "", "values": None, "expired": True}
    [answered] = bench.all(state.execution_id, e.ApprovalAnswered)
    assert (answered.approved, answered.expired) == (approved, True)


async def test_silence_can_be_a_failure(bench: Workbench) -> None:
    state = await bench.run(pays, deadline_s=0.02, on_deadline="fail")
    assert (state.status, state.error_code) == ("failed", "approval_timeout")


async def test_an_answer_after_the_deadline_is_refused_even_without_a_worker(
    bench: Workbench, controls: Controls
) -> None:
    async with bench.worker(pays, owner="ada"):
        execution_id = bench.start(pays, deadline_s=0.2)
        await asked(bench, execution_id)
    await asyncio.to_thread(time.sleep, 0.2)  # the time to pass is what is tested
    with pytest.raises(ApprovalClosed, match="has expired"):
        controls.answer(execution_id, "approval-1", approved=False)
    async with bench.worker(pays, owner="eve"):
        assert output_of(await bench.ended(execution_id))["expired"] is True


async def test_an_answer_beside_the_deadline_counts_where_it_came_first(
    bench: Workbench, controls: Controls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker's own answer meets a person's on its way into the log: both follow the first."""
    append = bench.journal.append
    raced: list[bool] = []

    def race(batches: Any) -> Any:
        is_expiry = any(b'"expired":true' in body for batch in batches for body in batch.bodies)
        if is_expiry and not raced:
            raced.append(True)
            now = controls.clock.now_ns
            monkeypatch.setattr(type(controls.clock), "now_ns", lambda _: now() - 10**9)
            controls.answer(
                batches[0].execution_id, "approval-1", approved=True, values={"amount": 1}, by="ana"
            )
            monkeypatch.undo()
        return append(batches)

    monkeypatch.setattr(bench.journal, "append", race)
    async with bench.worker(pays):
        execution_id = bench.start(pays, deadline_s=0.05)
        state = await bench.ended(execution_id)
    assert output_of(state)["by"] == "ana"
    assert state.waiting.approvals["approval-1"].by == "ana"


async def test_a_form_may_be_a_plain_type(bench: Workbench, controls: Controls) -> None:
    @workflow
    async def counts() -> int | None:
        answer: Answer[int] = await approval("How many?", form=int)
        return answer.values

    async with bench.worker(counts):
        execution_id = bench.start(counts)
        await asked(bench, execution_id)
        controls.answer(execution_id, "approval-1", approved=True, values={"value": 5})
        assert output_of(await bench.ended(execution_id)) == 5


async def test_a_question_without_a_form_takes_no_values(bench: Workbench, controls: Controls) -> None:
    async with bench.worker(plain_pays):
        execution_id = bench.start(plain_pays)
        await asked(bench, execution_id)
        with pytest.raises(InvalidInput):
            controls.answer(execution_id, "approval-1", approved=True, values={"amount": 1})
        first = controls.answer(execution_id, "approval-1", approved=True, values={})
        assert controls.answer(execution_id, "approval-1", approved=True) == first


# --- signals ----------------------------------------------------------------------------------------------


@workflow
async def takes(number: int = 1, timeout_s: float | None = None) -> list[Any]:
    return [await signal("page", timeout_s=timeout_s) for _ in range(number)]


async def test_signals_are_taken_once_each_in_order_also_those_that_came_before(
    bench: Workbench, controls: Controls
) -> None:
    execution_id = bench.start(takes, number=3)
    early = [controls.signal(execution_id, "page", value, by="ana") for value in ({"n": 1}, 2)]
    controls.signal(execution_id, "other", "not taken")
    assert state_of(bench, execution_id).waiting.signals == {"page": 2, "other": 1}
    async with bench.worker(takes):
        await bench.seen(execution_id, e.WaitStarted)
        late = controls.signal(execution_id, "page", None, by="ben")
        state = await bench.ended(execution_id)
    assert output_of(state) == [{"n": 1}, 2, None]
    assert stages(bench, execution_id, early[0].control_id) == [
        "requested ana",
        "delivered ana",
        "effective ana",
    ]
    assert stages(bench, execution_id, late.control_id) == ["requested ben", "delivered ben", "effective ben"]


async def test_taken_signals_are_recalled_and_the_others_kept_over_a_crash(
    bench: Workbench, controls: Controls
) -> None:
    async with bench.worker(takes, owner="ada"):
        execution_id = bench.start(takes, number=3)
        await bench.seen(execution_id, e.WaitStarted)
        controls.signal(execution_id, "page", 1)
        await bench.until(lambda: len(bench.all(execution_id, e.WaitStarted)) == 2)
    controls.signal(execution_id, "page", 2)
    controls.signal(execution_id, "page", 3)
    async with bench.worker(takes, owner="eve"):
        assert output_of(await bench.ended(execution_id)) == [1, 2, 3]
    assert len(bench.all(execution_id, e.ControlEffective)) == 3


async def test_a_signal_that_does_not_come_in_time_is_an_error(bench: Workbench) -> None:
    state = await bench.run(takes, timeout_s=0.02)
    assert (state.status, state.error_code) == ("failed", "signal_timeout")
    assert bench.all(state.execution_id, e.WaitEnded)[0].outcome == "elapsed"


async def test_a_known_key_sends_nothing_again(bench: Workbench, controls: Controls) -> None:
    execution_id = bench.start(takes)
    first = controls.signal(execution_id, "page", 1, idempotency_key="k")
    assert controls.signal(execution_id, "page", 1, idempotency_key="k") == first
    with pytest.raises(IdempotencyConflict):
        controls.signal(execution_id, "page", 2, idempotency_key="k")
    async with bench.worker(takes):
        await bench.ended(execution_id)
    count = len(bench.events(execution_id))
    assert controls.signal(execution_id, "page", 1, idempotency_key="k") == first
    for key in (None, "other"):
        with pytest.raises(ExecutionClosed):
            controls.signal(execution_id, "page", 1, idempotency_key=key)
    assert len(bench.events(execution_id)) == count


async def test_a_step_may_wait_too(bench: Workbench, controls: Controls) -> None:
    @step
    async def guarded() -> Any:
        return await signal("go")

    @workflow
    async def outer() -> Any:
        return await guarded()

    async with bench.worker(outer):
        execution_id = bench.start(outer)
        waiting = await bench.seen(execution_id, e.WaitStarted)
        assert waiting.step_id == "guarded#1"
        controls.signal(execution_id, "go", "now")
        assert output_of(await bench.ended(execution_id)) == "now"
