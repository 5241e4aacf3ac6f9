"""What a user sees of an exception: their own frames, and nothing of what ran them."""

import asyncio
import concurrent.futures
import json
from typing import Any

import pytest

from headway import step, workflow
from headway.authoring.workflow import Workflow
from headway.services.failures import user_traceback
from headway.testing import run


@step
def load(row: dict[str, str]) -> str:
    return row["sku"]


@workflow
def one_step() -> str:
    return load({"name": "lamp"})


@workflow
def many_items() -> list[str]:
    return load.map([{"name": "lamp"}])


def frames(traceback: str | None) -> list[str]:
    lines = (traceback or "").splitlines()
    return [line.rsplit(" in ", 1)[1] for line in lines if line.startswith("  File ")]


@pytest.mark.parametrize("flow", [one_step, many_items])
def test_the_traceback_of_a_plain_step_goes_from_the_workflow_straight_to_the_step(
    flow: Workflow[..., Any],
) -> None:
    told = run(flow).state.traceback
    assert frames(told) == [flow.workflow_id, "load"]


def test_a_library_that_user_code_calls_is_shown_the_machinery_of_steps_too() -> None:
    """Only what Headway called is left out: a pool of the user's own is theirs to see."""

    def with_a_pool() -> None:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            pool.submit(json.loads, "{").result()

    async def with_a_task() -> None:
        await asyncio.wait_for(asyncio.to_thread(json.loads, "{"), 5)

    with pytest.raises(json.JSONDecodeError) as pooled:
        with_a_pool()
    with pytest.raises(json.JSONDecodeError) as awaited:
        asyncio.run(with_a_task())
    assert "result" in frames(user_traceback(pooled.value))
    assert {"wait_for", "raw_decode"} <= set(frames(user_traceback(awaited.value)))
