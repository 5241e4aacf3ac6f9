"""Attempts of a step: how often, how long, and what is left of those that failed."""

import asyncio
import contextlib
import threading
import time

import pytest
from tests.support.crawl import calls, output_of, switch
from tests.support.workbench import Workbench

from headway import gather, step, workflow
from headway.domain import events as e
from headway.ports import current_scope
from headway.services import attempts


class TestRetriesAndTimeouts:
    async def test_a_step_is_tried_again_until_it_succeeds(self, bench: Workbench) -> None:
        @step(retries=3, backoff_s=0.001)
        async def flaky() -> int:
            calls["flaky"] += 1
            if calls["flaky"] < 3:
                raise OSError("busy")
            return calls["flaky"]

        @workflow
        async def patient() -> int:
            return await flaky()

        state = await bench.run(patient)
        assert output_of(state) == 3
        retries = bench.all(state.execution_id, e.StepRetrying)
        assert [(data.attempt, data.max_attempts, data.error) for data in retries] == [
            (1, 4, "OSError: busy"),
            (2, 4, "OSError: busy"),
        ]
        assert [data.attempt for data in bench.all(state.execution_id, e.StepStarted)] == [1, 2, 3]

    async def test_without_a_try_left_the_error_is_raised(self, bench: Workbench) -> None:
        @step(retries=1, backoff_s=0.0)
        def hopeless() -> None:
            raise OSError("gone")

        @workflow
        def doomed() -> None:
            hopeless()

        state = await bench.run(doomed)
        assert (state.error, state.steps["hopeless#1"].attempt) == ("OSError: gone", 2)

    async def test_an_asynchronous_step_is_cancelled_at_its_timeout(self, bench: Workbench) -> None:
        @step(timeout_s=0.05)
        async def sleepy() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                calls["cleaned up"] += 1

        @workflow
        async def hurried() -> None:
            await sleepy()

        state = await bench.run(hurried)
        assert (state.error, state.error_code) == (
            "StepTimeout: sleepy took longer than 0.05 s",
            "step_timeout",
        )
        assert calls["cleaned up"] == 1

    async def test_a_step_that_swallows_its_timeout_is_left_and_told_of(
        self, bench: Workbench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(attempts, "HALT_S", 0.1)
        monkeypatch.setattr(attempts, "RECANCEL_S", 0.02)

        @step(timeout_s=0.05)
        async def immortal() -> None:
            while not switch.get("over"):
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(0.01)

        @workflow
        async def hurried() -> None:
            await immortal()

        state = await bench.run(hurried)
        switch["over"] = True
        assert state.error_code == "step_timeout"
        assert any(
            "in spite of its cancellation" in message for message in bench.messages(state.execution_id)
        )

    async def test_a_thread_that_runs_on_after_its_timeout_is_told_of(self, bench: Workbench) -> None:
        release = threading.Event()

        @step(timeout_s=0.05)
        def stuck() -> None:
            release.wait(20)

        @workflow
        async def unlucky() -> None:
            await stuck.aio()

        state = await bench.run(unlucky)
        release.set()
        assert state.error_code == "step_timeout"
        assert any("could not be stopped" in message for message in bench.messages(state.execution_id))

    async def test_a_thread_that_looks_at_cancelled_stops_without_a_word(self, bench: Workbench) -> None:
        @step(timeout_s=0.05)
        def polite() -> None:
            scope = current_scope.get()
            while scope is not None and not scope.cancelled:
                time.sleep(0.005)

        @workflow
        async def fine() -> None:
            await polite.aio()

        state = await bench.run(fine)
        assert state.error_code == "step_timeout"
        assert bench.messages(state.execution_id) == []

    async def test_an_execution_has_a_timeout_too(self, bench: Workbench) -> None:
        @step
        async def endless() -> None:
            await asyncio.sleep(60)

        @workflow(timeout_s=0.05)
        async def limited() -> None:
            await endless()

        state = await bench.run(limited)
        assert (state.status, state.error_code) == ("failed", "execution_timeout")
        assert state.steps["endless#1"].status == "cancelled"

    async def test_a_step_keeps_to_its_own_concurrency_over_all_executions(self, bench: Workbench) -> None:
        @step(max_concurrency=2)
        async def narrow() -> None:
            calls["now"] += 1
            calls["most"] = max(calls["most"], calls["now"])
            await asyncio.sleep(0.01)
            calls["now"] -= 1

        @workflow
        async def crowd() -> None:
            await gather(*(narrow() for _ in range(4)))

        async with bench.worker(crowd):
            for execution_id in [bench.start(crowd), bench.start(crowd)]:
                await bench.ended(execution_id)
        assert calls["most"] == 2

    async def test_a_map_keeps_to_its_concurrency_and_order(self, bench: Workbench) -> None:
        @step
        async def item(n: int) -> int:
            calls["now"] += 1
            calls["most"] = max(calls["most"], calls["now"])
            await asyncio.sleep(0.002 * (n % 3))
            calls["now"] -= 1
            return n

        @workflow
        async def mapped() -> list[int]:
            return await item.map(range(12), concurrency=3)

        assert output_of(await bench.run(mapped)) == list(range(12))
        assert calls["most"] == 3
