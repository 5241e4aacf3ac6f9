"""The embedded engine on a journal: what the log says is what happened, also after a crash."""

import asyncio
import contextlib
import os
import threading
import time
from collections import Counter
from functools import partial
from typing import Any

import msgspec
import pytest
from tests.support.workbench import Workbench

from headway import gather, log, output, progress, step, workflow
from headway.domain import events as e
from headway.errors import CommandFailed, ProducerGap
from headway.ports import current_scope
from headway.services import attempts, running_execution

calls: Counter[str] = Counter()
switch: dict[str, Any] = {}


@pytest.fixture(autouse=True)
def fresh() -> None:
    calls.clear()
    switch.clear()


@pytest.fixture
def bench() -> Workbench:
    return Workbench()


def output_of(state: Any) -> Any:
    return msgspec.json.decode(state.output)


@step
async def fetch(page: int) -> int:
    calls[f"fetch {page}"] += 1
    log(f"page {page}")
    return page * 10


@step
def count(page: int) -> int:
    calls[f"count {page}"] += 1
    return page + 1


@workflow
async def crawl(pages: int = 3) -> dict[str, Any]:
    sizes = [await fetch(page) for page in range(pages)]
    return {"sizes": sizes, "counts": await count.map_aio(range(pages))}


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
        async with bench.worker(long, owner="ada") as old:
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
        execution_id = bench.start(typed)
        async with bench.worker(crawl) as engine:
            await bench.ended(bench.start(crawl))
            assert bench.kinds(execution_id) == ["execution.queued"]
            engine.replace_workflows({"typed": typed})
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
