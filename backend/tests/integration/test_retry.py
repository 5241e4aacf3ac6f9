"""Retry from a step and with changed input, on the engine: one path with recovery after a crash."""

import asyncio
from collections import Counter
from typing import Any

import msgspec
import pytest
from tests.support.workbench import Workbench

from headway import step, workflow
from headway.adapters.clock import SystemClock
from headway.domain import events as e
from headway.domain.execution import State
from headway.domain.identifiers import ExecutionId
from headway.domain.workflow import SourceFile
from headway.errors import IdempotencyConflict, InvalidInput
from headway.ports import RunnableWorkflow
from headway.services.executions import Executions

calls: Counter[str] = Counter()
broken: set[str] = set()


@pytest.fixture(autouse=True)
def fresh() -> None:
    calls.clear()
    broken.clear()


@step
async def fetch(url: str) -> str:
    calls["fetch"] += 1
    return url.upper()


@step
def load(row: int) -> int:
    calls[f"load {row}"] += 1
    if "load" in broken and row == 2:
        raise KeyError("sku")
    return row * 10


@step
async def total(rows: list[int], factor: int) -> int:
    calls["total"] += 1
    return sum(rows) * factor


@workflow
async def imports(url: str = "a", factor: int = 1) -> list[Any]:
    page = await fetch(url)
    rows = await load.map_aio(range(3), concurrency=1)
    return [page, await total(rows, factor)]


class Shop:
    """A bench with the use cases of starting on it."""

    def __init__(self) -> None:
        self.bench = Workbench()
        entropy = iter(range(1, 1_000))
        self.executions = Executions(
            self.bench.journal, self.bench.hints, SystemClock(), lambda: next(entropy)
        )
        self.serve(imports)

    def serve(self, flow: RunnableWorkflow) -> None:
        self.bench.journal.put_definitions(SourceFile(path=flow.definition.source), [flow.definition])

    async def first(self, **input: Any) -> State:
        calls_of_first = await self.bench.run(imports, **input)
        calls.clear()
        return calls_of_first

    def retry(self, state: State, input: dict[str, Any] | None = None, **more: Any) -> ExecutionId:
        started = self.executions.retry(ExecutionId(state.execution_id), input, by="ana", **more)
        return started.execution_id

    async def run(self, execution_id: ExecutionId, flow: RunnableWorkflow = imports) -> State:
        async with self.bench.worker(flow):
            return await self.bench.ended(execution_id)


@pytest.fixture
def shop() -> Shop:
    return Shop()


def output_of(state: State) -> Any:
    return msgspec.json.decode(state.output)


async def test_a_retry_from_a_step_does_only_what_comes_from_there(shop: Shop) -> None:
    state = await shop.run(shop.retry(await shop.first(), from_step="total"))
    assert output_of(state) == ["A", 30]
    assert calls == {"total": 1}
    assert (state.retry_of is not None, state.from_step, state.by) == (True, "total", "ana")
    assert state.counts.steps_completed == 6


async def test_its_first_events_are_the_receipt_and_the_results_it_uses_again(shop: Shop) -> None:
    execution_id = shop.retry(await shop.first(), from_step="total")
    queued, receipt, *copies = [event.data for event in shop.bench.events(execution_id)]
    assert isinstance(queued, e.ExecutionQueued)
    assert isinstance(receipt, e.ControlRequested)
    assert (receipt.control, receipt.by) == ("retry", "ana")
    assert all(data.reused for data in copies if isinstance(data, e.StepCompleted))
    state = await shop.run(execution_id)
    assert [started.reused_steps for started in shop.bench.all(execution_id, e.ExecutionStarted)] == [4]
    assert state.controls[receipt.control_id].stage == "effective"
    kinds = shop.bench.kinds(execution_id)
    assert (
        kinds.index("control.delivered") < kinds.index("execution.started") < kinds.index("control.effective")
    )


async def test_what_failed_in_a_group_is_done_again_and_its_neighbours_are_not(shop: Shop) -> None:
    broken.add("load")
    failed = await shop.first()
    assert failed.status == "failed"
    broken.clear()
    state = await shop.run(shop.retry(failed, from_step="load#3"))
    assert output_of(state) == ["A", 30]
    assert calls == {"load 2": 1, "total": 1}
    assert state.steps["load[]#1"].status == "completed"


@step
async def load_chunk(number: int) -> int:
    calls[f"chunk {number}"] += 1
    if "chunk" in broken and number == 11:
        while len(calls) < 24:  # beside it others go on, and are done
            await asyncio.sleep(0)
        raise KeyError("sku")
    return number


@workflow(plan=[load_chunk])
async def fan_out() -> int:
    return len(await load_chunk.map_aio(range(30), concurrency=4))


@pytest.mark.parametrize("from_step", ["load_chunk#12", "load_chunk[]#1", "load_chunk"])
async def test_of_a_fan_out_only_what_is_not_done_is_done(shop: Shop, from_step: str) -> None:
    shop.serve(fan_out)
    broken.add("chunk")
    failed = await shop.bench.run(fan_out)
    assert [each.step_id for each in failed.steps.values() if each.status == "failed"] == [
        "load_chunk[]#1",
        "load_chunk#12",
    ]
    done = {data.step_id for data in shop.bench.all(failed.execution_id, e.StepCompleted)}
    assert len(done) > 12
    broken.clear()
    calls.clear()
    state = await shop.run(shop.retry(failed, from_step=from_step), fan_out)
    assert output_of(state) == 30
    assert calls == {f"chunk {n}": 1 for n in range(30) if f"load_chunk#{n + 1}" not in done}
    started = shop.bench.all(state.execution_id, e.StepStarted)
    assert {data.attempt for data in started} == {1}
    assert Counter(data.step_id for data in started)["load_chunk#12"] == 1
    assert (state.counts.steps, state.counts.steps_completed) == (31, 31)


async def test_changed_input_is_used_from_the_step_on(shop: Shop) -> None:
    state = await shop.run(shop.retry(await shop.first(), {"factor": 3}, from_step="total"))
    assert output_of(state) == ["A", 90]
    assert calls == {"total": 1}


async def test_results_that_the_changed_input_makes_useless_are_made_anew_and_told(shop: Shop) -> None:
    execution_id = shop.retry(await shop.first(), {"url": "b"}, from_step="total")
    state = await shop.run(execution_id)
    assert output_of(state) == ["B", 30]
    assert calls == {"fetch": 1, "total": 1}
    assert any("of no use" in line and "fetch#1" in line for line in shop.bench.messages(execution_id))


async def test_a_retry_without_a_step_uses_nothing_again(shop: Shop) -> None:
    state = await shop.run(shop.retry(await shop.first()))
    assert output_of(state) == ["A", 30]
    assert sum(calls.values()) == 5
    assert [control.stage for control in state.controls.values()] == ["effective"]


async def test_it_goes_on_after_a_crash_without_the_execution_it_does_over(shop: Shop) -> None:
    execution_id = shop.retry(await shop.first(), from_step="load")
    copied = len(shop.bench.events(execution_id))
    shop.bench.journal.cut_at = copied + 6
    async with shop.bench.worker(imports, owner="ada"):
        await shop.bench.until(lambda: shop.bench.journal.get(execution_id).head.last_seq >= copied + 6)
    shop.bench.journal.cut_at = None
    state = await shop.run(execution_id)
    assert output_of(state) == ["A", 30]
    assert calls["fetch"] == 0
    done = Counter(data.step_id for data in shop.bench.all(execution_id, e.StepCompleted))
    assert set(done.values()) == {1}


async def test_a_retry_of_a_retry_takes_over_what_that_one_took_over(shop: Shop) -> None:
    again = await shop.run(shop.retry(await shop.first(), from_step="total"))
    calls.clear()
    assert output_of(await shop.run(shop.retry(again, from_step="total"))) == ["A", 30]
    assert calls == {"total": 1}


async def test_the_key_of_a_retry_knows_its_step(shop: Shop) -> None:
    first = await shop.first()
    once = shop.retry(first, from_step="total", idempotency_key="k")
    assert shop.retry(first, from_step="total", idempotency_key="k") == once
    with pytest.raises(IdempotencyConflict):
        shop.retry(first, from_step="load", idempotency_key="k")


async def test_an_unknown_step_starts_nothing(shop: Shop) -> None:
    first = await shop.first()
    with pytest.raises(InvalidInput) as refused:
        shop.retry(first, from_step="ghost")
    assert [fault["field"] for fault in refused.value.errors] == ["from_step"]
