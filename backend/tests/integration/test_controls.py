"""Controls on real processes: over HTTP and in the terminal, with servers and workers killed in between."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.eventually import eventually
from tests.support.serving import Serving, journal_of, serving, stored_events

from headway.domain import events as e
from headway.domain.identifiers import ExecutionId

FLOWS = Path(__file__).parents[1] / "support" / "flows" / "waits.py"


@pytest.fixture(name="served", scope="module")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("controls") / "headway.db", [FLOWS]) as running:
        yield running


def ask(served: Serving, path: str, body: Any = None, **headers: str) -> httpx.Response:
    url = f"{served.url}/api/executions/{path}"
    with httpx.Client(trust_env=False, timeout=10) as http:
        return http.get(url) if body is None else http.post(url, json=body, headers=headers)


def state_of(served: Serving, execution_id: str) -> dict[str, Any]:
    found: dict[str, Any] = ask(served, execution_id).json()["state"]
    return found


def waits_for(served: Serving, execution_id: ExecutionId, what: str) -> None:
    """Until it stands at a question, a signal or a timer."""

    def is_there() -> bool:
        waiting = state_of(served, execution_id)["waiting"]
        kinds = {one["wait"] for one in waiting["waits"].values()}
        questions = {"approval" for one in waiting["approvals"].values() if "status" not in one}
        return what in kinds | questions  # the status `open` is a default, and not on the wire

    eventually(is_there, within_s=20)


def ended(served: Serving, execution_id: str) -> dict[str, Any]:
    eventually(lambda: state_of(served, execution_id)["closed"], within_s=20)
    return state_of(served, execution_id)


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_an_answer_and_a_signal_reach_the_workflow_with_their_receipts(served: Serving) -> None:
    execution_id = served.start("pays")
    waits_for(served, execution_id, "approval")
    assert ask(served, execution_id).json()["execution"]["phase"] == "waiting"
    path = f"{execution_id}/approvals/approval-1"
    refused = ask(served, path, {"approved": True, "values": {"amount": "much"}})
    assert code_of(refused) == (422, "invalid_input")
    assert refused.json()["errors"][0]["field"] == "amount"
    yes = {"approved": True, "values": {"amount": 12}}
    receipt = ask(served, path, yes, **{"Headway-By": "Zo%C3%AB"})
    assert receipt.status_code == 202
    assert ask(served, path, yes).json() == receipt.json()
    assert code_of(ask(served, path, {"approved": False})) == (409, "approval_closed")
    assert code_of(ask(served, f"{execution_id}/approvals/approval-9", yes)) == (404, "approval_not_found")
    sent = ask(served, f"{execution_id}/signals/when", {"value": "now", "by": "ben"})
    assert sent.status_code == 202
    state = ended(served, execution_id)
    assert state["output"] == {"paid": 12, "by": "Zoë", "when": "now"}
    stages = {one["control"]: (one["stage"], one["by"]) for one in state["controls"].values()}
    assert stages == {"approve": ("effective", "Zoë"), "signal": ("effective", "ben")}


def test_a_closed_execution_takes_no_control(served: Serving) -> None:
    execution_id = served.start("naps", seconds=0)
    before = ended(served, execution_id)["seq"]
    for path, body in (("cancel", {}), ("signals/when", {"value": 1}), ("cancel", {"by": "eve"})):
        assert code_of(ask(served, f"{execution_id}/{path}", body)) == (409, "execution_closed")
    assert state_of(served, execution_id)["seq"] == before


def test_a_repeated_signal_with_its_key_is_sent_once(served: Serving) -> None:
    execution_id = served.start("pays")
    path, key = f"{execution_id}/signals/when", {"Idempotency-Key": "k1"}
    first = ask(served, path, {"value": 1}, **key)
    assert ask(served, path, {"value": 1}, **key).json() == first.json()
    assert code_of(ask(served, path, {"value": 2}, **key)) == (409, "idempotency_conflict")
    assert state_of(served, execution_id)["waiting"]["signals"] == {"when": 1}
    assert ask(served, f"{execution_id}/cancel", {}).status_code == 202
    ended(served, execution_id)


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("signals/when", {"value": "x" * 70_000}, (413, "payload_too_large")),
        ("signals/when", {"value": 1, "by": "x" * 101}, (400, "bad_request")),
        ("signals/" + "x" * 101, {"value": 1}, (400, "bad_request")),
        ("approvals/approval-1", {"approved": "perhaps"}, (422, "invalid_input")),
        ("retry", {"from_step": "ghost"}, (422, "invalid_input")),
    ],
)
def test_what_does_not_fit_is_refused_and_writes_nothing(
    served: Serving, path: str, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    execution_id = served.start("pays")
    waits_for(served, execution_id, "approval")
    before = state_of(served, execution_id)["seq"]
    assert code_of(ask(served, f"{execution_id}/{path}", body)) == expected
    assert state_of(served, execution_id)["seq"] == before
    ask(served, f"{execution_id}/cancel", {})


def test_the_terminal_answers_signals_and_does_over(served: Serving, tmp_path: Path) -> None:
    execution_id = served.start("pays")
    waits_for(served, execution_id, "approval")
    assert f"headway approve {execution_id}" in served.command("show", execution_id).stdout
    assert served.command("approve", execution_id, "--value", "amount").returncode == 2
    assert "Pay BILL? yes" in served.command("approve", execution_id, "--value", "amount=7").stdout
    assert "no such open question" in served.command("approve", execution_id).stderr
    assert served.command("signal", execution_id, "when", "--json", "{").returncode == 2
    assert served.command("signal", execution_id, "when", "--json", '{"at": 9}').returncode == 0
    assert ended(served, execution_id)["output"] == {"paid": 7, "by": "cli", "when": {"at": 9}}

    refused = served.start("pays")
    waits_for(served, refused, "approval")
    assert served.command("approve", refused, "--reject", "--reason", "too dear").returncode == 0
    assert state_of(served, refused)["waiting"]["approvals"]["approval-1"]["reason"] == "too dear"

    marker = tmp_path / "marker"
    failed = served.start("loads", marker=str(marker))
    assert ended(served, failed)["status"] == "failed"
    marker.touch()
    assert served.command("rerun", failed, "--from", "ghost").returncode == 2
    done = served.command("rerun", failed, "--from", "load", "--input", "limit=5")
    assert done.returncode == 0, done.stderr
    [new] = [
        one["execution_id"]
        for one in httpx.get(f"{served.url}/api/executions", trust_env=False).json()["executions"]
        if one["retry_of"] == failed
    ]
    state = state_of(served, new)
    assert (state["output"], state["from_step"], state["input"]["limit"]) == (["ROWS", 5], "load", 5)
    events = ask(served, f"{new}/events").json()["events"]
    assert [event["kind"] for event in events[:6]] == [
        *("execution.queued", "control.requested", "step.started", "step.completed"),
        *("control.delivered", "execution.started"),
    ]
    assert events[3]["data"]["reused"] is True
    assert events[5]["data"]["reused_steps"] == 1
    assert (
        sum(event["kind"] == "step.started" and event["data"]["step"] == "prepare" for event in events) == 1
    )


def test_questions_signals_and_answers_outlive_server_and_worker(tmp_path: Path) -> None:
    database = tmp_path / "headway.db"
    with serving(database, [FLOWS]) as served, journal_of(database) as journal:
        execution_id = served.start("pays")
        waits_for(served, execution_id, "approval")
        served.kill("headway.worker")
        served.kill("headway.server")
        eventually(lambda: answers(served, execution_id), within_s=20)
        yes = {"approved": True, "values": {"amount": 3}, "by": "ana"}
        receipt = ask(served, f"{execution_id}/approvals/approval-1", yes)
        assert receipt.status_code == 202
        served.kill("headway.server")
        eventually(lambda: answers(served, execution_id), within_s=20)
        waits_for(served, execution_id, "signal")
        assert ask(served, f"{execution_id}/approvals/approval-1", yes).json() == receipt.json()
        served.kill("headway.worker")
        assert ask(served, f"{execution_id}/signals/when", {"value": 1}).status_code == 202
        assert ended(served, execution_id)["output"] == {"paid": 3, "by": "ana", "when": 1}
        events = stored_events(journal, execution_id)
    told = [event.data for event in events if isinstance(event.data, e.ControlEffective)]
    assert [(one.control, one.by) for one in told] == [("approve", "ana"), ("signal", None)]
    assert sum(isinstance(event.data, e.ApprovalRequested) for event in events) == 1


def test_a_timer_outlives_its_worker(tmp_path: Path) -> None:
    database = tmp_path / "headway.db"
    with serving(database, [FLOWS]) as served, journal_of(database) as journal:
        execution_id = served.start("naps", seconds=2)
        waits_for(served, execution_id, "timer")
        served.kill("headway.worker")
        assert ended(served, execution_id)["output"] == "NAP"
        events = stored_events(journal, execution_id)
    started = [event for event in events if isinstance(event.data, e.WaitStarted)]
    assert len(started) == 2, "the worker was killed while it waited"
    assert len({event.data.until for event in started if isinstance(event.data, e.WaitStarted)}) == 1
    [fired] = [event for event in events if isinstance(event.data, e.WaitEnded)]
    assert isinstance(started[0].data, e.WaitStarted)
    assert started[0].data.until is not None
    assert fired.timestamp >= started[0].data.until, "not before its time"


def answers(served: Serving, execution_id: ExecutionId) -> bool:
    try:
        return ask(served, execution_id).status_code == 200
    except httpx.HTTPError:
        return False
