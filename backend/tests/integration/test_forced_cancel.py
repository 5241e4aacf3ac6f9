"""A cancel that is forced, on real workers: those whose event loop does not answer are ended, no others."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.eventually import eventually
from tests.support.serving import Serving, journal_of, serving, stored_events

from headway.domain import events as e
from headway.domain.identifiers import ExecutionId

FLOWS = Path(__file__).parents[1] / "support" / "flows" / "stuck.py"
WITHIN_S = 20.0


@pytest.fixture(name="served", scope="module")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("forced") / "headway.db", [FLOWS]) as running:
        yield running


def cancel(served: Serving, execution_id: str, body: dict[str, Any]) -> httpx.Response:
    with httpx.Client(trust_env=False, timeout=10) as http:
        return http.post(f"{served.url}/api/executions/{execution_id}/cancel", json=body)


def events_of(served: Serving, execution_id: ExecutionId) -> list[e.Event]:
    with journal_of(served.database) as journal:
        return stored_events(journal, execution_id)


def ended(served: Serving, execution_id: ExecutionId) -> list[e.Event]:
    with journal_of(served.database) as journal:
        eventually(lambda: journal.get(execution_id).head.closed, within_s=WITHIN_S)
        return stored_events(journal, execution_id)


def kinds(events: list[e.Event]) -> list[str]:
    return [event.kind for event in events]


def has_begun(served: Serving, execution_id: ExecutionId, kind: str) -> None:
    eventually(lambda: kind in kinds(events_of(served, execution_id)), within_s=WITHIN_S)


@pytest.mark.parametrize("workflow_id", ["spins", "locks"])
def test_what_holds_up_its_loop_ends_as_cancelled_and_what_runs_beside_it_goes_on(
    served: Serving, tmp_path: Path, workflow_id: str
) -> None:
    beside = served.start("counts")
    has_begun(served, beside, "step.completed")
    given = {"marker": str(tmp_path / "marker")} if workflow_id == "spins" else {}
    stuck = served.start(workflow_id, **given)
    has_begun(served, stuck, "log")
    [worker] = served.children("headway.worker")
    # Not before the loop stands still, or an ordinary cancel would do.
    eventually(lambda: is_still(served, beside), within_s=WITHIN_S)

    assert cancel(served, stuck, {"by": "ada"}).status_code == 202
    forced = cancel(served, stuck, {"force": True, "by": "ben"})
    assert forced.status_code == 202
    assert cancel(served, stuck, {"force": True}).json() == forced.json()

    log = ended(served, stuck)
    assert kinds(log)[-5:] == [
        *("control.requested", "control.requested"),
        *("control.effective", "control.effective", "execution.cancelled"),
    ]
    receipts = [event.data for event in log if isinstance(event.data, e.Control)]
    assert [(data.by, data.force) for data in receipts] == [("ada", False), ("ben", True)] * 2
    assert "execution.resumed" not in kinds(log)

    events = ended(served, beside)
    assert kinds(events)[-1] == "execution.completed"
    assert kinds(events).count("execution.resumed") == 1
    done = Counter(data.step_id for event in events if isinstance(data := event.data, e.StepCompleted))
    assert len(done) == 20
    assert set(done.values()) == {1}
    assert any(
        isinstance(event.data, e.Log) and f"cancel of {stuck}" in event.data.message for event in events
    )

    assert served.children("headway.worker") != [worker]
    told = f"worker-1 ended (the cancel of {stuck} is forced, and its event loop did not answer)"
    assert told in " ".join(served.log.split())
    assert "killed by SIGKILL" not in served.log
    with journal_of(served.database) as journal:
        assert journal.get(beside).crashes == 0


def test_a_force_without_need_ends_nobody(served: Serving) -> None:
    beside = served.start("counts", upto=100)
    slow = served.start("stalls", seconds=0.2)
    has_begun(served, beside, "step.completed")
    [worker] = served.children("headway.worker")

    forced = cancel(served, slow, {"force": True, "by": "ben"})
    assert forced.status_code == 202

    assert kinds(ended(served, slow))[-4:] == [
        *("control.requested", "control.delivered", "control.effective", "execution.cancelled"),
    ]
    assert "execution.resumed" not in kinds(ended(served, beside))
    assert served.children("headway.worker") == [worker]


def test_a_force_on_an_execution_that_has_ended_writes_nothing(served: Serving) -> None:
    execution_id = served.start("counts", upto=1)
    before = len(ended(served, execution_id))
    refused = cancel(served, execution_id, {"force": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "execution_closed")
    assert len(events_of(served, execution_id)) == before


def test_the_terminal_says_how_to_force_and_what_that_does(served: Serving, tmp_path: Path) -> None:
    stuck = served.start("spins", marker=str(tmp_path / "marker"))
    has_begun(served, stuck, "step.started")
    assert f"headway cancel {stuck} --force" in served.command("cancel", stuck).stdout
    told = served.command("cancel", stuck, "--force")
    assert "Cancel by force requested" in told.stdout
    assert "unless it answers within 2 s" in told.stdout
    watched = served.command("watch", stuck)
    assert watched.returncode == 3
    assert "cancel by force requested" in watched.stdout


def is_still(served: Serving, execution_id: ExecutionId) -> bool:
    """Whether its log has not grown for longer than one of its steps takes."""
    before = len(events_of(served, execution_id))
    time.sleep(0.5)
    return len(events_of(served, execution_id)) == before
