"""`headway.testing`: users' workflows run in a test on the real engine, with everything captured."""

import asyncio
import logging
import time
import warnings

import pytest
from tests.support.eventually import eventually
from tqdm import tqdm

from headway import (
    approval,
    current,
    gather,
    log,
    output,
    progress,
    shell,
    signal,
    sleep,
    step,
    track,
    workflow,
)
from headway.adapters.clock import SystemClock
from headway.adapters.hints.memory import MemoryHintBus
from headway.domain.events import Log, StepCompleted, StepProgressed
from headway.domain.waiting import ApprovalState
from headway.errors import InvalidInput, WorkflowError
from headway.ports import ExecutionFilter, ExecutionRecord
from headway.services.executions import Executions
from headway.services.states import events_between
from headway.testing import MemoryJournal, Runner, run, run_async

logger = logging.getLogger("shop")


@step
async def fetch(number: int) -> int:
    await asyncio.sleep(0)
    return number * 2


@step(retries=1, backoff_s=0)
def load(number: int) -> dict[str, int]:
    for _ in track(range(3), unit="row"):
        pass
    return {"number": number}


@workflow
async def asynchronous(count: int = 3) -> dict[str, object]:
    """Uses every kind of call."""
    doubled = await fetch.map(range(count), concurrency=2)
    gathered = await gather(fetch(10), load.aio(1))
    listed = await shell(["printf", "a\\nb\\n"])
    output("report.txt", "done")
    log(f"{len(doubled)} fetched")
    return {"doubled": doubled, "gathered": gathered, "listed": listed.stdout}


@workflow
def plain(count: int = 3) -> list[dict[str, int]]:
    shell.wait("echo from the shell")
    loaded = load.map(range(count))
    loaded.append(load(99))
    progress(1, 1)
    return loaded


@workflow
async def waits(amount: int) -> dict[str, object]:
    await sleep(0)
    first = await approval(f"Pay {amount}?", form=int)
    second = await approval("Really?")
    return {
        "first": first.values,
        "second": second.approved,
        "by": second.by,
        "pages": [await signal("page")],
    }


def test_a_runner_answers_questions_and_sends_signals() -> None:
    asked: list[str] = []

    def answer(question: ApprovalState) -> bool | dict[str, int]:
        asked.append(question.message)
        return {"value": 3} if question.message.startswith("Pay") else False

    result = Runner(answer=answer, signals={"page": [{"n": 1}]}).run(waits, amount=5)
    expected = {"first": 3, "second": False, "by": "test", "pages": [{"n": 1}]}
    assert result.raise_for_status().output == expected
    assert asked == ["Pay 5?", "Really?"]


def test_an_asynchronous_workflow() -> None:
    result = run(asynchronous, count=4).raise_for_status()
    assert result.output == {
        "doubled": [0, 2, 4, 6],
        "gathered": [20, {"number": 1}],
        "listed": "a\nb\n",
    }
    assert [event.seq for event in result.events] == list(range(1, len(result.events) + 1))
    assert result.outputs == {"report.txt": b"done"}
    assert {"a", "b", "4 fetched"} <= {line.message for line in result.logs}
    assert result.state.progress == 100
    names = {event.data.step for event in result.events if isinstance(event.data, StepCompleted)}
    assert {"fetch", "load", "printf"} <= names


async def test_a_plain_workflow() -> None:
    result = (await run_async(plain, count=2)).raise_for_status()
    assert result.output == [{"number": 0}, {"number": 1}, {"number": 99}]
    assert "from the shell" in [line.message for line in result.logs]
    assert any(isinstance(event.data, StepProgressed) and event.data.unit == "row" for event in result.events)


@step
def talkative() -> str:
    logger.info("%d orders", 3)
    print("printed", end="")  # noqa: T201
    warnings.warn("old column", DeprecationWarning, stacklevel=1)
    for _ in tqdm(range(3), unit="row", desc="Reading"):
        pass
    here = current()
    return "" if here is None or here.step_id is None else here.step_id


@workflow
async def captured() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        return await talkative.aio()


def test_what_libraries_say_is_log_and_progress_of_the_step() -> None:
    """Also what was printed last without a newline: it comes before the step's end."""
    result = run(captured).raise_for_status()
    assert result.output == "talkative#1"
    lines = {line.message.partition(" (")[0]: line for line in result.logs}
    assert set(lines) == {"3 orders", "printed", "DeprecationWarning: old column"}
    assert {line.step_id for line in lines.values()} == {"talkative#1"}
    assert lines["printed"].stream == "stdout"
    kinds = [event.kind for event in result.events]
    assert kinds.index("log") < kinds.index("step.completed")
    (last,) = [event for event in result.events if event.kind == "step.progressed"][-1:]
    assert isinstance(last.data, StepProgressed)
    assert (last.data.done, last.data.total, last.data.unit, last.data.message) == (3, 3, "row", "Reading")


@step(process=True)
def talkative_apart() -> None:
    logger.info("%d orders", 3)
    print("printed", end="")  # noqa: T201
    warnings.simplefilter("always")
    warnings.warn("old column", DeprecationWarning, stacklevel=1)
    for _ in tqdm(range(3), unit="row"):
        pass


@workflow
async def captured_apart() -> None:
    await talkative_apart.aio()


def test_the_same_in_a_process_of_its_own() -> None:
    result = run(captured_apart).raise_for_status()
    lines = {line.message.partition(" (")[0]: line for line in result.logs}
    assert set(lines) == {"3 orders", "printed", "DeprecationWarning: old column"}
    assert lines["3 orders"].logger == "shop"
    assert lines["DeprecationWarning: old column"].level == "WARNING"
    (last,) = [event for event in result.events if event.kind == "step.progressed"][-1:]
    assert isinstance(last.data, StepProgressed)
    assert (last.data.step, last.data.done, last.data.unit) == ("talkative_apart", 3, "row")


def test_capture_can_be_left_off(capsys: pytest.CaptureFixture[str]) -> None:
    @workflow
    def prints() -> None:
        print("mine")  # noqa: T201

    result = Runner(capture=False).run(prints)
    assert result.logs == []
    assert capsys.readouterr().out == "mine\n"


def test_a_failure_is_a_result() -> None:
    @workflow
    def fails(sku: str) -> None:
        raise KeyError(sku)

    result = run(fails, sku="x1")
    assert (result.status, result.error) == ("failed", "KeyError: 'x1'")
    with pytest.raises(WorkflowError, match=r"(?s)failed: .*raise KeyError\(sku\)"):
        result.raise_for_status()


def test_input_that_does_not_fit_raises() -> None:
    with pytest.raises(InvalidInput) as caught:
        run(asynchronous, count="many")
    assert caught.value.errors[0]["field"] == "count"


def test_executions_of_a_runner_share_its_journal() -> None:
    journal = MemoryJournal()
    runner = Runner(journal=journal)
    ids = {runner.run(plain, count=1).execution_id for _ in range(2)}
    assert {record.execution_id for record in journal.find(ExecutionFilter())} == ids


async def test_runs_at_once_in_one_journal_each_get_their_own_result() -> None:
    runner = Runner()
    results = await asyncio.gather(*[runner.run_async(asynchronous, count=count) for count in range(4)])
    assert [len(result.output["doubled"]) for result in results] == [0, 1, 2, 3]
    assert all(result.outputs == {"report.txt": b"done"} for result in results)
    assert not any(event.kind == "execution.resumed" for result in results for event in result.events)


async def test_where_a_loop_runs_it_says_what_to_write() -> None:
    with pytest.raises(RuntimeError, match="await run_async"):
        run(asynchronous)


@step
def count_slowly(upto: int) -> int:
    for _ in track(range(upto)):
        time.sleep(0.01)
    return upto


@workflow
def stoppable(command: bool) -> None:
    if command:
        shell.wait("echo working; sleep 60")
    else:
        log("working")
        count_slowly(100_000)


@pytest.mark.parametrize("command", [True, False])
async def test_a_cancel_ends_a_command_and_a_tracked_loop_of_a_plain_workflow(command: bool) -> None:
    journal = MemoryJournal()
    executions = Executions(journal, MemoryHintBus(), SystemClock(), lambda: 0)
    running = asyncio.create_task(Runner(journal=journal).run_async(stoppable, command=command))

    def record() -> ExecutionRecord | None:
        return next(iter(journal.find(ExecutionFilter())), None)

    def works() -> bool:
        found = record()
        return found is not None and any(
            isinstance(event.data, Log) and event.data.message == "working"
            for event in events_between(journal, found.execution_id, 0, found.head.last_seq)
        )

    await asyncio.to_thread(eventually, works, 10)
    found = record()
    assert found is not None
    executions.controls.cancel(found.execution_id, by="a test")
    result = await running
    assert result.status == "cancelled"
    assert not any("could not be stopped" in line.message for line in result.logs)
