"""What goes wrong in user code ends the execution, and the log says where and why."""

import asyncio
from typing import Any

import pytest
from tests.support.crawl import crawl, output_of
from tests.support.workbench import Workbench

from headway import step, workflow
from headway.domain import events as e
from headway.errors import CommandFailed


class TestFailure:
    async def test_it_names_the_error_the_step_and_the_users_frames(self, bench: Workbench) -> None:
        @step
        async def price() -> None:
            raise KeyError("sku")

        @workflow
        async def shop() -> None:
            await price()

        state = await bench.run(shop)
        assert (state.status, state.error, state.error_code) == (
            "failed",
            "KeyError: 'sku'",
            "workflow_failed",
        )
        assert (state.step, state.step_id) == ("price", "price#1")
        assert state.traceback is not None
        assert 'raise KeyError("sku")' in state.traceback
        assert "headway/services" not in state.traceback

    async def test_an_error_of_ours_keeps_its_code(self, bench: Workbench) -> None:
        @workflow
        async def build() -> None:
            raise CommandFailed("make: *** [all] Error 2")

        assert (await bench.run(build)).error_code == "command_failed"

    async def test_a_caught_error_of_a_step_is_no_failure_of_the_execution(self, bench: Workbench) -> None:
        @step
        async def flaky() -> None:
            raise OSError("no route")

        @workflow
        async def tolerant() -> str:
            try:
                await flaky()
            except OSError as error:
                return str(error)
            return "?"

        state = await bench.run(tolerant)
        assert (state.status, output_of(state)) == ("completed", "no route")
        assert state.steps["flaky#1"].status == "failed"

    @pytest.mark.parametrize("leave", [SystemExit, KeyboardInterrupt])
    @pytest.mark.parametrize("where", ["body", "step", "thread", "item"])
    async def test_what_would_end_a_process_ends_only_the_execution(
        self, bench: Workbench, leave: type[BaseException], where: str
    ) -> None:
        @step
        async def leaving(_: int = 0) -> None:
            raise leave(3)

        @step
        def leaving_thread() -> None:
            raise leave(3)

        @workflow
        async def left() -> None:
            if where == "step":
                await leaving()
            if where == "thread":
                await leaving_thread.aio()
            if where == "item":
                await leaving.map_aio([1, 2])
            raise leave(3)

        async with bench.worker(left, crawl):
            state = await bench.ended(bench.start(left))
            assert state.status == "failed"
            assert f"{leave.__name__}: 3" in (state.error or "")
            assert (await bench.ended(bench.start(crawl))).status == "completed"

    async def test_a_stray_cancellation_is_a_failure(self, bench: Workbench) -> None:
        @step
        async def stray() -> None:
            raise asyncio.CancelledError

        @workflow
        async def straying() -> None:
            await stray()

        state = await bench.run(straying)
        assert (state.status, state.error) == ("failed", "CancelledError")
        assert state.steps["stray#1"].status == "failed"

    async def test_the_first_failed_item_cancels_the_others(self, bench: Workbench) -> None:
        @step
        async def item(n: int) -> None:
            if n == 1:
                raise ValueError("item 1")
            await asyncio.sleep(60)

        @workflow
        async def several() -> None:
            await item.map([0, 1, 2])

        state = await bench.run(several)
        assert (state.error, state.step_id) == ("ValueError: item 1", "item#2")
        assert [state.steps[f"item#{n}"].status for n in (1, 2, 3)] == ["cancelled", "failed", "cancelled"]
        assert state.steps["item[]#1"].status == "failed"

    async def test_a_failure_tells_what_the_step_was_called_with(self, bench: Workbench) -> None:
        @step(retries=1, backoff_s=0.0)
        async def load(path: str, rows: object) -> None:
            raise KeyError("sku")

        @workflow
        async def loading() -> None:
            await load("a.csv", rows=[4112])

        state = await bench.run(loading)
        (failed,) = bench.all(state.execution_id, e.StepFailed)
        assert failed.input == '{"path":"a.csv","rows":[4112]}'

    async def test_exceptions_can_be_results(self, bench: Workbench) -> None:
        @step
        async def half(n: int) -> int:
            if n % 2:
                raise ValueError(n)
            return n

        @workflow
        async def halves() -> list[str]:
            return [repr(each) for each in await half.map([0, 1, 2], return_exceptions=True)]

        assert output_of(await bench.run(halves)) == ["0", "ValueError(1)", "2"]

    async def test_a_result_without_a_json_form_is_told_and_used(self, bench: Workbench) -> None:
        @step
        async def handle() -> Any:
            return object()

        @workflow
        async def holds() -> bool:
            return await handle() is not None

        state = await bench.run(holds)
        assert output_of(state) is True
        assert any("no JSON form" in message for message in bench.messages(state.execution_id))

    async def test_a_result_above_the_limit_fails_the_step(self, bench: Workbench) -> None:
        @step(retries=3)
        async def big() -> str:
            return "x" * 300_000

        @workflow
        async def bigger() -> None:
            await big()

        state = await bench.run(bigger)
        assert (state.error_code, state.steps["big#1"].attempt) == ("result_too_large", 1)
