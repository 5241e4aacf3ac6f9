"""After a crash at any position an execution goes on at its unfinished step."""

import asyncio
from collections import Counter
from functools import partial
from typing import Any

from tests.support.crawl import calls, count, crawl, fetch, output_of, switch
from tests.support.workbench import Workbench

from headway import gather, progress, step, workflow
from headway.domain import events as e


@step
async def outer(page: int) -> int:
    return await fetch(page) + 1


@step(retries=1, backoff_s=0.0)
async def shaky(page: int) -> int:
    calls[f"shaky {page}"] += 1
    if calls[f"shaky {page}"] == 1:
        raise OSError("first try")
    return page


@workflow
async def varied() -> list[Any]:
    first = await fetch(1)
    nested = await outer(2)
    both = await gather(fetch(3), fetch(3))
    many = await count.map_aio([4, 5, 6], concurrency=2)
    return [first, nested, both, many, await shaky(7), await fetch(1)]


@workflow
async def paced() -> None:
    for number in range(40):
        await fetch(number)
        progress(number + 1, 40, unit="page")


EXPECTED = [10, 21, [30, 30], [5, 6, 7], 7, 10]


class TestRecovery:
    async def test_killed_at_any_position_it_goes_on_at_the_unfinished_step(self, bench: Workbench) -> None:
        """At every seq of the log: the same output, each result once, nothing done again that was done."""
        whole = await bench.run(varied)
        assert output_of(whole) == EXPECTED
        for cut_at in range(2, whole.seq):
            calls.clear()
            execution_id = bench.start(varied)
            bench.journal.cut_at = cut_at
            async with bench.worker(varied, owner=f"ada {cut_at}") as engine:
                await bench.until(partial(is_dead, bench, engine, execution_id, cut_at))
            bench.journal.cut_at = None
            bench.journal.release(f"ada {cut_at}", crashed=True)
            done = {data.step_id for data in bench.all(execution_id, e.StepCompleted)}
            position = bench.journal.get(execution_id).head.last_seq
            async with bench.worker(varied, owner=f"bob {cut_at}"):
                state = await bench.ended(execution_id)
            assert state.error is None, cut_at
            assert output_of(state) == EXPECTED, cut_at
            check_recovered(bench, execution_id, done, position)

    async def test_reused_steps_are_counted(self, bench: Workbench) -> None:
        execution_id = await crashed_after(bench, crawl, e.StepCompleted, 2)
        async with bench.worker(crawl, owner="bob"):
            await bench.ended(execution_id)
        (resumed,) = bench.all(execution_id, e.ExecutionResumed)
        assert (resumed.attempt, resumed.worker, resumed.reused_steps) == (2, "bob", 2)

    async def test_equal_calls_are_recalled_in_the_order_they_were_made(self, bench: Workbench) -> None:
        execution_id = await crashed_after(bench, ticking, e.StepCompleted, 2)
        async with bench.worker(ticking, owner="bob"):
            state = await bench.ended(execution_id)
        assert output_of(state)[:2] == [1, 2]

    async def test_a_recalled_result_is_what_the_annotation_says(self, bench: Workbench) -> None:
        execution_id = await crashed_after(bench, typed, e.StepCompleted, 1)
        async with bench.worker(typed, owner="bob"):
            state = await bench.ended(execution_id)
        assert output_of(state) == "tuple"
        assert calls["pair"] == 1

    async def test_code_that_no_longer_asks_for_a_result_fails(self, bench: Workbench) -> None:
        @workflow(id="crawl")
        async def changed(pages: int = 3) -> int:
            return await fetch(99)

        execution_id = await crashed_after(bench, crawl, e.StepCompleted, 2)
        async with bench.worker(changed, owner="bob"):
            state = await bench.ended(execution_id)
        assert (state.status, state.error_code) == ("failed", "code_changed")
        assert "fetch#1" in (state.error or "")

    async def test_a_worker_that_lost_its_lease_says_nothing_more(self, bench: Workbench) -> None:
        @workflow
        async def long() -> int:
            await switch["gate"].wait()
            return await fetch(1)

        switch["gate"] = asyncio.Event()
        async with bench.worker(long, owner="ada", concurrency=1) as old:  # no place to take it up anew
            execution_id = bench.start(long)
            await bench.seen(execution_id, e.ExecutionStarted)
            bench.journal.release("ada", crashed=True)
            async with bench.worker(long, owner="bob"):
                await bench.seen(execution_id, e.ExecutionResumed)
                switch["gate"].set()
                state = await bench.ended(execution_id)
                await bench.until(lambda: not old.running)
        assert state.worker == "bob"
        assert len(bench.all(execution_id, e.StepCompleted)) == 1

    async def test_what_the_body_said_of_its_progress_is_the_figure_after_a_crash_too(
        self, bench: Workbench
    ) -> None:
        execution_id = bench.start(paced)
        bench.journal.cut_at = 50
        async with bench.worker(paced, owner="ada") as engine:
            await bench.until(partial(is_dead, bench, engine, execution_id, 50))
        bench.journal.cut_at = None
        bench.journal.release("ada", crashed=True)
        async with bench.worker(paced, owner="bob"):
            state = await bench.ended(execution_id)
        assert (state.done, state.total, state.unit, state.progress) == (40, 40, "page", 100.0)
        said = 0.0
        for event in bench.events(execution_id):
            data = event.data
            if isinstance(data, e.StepProgressed):
                said = min(99.0, data.done / 40 * 100)  # type: ignore[operator]
            if isinstance(data, e.StepProgressed | e.StepCompleted | e.ExecutionResumed):
                assert (data.progress, data.indeterminate) == (said, said == 0.0)


@step
async def tick() -> int:
    calls["tick"] += 1
    return calls["tick"]


@workflow
async def ticking() -> list[int]:
    return [await tick(), await tick(), await tick()]


@step
async def pair() -> tuple[int, int]:
    calls["pair"] += 1
    return (1, 2)


@workflow
async def typed() -> str:
    both = await pair()
    await fetch(1)
    return type(both).__name__


async def crashed_after(bench: Workbench, started: Any, kind: type[e.EventData], number: int) -> Any:
    """An execution whose worker died when the log held so many events of a kind."""
    kinds = bench.kinds((await bench.run(started)).execution_id)
    calls.clear()
    places = [seq for seq, each in enumerate(kinds, start=1) if each == kind.kind]
    execution_id = bench.start(started)
    bench.journal.cut_at = places[number - 1]
    async with bench.worker(started, owner="dead") as engine:
        await bench.until(lambda: is_dead(bench, engine, execution_id, places[number - 1]))
    bench.journal.cut_at = None
    bench.journal.release("dead", crashed=True)
    return execution_id


def is_dead(bench: Workbench, engine: Any, execution_id: Any, cut_at: int) -> bool:
    head = bench.journal.get(execution_id).head
    return head.closed or (head.last_seq >= cut_at and execution_id not in engine.running)


def check_recovered(bench: Workbench, execution_id: Any, done: set[str], position: int) -> None:
    events = bench.events(execution_id)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    completed = Counter(event.data.step_id for event in events if isinstance(event.data, e.StepCompleted))
    assert set(completed.values()) == {1}
    again = {
        event.data.step_id
        for event in events
        if event.seq > position and isinstance(event.data, e.StepStarted)
    }
    assert not again & done
    attempts_of = Counter(event.data.step_id for event in events if isinstance(event.data, e.StepStarted))
    for event in events:
        if isinstance(event.data, e.StepCompleted):
            assert event.data.attempt <= attempts_of[event.data.step_id]
