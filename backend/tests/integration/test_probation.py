"""A suspect runs with nothing new beside it until it has shown that it does no harm."""

import asyncio
from dataclasses import replace

import pytest
from tests.support.workbench import Workbench

from headway import approval, step, workflow
from headway.domain.identifiers import ExecutionId
from headway.services import probation
from headway.services.probation import Probation

hold: list[asyncio.Event] = []


@step
async def work(number: int) -> int:
    if number:
        await hold[0].wait()
    return number


@workflow
async def long() -> int:
    """One step that does not end."""
    return await work(1)


@workflow
async def two() -> int:
    """One step that ends, then one that does not."""
    return await work(0) + await work(1)


@workflow
async def asks() -> bool:
    return bool(await approval("Go?"))


@workflow
async def quick() -> int:
    return 1


@pytest.fixture
def bench() -> Workbench:
    hold[:] = [asyncio.Event()]
    return Workbench()


def crash(bench: Workbench, times: int = 2) -> None:
    """What is free is held by workers that die."""
    for _ in range(times):
        bench.journal.claim("dead", ["long", "two", "asks", "quick"], 10)  # type: ignore[list-item]
        bench.journal.release("dead", crashed=True)


def crashes(bench: Workbench, execution_id: ExecutionId) -> int:
    return bench.journal.get(execution_id).crashes


async def test_nothing_is_taken_up_beside_a_suspect(bench: Workbench) -> None:
    suspect = bench.start(long)
    crash(bench)
    later = bench.start(quick)
    async with bench.worker(long, quick):
        await bench.until(lambda: "step.started" in bench.kinds(suspect))
        await bench.until(lambda: bench.journal.get(suspect).lease_owner == "ada")
        assert bench.journal.get(later).lease_owner is None
        hold[0].set()
        await bench.ended(suspect)
        await bench.ended(later)


async def test_a_step_that_is_done_clears_it(bench: Workbench) -> None:
    suspect = bench.start(two)
    crash(bench)
    later = bench.start(quick)
    async with bench.worker(two, quick):
        await bench.ended(later)
        assert crashes(bench, suspect) == 0
        assert not bench.journal.get(suspect).head.closed


async def test_one_that_comes_to_a_wait_is_cleared(bench: Workbench) -> None:
    suspects = [bench.start(asks) for _ in range(3)]
    crash(bench)
    later = bench.start(quick)
    async with bench.worker(asks, quick):
        await bench.ended(later)
        assert [crashes(bench, each) for each in suspects] == [0, 0, 0]


async def test_one_that_survives_is_cleared_however_long_its_step(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probation, "FIRST_S", 0.05)
    suspects = [bench.start(long) for _ in range(2)]
    crash(bench)
    later = bench.start(quick)
    async with bench.worker(long, quick):
        await bench.ended(later)
        assert [crashes(bench, each) for each in suspects] == [0, 0]
        assert not any(bench.journal.get(each).head.closed for each in suspects)


def test_the_time_doubles_with_each_crash(bench: Workbench) -> None:
    now = [100.0]
    watch = Probation(lambda: now[0])
    record = bench.journal.get(bench.start(long))
    watch.begin(replace(record, crashes=1, lease_epoch=2))
    assert watch.suspect is None, "one crash makes no suspect"
    for epoch, limit in ((3, 10.0), (4, 20.0), (5, 40.0), (99, 600.0)):
        watch.begin(replace(record, crashes=2, lease_epoch=epoch))
        now[0] += limit - 1
        assert not watch.is_over
        now[0] += 1
        assert watch.is_over
