"""The embedded engine on a journal: what the log says is what happened."""

import asyncio
import threading
from typing import Any

import pytest
from tests.support.crawl import calls, count, crawl, fetch, output_of, switch
from tests.support.workbench import Workbench

from headway import gather, log, output, progress, step, workflow
from headway.domain import events as e
from headway.errors import ProducerGap
from headway.services import running_execution


async def test_an_execution_is_recorded_from_start_to_seal(bench: Workbench) -> None:
    state = await bench.run(crawl, pages=2)
    assert state.status == "completed"
    assert output_of(state) == {"sizes": [0, 10], "counts": [1, 2]}
    kinds = bench.kinds(state.execution_id)
    assert kinds[:5] == ["execution.queued", "execution.started", "step.started", "log", "step.completed"]
    assert kinds[-1] == "execution.completed"
    assert state.totals == e.Totals(events=len(kinds), logs=2, errors=0)
    assert [event.seq for event in bench.events(state.execution_id)] == list(range(1, len(kinds) + 1))


async def test_a_group_shows_done_of_total_and_its_items_name_it(bench: Workbench) -> None:
    state = await bench.run(crawl, pages=3)
    group = state.steps["count[]#1"]
    assert (group.name, group.total, group.done, group.status) == ("count", 3, 3, "completed")
    assert [state.steps[f"count#{n}"].parent for n in (1, 2, 3)] == ["count[]#1"] * 3


async def test_a_plain_workflow_runs_in_a_thread_and_waits_for_its_steps(bench: Workbench) -> None:
    @workflow
    def plain(n: int) -> dict[str, Any]:
        in_body = threading.current_thread().name
        return {"one": count(n), "many": count.map(range(n)), "async": fetch(n), "body": in_body}

    state = await bench.run(plain, n=2)
    assert state.error is None
    assert output_of(state) == {"one": 3, "many": [1, 2], "async": 20, "body": "headway-step"}


async def test_branches_of_a_gather_are_told_apart(bench: Workbench) -> None:
    @workflow
    async def fork() -> list[int]:
        return await gather(*(fetch(page) for page in (1, 1, 2)))

    state = await bench.run(fork)
    assert output_of(state) == [10, 10, 20]
    keys = [data.key for data in bench.all(state.execution_id, e.StepStarted)]
    assert len(set(keys)) == 3


async def test_a_step_within_a_step_names_its_parent(bench: Workbench) -> None:
    @step
    async def outer() -> int:
        return await fetch(1) + await count.aio(1)

    @workflow
    async def nested() -> int:
        return await outer()

    state = await bench.run(nested)
    assert output_of(state) == 12
    assert state.steps["fetch#1"].parent == state.steps["count#1"].parent == "outer#1"


async def test_progress_of_the_body_and_outputs_are_kept(bench: Workbench) -> None:
    @workflow
    async def report() -> None:
        progress(1, 4)
        output("report.txt", "hello")

    state = await bench.run(report)
    assert [data.progress for data in bench.all(state.execution_id, e.StepProgressed)] == [25.0]
    assert (state.done, state.total) == (1, 4)
    (left,) = bench.all(state.execution_id, e.Output)
    assert (left.name, left.size) == ("report.txt", 5)
    assert bench.outputs.load(state.execution_id, "report.txt") == b"hello"


@step
def refuse(text: str) -> None:
    raise ValueError(text)


@workflow
async def undecodable() -> None:
    await refuse.aio("caf\udce9")


async def test_an_error_with_bytes_that_are_no_text_still_ends_the_execution(bench: Workbench) -> None:
    """A lone surrogate, as `os.listdir` makes of such a name, can be neither encoded nor stored."""
    state = await bench.run(undecodable)
    assert (state.status, state.error) == ("failed", "ValueError: caf?")


async def test_a_bad_input_fails_naming_the_field(bench: Workbench) -> None:
    state = await bench.run(crawl, pages="many")
    assert (state.status, state.error_code) == ("failed", "invalid_input")
    assert "pages" in (state.error or "")


class TestWorker:
    async def test_it_takes_what_was_queued_before_it_came(self, bench: Workbench) -> None:
        waiting = [bench.start(crawl, pages=1) for _ in range(3)]
        async with bench.worker(crawl, concurrency=1):
            for execution_id in waiting:
                assert (await bench.ended(execution_id)).status == "completed"

    async def test_it_never_runs_more_than_its_concurrency(self, bench: Workbench) -> None:
        @workflow
        async def counted() -> None:
            calls["now"] += 1
            calls["most"] = max(calls["most"], calls["now"])
            await asyncio.sleep(0.005)
            calls["now"] -= 1

        async with bench.worker(counted, concurrency=2):
            for execution_id in [bench.start(counted) for _ in range(6)]:
                await bench.ended(execution_id)
        assert calls["most"] == 2

    async def test_what_it_has_not_loaded_stays_queued_until_it_has(self, bench: Workbench) -> None:
        @workflow
        async def later() -> int:
            return 1

        execution_id = bench.start(later)
        async with bench.worker(crawl) as engine:
            await bench.ended(bench.start(crawl))
            assert bench.kinds(execution_id) == ["execution.queued"]
            engine.replace_workflows({"later": later})
            assert (await bench.ended(execution_id)).status == "completed"

    async def test_running_executions_end_on_the_code_they_began_with(self, bench: Workbench) -> None:
        @workflow(id="versioned")
        async def old() -> str:
            await switch["gate"].wait()
            return "old"

        @workflow(id="versioned")
        async def new() -> str:
            return "new"

        switch["gate"] = asyncio.Event()
        async with bench.worker(old) as engine:
            first = bench.start(old)
            await bench.seen(first, e.ExecutionStarted)
            engine.replace_workflows({"versioned": new})
            assert output_of(await bench.ended(bench.start(new))) == "new"
            switch["gate"].set()
            assert output_of(await bench.ended(first)) == "old"

    async def test_stopping_leaves_executions_for_the_next_worker(self, bench: Workbench) -> None:
        """Without a word in the log: a stop is neither a cancel nor a crash."""

        @workflow
        async def long() -> int:
            first = await fetch(1)
            if not switch.get("next"):
                await asyncio.sleep(60)
            return first

        async with bench.worker(long, owner="ada"):
            execution_id = bench.start(long)
            await bench.seen(execution_id, e.StepCompleted)
        assert bench.kinds(execution_id)[-1] == "step.completed"
        record = bench.journal.get(execution_id)
        assert (record.lease_owner, record.crashes) == (None, 0)
        switch["next"] = True
        async with bench.worker(long, owner="bob"):
            assert output_of(await bench.ended(execution_id)) == 10
        assert calls["fetch 1"] == 1

    async def test_stopping_gives_running_executions_their_grace(self, bench: Workbench) -> None:
        @workflow
        async def short() -> None:
            log("running")
            await asyncio.sleep(0.05)

        async with bench.worker(short) as engine:
            execution_id = bench.start(short)
            await bench.seen(execution_id, e.Log)
            await engine.stop(5.0)
        assert bench.journal.get(execution_id).head.closed

    async def test_a_log_in_disorder_ends_the_execution_as_failed(
        self, bench: Workbench, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It must neither run for ever nor go on unrecorded."""
        async with bench.worker(crawl) as engine:
            bench.journal.refusal = ProducerGap()
            state = await bench.ended(bench.start(crawl))
            await bench.until(lambda: not engine.running)
        assert (state.status, state.error_code) == ("failed", "producer_gap")
        assert "can no longer be recorded" in caplog.text

    async def test_an_end_that_cannot_be_written_is_written_as_a_failure(
        self, bench: Workbench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def refuse(*_: object) -> e.ExecutionCompleted:
            raise RuntimeError("no such end")

        monkeypatch.setattr(running_execution.RunningExecution, "_completed", refuse)
        state = await bench.run(crawl)
        assert (state.status, state.error) == ("failed", "RuntimeError: no such end")
        assert "could not be run" in caplog.text

    async def test_many_executions_at_once_all_end(self, bench: Workbench) -> None:
        async with bench.worker(crawl, concurrency=50):
            ids = [bench.start(crawl, pages=3) for _ in range(100)]
            states = [await bench.ended(execution_id) for execution_id in ids]
        assert {state.status for state in states} == {"completed"}
        assert all(output_of(state)["counts"] == [1, 2, 3] for state in states)
