"""What runs is stopped as far as its kind allows: tasks, threads, processes."""

import asyncio
import os
import threading
import time
from typing import Any

import msgspec
import pytest
from tests.support.crawl import calls, crawl, output_of, switch
from tests.support.workbench import Workbench

from headway import log, progress, step, workflow
from headway.domain import events as e
from headway.ports import current_scope
from headway.services import running_execution


class TestCancel:
    async def test_it_stops_an_asynchronous_step_in_the_middle(self, bench: Workbench) -> None:
        @step
        async def endless() -> None:
            await asyncio.sleep(60)

        @workflow
        async def waiting() -> None:
            await endless()

        async with bench.worker(waiting):
            execution_id = bench.start(waiting)
            await bench.seen(execution_id, e.StepStarted)
            bench.cancel(execution_id)
            state = await bench.ended(execution_id)
        assert state.status == "cancelled"
        assert bench.kinds(execution_id)[3:] == [
            "control.requested",
            "control.delivered",
            "step.cancelled",
            "control.effective",
            "execution.cancelled",
        ]
        assert bench.all(execution_id, e.ExecutionCancelled)[0].by == "eve"

    async def test_each_of_two_requests_is_delivered_and_takes_effect(self, bench: Workbench) -> None:
        @workflow
        async def slow() -> None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                await asyncio.sleep(0.1)
                raise

        async with bench.worker(slow):
            execution_id = bench.start(slow)
            await bench.seen(execution_id, e.ExecutionStarted)
            bench.cancel(execution_id)
            bench.cancel(execution_id)
            state = await bench.ended(execution_id)
        assert [control.stage for control in state.controls.values()] == ["effective", "effective"]
        assert bench.kinds(execution_id).count("control.delivered") == 2

    async def test_code_that_swallows_it_is_cancelled_again(self, bench: Workbench) -> None:
        @workflow
        async def stubborn() -> None:
            for _ in range(2):
                try:
                    log("sleeping")
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    log("never mind")
            await asyncio.sleep(60)

        async with bench.worker(stubborn):
            execution_id = bench.start(stubborn)
            await bench.seen(execution_id, e.Log)
            bench.cancel(execution_id)
            state = await bench.ended(execution_id)
        assert state.status == "cancelled"
        assert bench.messages(execution_id).count("never mind") == 2

    async def test_a_body_that_never_gives_in_is_left_running_and_told_of(
        self, bench: Workbench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(running_execution, "HALT_S", 0.1)
        monkeypatch.setattr(running_execution, "RECANCEL_S", 0.02)

        @workflow
        async def immortal() -> None:
            log("alive")
            while not switch.get("over"):
                try:
                    await asyncio.sleep(0.01)
                except asyncio.CancelledError:
                    calls["swallowed"] += 1

        async with bench.worker(immortal):
            execution_id = bench.start(immortal)
            await bench.seen(execution_id, e.Log)
            bench.cancel(execution_id)
            state = await bench.ended(execution_id)
            switch["over"] = True
        assert state.status == "cancelled"
        assert any("could not be stopped" in message for message in bench.messages(execution_id))

    @pytest.mark.parametrize("is_polite", [True, False])
    async def test_a_plain_step_is_asked_and_told_of_if_it_runs_on(
        self, bench: Workbench, is_polite: bool
    ) -> None:
        release = threading.Event()

        @step
        def working() -> None:
            scope = current_scope.get()
            while not release.is_set() and not (is_polite and scope is not None and scope.cancelled):
                time.sleep(0.002)

        @workflow
        def plain() -> None:
            working()
            calls["went on"] += 1

        async with bench.worker(plain):
            execution_id = bench.start(plain)
            await bench.seen(execution_id, e.StepStarted)
            bench.cancel(execution_id)
            state = await bench.ended(execution_id)
        release.set()
        assert (state.status, state.steps["working#1"].status) == ("cancelled", "cancelled")
        told = any("could not be stopped" in message for message in bench.messages(execution_id))
        assert told is not is_polite
        assert calls["went on"] == 0

    async def test_a_cancel_from_before_the_claim_runs_nothing(self, bench: Workbench) -> None:
        execution_id = bench.start(crawl)
        bench.cancel(execution_id)
        async with bench.worker(crawl):
            state = await bench.ended(execution_id)
        assert state.status == "cancelled"
        assert not calls

    async def test_it_interrupts_the_wait_before_a_retry(self, bench: Workbench) -> None:
        @step(retries=1, backoff_s=60)
        async def failing() -> None:
            raise OSError("busy")

        @workflow
        async def waits() -> None:
            await failing()

        async with bench.worker(waits):
            execution_id = bench.start(waits)
            await bench.seen(execution_id, e.StepRetrying)
            bench.cancel(execution_id)
            state = await bench.ended(execution_id)
        assert (state.status, state.steps["failing#1"].status) == ("cancelled", "cancelled")


def square(n: int) -> int:
    print(f"square of {n}")  # noqa: T201 - what a user prints
    progress(1, 1)
    return n * n


def in_pieces(mode: str) -> str:
    if mode == "exit":
        os._exit(7)
    if mode == "raise":
        raise ValueError("from the child")
    if mode == "sleep":
        print("sleeping", flush=True)  # noqa: T201 - what a user prints
        time.sleep(60)
    return str(os.getpid())


square_step = step(process=True, name="square")(square)
pieces_step = step(process=True, name="pieces", timeout_s=30)(in_pieces)


class TestProcesses:
    async def test_a_step_in_a_process_reports_and_returns(self, bench: Workbench) -> None:
        @workflow
        async def squares() -> list[int]:
            return await square_step.map_aio([2, 3])

        state = await bench.run(squares)
        assert state.error is None
        assert output_of(state) == [4, 9]
        logs = bench.all(state.execution_id, e.Log)
        assert sorted((data.message, data.stream) for data in logs) == [
            ("square of 2", "stdout"),
            ("square of 3", "stdout"),
        ]
        assert state.steps["square#1"].done == 1

    async def test_a_child_is_used_again_and_its_errors_are_raised_here(self, bench: Workbench) -> None:
        @workflow
        async def several() -> list[Any]:
            first = await pieces_step.aio("one")
            try:
                await pieces_step.aio("raise")
            except ValueError as error:
                return [first == await pieces_step.aio("two"), str(error)]
            return []

        state = await bench.run(several)
        assert output_of(state) == [True, "from the child"]
        assert int(first_pid(bench, state.execution_id)) != os.getpid()

    async def test_a_child_that_dies_fails_its_step(self, bench: Workbench) -> None:
        @workflow
        async def dying() -> None:
            await pieces_step.aio("exit")

        state = await bench.run(dying)
        assert "died with exit code 7" in (state.error or "")

    async def test_cancel_kills_the_child(self, bench: Workbench) -> None:
        @workflow
        async def sleeping() -> None:
            await pieces_step.aio("sleep")

        async with bench.worker(sleeping):
            execution_id = bench.start(sleeping)
            await bench.seen(execution_id, e.Log)
            bench.cancel(execution_id)
            state = await bench.ended(execution_id)
        assert state.status == "cancelled"
        assert bench.messages(execution_id) == ["sleeping"]


def first_pid(bench: Workbench, execution_id: str) -> str:
    result = bench.all(execution_id, e.StepCompleted)[0].result
    assert isinstance(result, msgspec.Raw)
    return str(msgspec.json.decode(result))
