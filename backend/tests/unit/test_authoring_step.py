"""`@step`: options, and how the place of a call decides how it runs."""

import asyncio
import pickle
import threading
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel, ConfigDict, Field
from tests.support.recording_scope import RecordingScope, entered

import headway
from headway import gather, step
from headway.errors import DefinitionError
from headway.services.values import encode_result


@step
async def fetch(x: int) -> int:
    await asyncio.sleep(0)
    return 10 * x


@step(retries=2, backoff_s=0.5, timeout_s=9, weight=2, max_concurrency=4, name="Parse it")
def parse(x: int) -> int:
    return 100 * x


@step(process=True)
def crunch(x: int) -> int:
    if x < 0:
        raise ValueError(x)
    return x


def test_options_are_as_declared() -> None:
    options = parse.options
    assert (options.name, options.retries, options.backoff_s, options.timeout_s) == ("Parse it", 2, 0.5, 9.0)
    assert (options.weight, options.max_concurrency, options.process) == (2.0, 4, False)
    assert fetch.options.name == "fetch"
    assert crunch.options.process


async def test_outside_a_workflow_steps_are_their_functions() -> None:
    assert parse(2) == 200
    assert await fetch(2) == 20
    assert parse.map([1, 2]) == [100, 200]
    assert await fetch.map([1, 2], concurrency=1) == [10, 20]
    assert await parse.aio(3) == 300
    assert await parse.map_aio([3]) == [300]
    assert headway.map(parse, (x for x in [1])) == [100]
    assert [type(each) for each in crunch.map([1, -1], return_exceptions=True)] == [int, ValueError]
    with pytest.raises(ValueError, match="-1"):
        crunch.map([1, -1])


async def test_in_an_asynchronous_workflow_both_kinds_are_awaited() -> None:
    with entered(RecordingScope()) as scope:
        assert await fetch(1) == 10
        awaited: Any = parse(1)
        assert isinstance(awaited, Coroutine)
        assert await awaited == 100
        mapped: Any = parse.map([1, 2])
        assert await mapped == [100, 200]
        assert await headway.map(fetch, [1, 2]) == [10, 20]
    assert [name for name, _, _ in scope.ran] == [
        "fetch",
        "Parse it",
        "Parse it",
        "Parse it",
        "fetch",
        "fetch",
    ]


def test_in_a_plain_workflow_both_kinds_block() -> None:
    with entered(RecordingScope()) as scope:
        assert parse(1) == 100
        assert fetch(2) == 20  # type: ignore[comparison-overlap]
        assert parse.map([1]) == [100]
        assert fetch.map([1, 2]) == [10, 20]  # type: ignore[comparison-overlap]
    assert len(scope.ran) == 5


async def test_a_step_in_a_branch_runs_in_the_scope_of_that_branch() -> None:
    """Also when it was called before `gather` could know: a call is looked up where it is awaited."""
    with entered(RecordingScope()) as scope:
        assert await gather(fetch(1), fetch(2), parse.aio(3)) == [10, 20, 300]
    assert sorted(path for _, _, path in scope.ran) == [(0,), (1,), (2,)]


class TestGather:
    async def test_limits_how_many_run_at_once(self) -> None:
        running = most = 0

        async def work() -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

        await gather(*[work() for _ in range(10)], concurrency=3)
        assert most == 3

    async def test_the_first_failure_cancels_the_rest_and_is_raised(self) -> None:
        cancelled = []

        async def fail() -> None:
            await asyncio.sleep(0)
            raise KeyError("sku")

        async def wait() -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(True)
                raise

        with pytest.raises(KeyError):
            await gather(wait(), fail(), wait())
        assert cancelled == [True, True]

    async def test_those_that_never_began_are_closed(self) -> None:
        """Else Python warns that they were never awaited, which fails this test."""

        async def fail() -> None:
            raise KeyError("sku")

        with pytest.raises(KeyError):
            await gather(fail(), fetch(1), fetch(2), concurrency=1)

    async def test_exceptions_in_place(self) -> None:
        async def fail() -> int:
            raise KeyError("sku")

        results = await gather(fail(), fetch(1), return_exceptions=True)
        assert [type(each) for each in results] == [KeyError, int]

    async def test_nothing_and_nonsense(self) -> None:
        assert await gather() == []
        with pytest.raises(ValueError, match="at least 1"):
            await gather(concurrency=0)


@dataclass
class Page:
    path: Path
    day: date


@step
def load() -> list[Page]:
    return []


def test_restore_makes_a_recorded_result_what_the_annotation_says() -> None:
    assert load.restore([{"path": "a", "day": "2026-01-02"}]) == [Page(Path("a"), date(2026, 1, 2))]


class Order(BaseModel):
    model_config = ConfigDict(strict=True)
    placed: date = Field(alias="placedOn")
    price: Decimal


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (Page, Page(Path("a"), date(2026, 1, 2))),
        (Order, Order(placedOn=date(2026, 1, 2), price=Decimal("9.90"))),
        (tuple[int, str], (1, "a")),
        (dict[str, set[int]], {"a": {1, 2}}),
        (Counter[str], Counter("aab")),
        (bytes, "ä".encode()),
        (timedelta, timedelta(days=1, microseconds=5)),
        (int | str | None, None),
        (int | str | None, "1"),
    ],
)
def test_what_a_step_returned_comes_back_equal(hint: Any, value: object) -> None:
    """After a crash the workflow goes on with what was recorded: it must not be able to tell."""

    def returns() -> object:
        return value

    returns.__annotations__["return"] = hint
    recorded = encode_result(value)
    assert recorded is not None
    restored = step(returns).restore(msgspec.json.decode(recorded))
    assert (restored, type(restored)) == (value, type(value))


def test_restore_leaves_what_does_not_fit() -> None:
    assert load.restore({"other": 1}) == {"other": 1}

    @step
    def opaque() -> threading.Thread:
        return threading.Thread()

    @step
    def unresolved() -> "Nowhere":  # type: ignore[name-defined]  # noqa: F821
        return None

    assert opaque.restore([1]) == [1]
    assert unresolved.restore(2) == 2


def test_a_step_is_pickled_by_name() -> None:
    """A process of its own must find the very step; `crunch` hides its function under the same name."""
    assert pickle.loads(pickle.dumps(crunch)) is crunch


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"retries": -1}, "retries=-1"),
        ({"retries": True}, "retries=True"),
        ({"backoff_s": -0.1}, "backoff_s=-0.1"),
        ({"timeout_s": float("nan")}, "timeout_s=nan"),
        ({"weight": 0}, "weight=0"),
        ({"max_concurrency": 0}, "max_concurrency=0"),
        ({"name": "a#b"}, "no step name"),
        ({"process": True}, "top level"),
    ],
)
def test_mistakes_say_the_fix(options: dict[str, Any], says: str) -> None:
    with pytest.raises(DefinitionError, match=says):

        @step(**options)
        def broken() -> None: ...


def test_more_mistakes_say_the_fix() -> None:
    with pytest.raises(DefinitionError, match="plain function"):

        @step(process=True)
        async def broken() -> None: ...

    with pytest.raises(DefinitionError, match="no step name"):
        step(lambda: None)
    with pytest.raises(DefinitionError, match="goes on a function"):
        step(fetch)  # type: ignore[call-overload]
    with pytest.raises(DefinitionError, match="decorate the function"):
        headway.map(print, [1])  # type: ignore[call-overload]
