"""Processes that user code forks in a worker leave the worker alone, and what they say is in the log."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from tests.support.eventually import eventually
from tests.support.serving import Serving, command, serving

FORKING = Path(__file__).parents[1] / "support" / "flows" / "forking.py"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("forks") / "headway.db", [FORKING]) as running:
        yield running


def state_of(served: Serving, execution_id: str) -> dict[str, Any]:
    with urlopen(f"{served.url}/api/executions/{execution_id}", timeout=10) as answer:
        state: dict[str, Any] = json.load(answer)["state"]
        return state


def output_of(served: Serving, workflow_id: str) -> object:
    execution_id = served.start(workflow_id)
    eventually(lambda: state_of(served, execution_id)["status"] == "completed", within_s=30)
    return state_of(served, execution_id)["output"]


def test_a_pool_that_ends_its_processes_does_not_end_the_worker(served: Serving) -> None:
    workers = eventually(lambda: served.children("headway.worker"), within_s=20)
    for _ in range(4):
        assert output_of(served, "pool") == 6
    assert served.children("headway.worker") == workers


def test_a_step_may_fork(served: Serving) -> None:
    assert output_of(served, "fork_in_a_step") == 5


def test_a_pool_in_process(tmp_path: Path) -> None:
    done = command(tmp_path / "headway.db", "run", f"{FORKING}:pool")
    assert done.returncode == 0, done.stderr
    assert {"doubling 1", "doubling 2"} <= {
        line.split("INFO")[-1].strip() for line in done.stdout.splitlines()
    }


def test_a_worker_that_is_told_to_end_alone_is_replaced_whatever_its_exit_functions_wait_for(
    served: Serving,
) -> None:
    pid = output_of(served, "held_at_exit")
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGTERM)
    eventually(lambda: served.children("headway.worker") not in ([], [pid]), within_s=30)
    assert output_of(served, "held_at_exit") != pid
