"""Controls over HTTP: cancel and retry, with their receipts."""

from typing import Any

import httpx
from tests.support.authored import define
from tests.support.http import an_execution, kinds, problem
from tests.support.server import RunningServer

from headway.domain.identifiers import WorkflowId


def test_cancelling_what_nobody_runs_ends_it_at_once(server: RunningServer, http: httpx.Client) -> None:
    execution = an_execution(server)
    answer = http.post(f"/api/executions/{execution.id}/cancel")

    assert answer.status_code == 202
    assert answer.json().keys() == {"control_id", "control", "execution_id"}
    assert kinds(server, execution.id) == [
        "execution.queued",
        "control.requested",
        "control.effective",
        "execution.cancelled",
    ]
    described = http.get(f"/api/executions/{execution.id}").json()
    assert described["execution"]["status"] == described["state"]["status"] == "cancelled"
    assert described["state"]["totals"]["events"] == 4


def test_cancelling_what_a_worker_runs_asks_the_worker(server: RunningServer, http: httpx.Client) -> None:
    define(server.journal, "claimed")
    execution = an_execution(server, "claimed")
    (record,) = server.journal.claim("w1", [WorkflowId("claimed")], 1)
    assert record.execution_id == execution.id
    execution.start()

    first = http.post(f"/api/executions/{execution.id}/cancel")
    again = http.post(f"/api/executions/{execution.id}/cancel", headers={"Idempotency-Key": "other"})

    assert first.json() == again.json()
    assert kinds(server, execution.id) == ["execution.queued", "execution.started", "control.requested"]
    state = http.get(f"/api/executions/{execution.id}").json()["state"]
    assert (state["phase"], state["status"]) == ("cancelling", "running")


def test_a_control_on_a_closed_execution_writes_nothing(server: RunningServer, http: httpx.Client) -> None:
    execution = an_execution(server)
    execution.complete()
    before = kinds(server, execution.id)

    answer = http.post(f"/api/executions/{execution.id}/cancel")

    assert problem(answer) == (409, "execution_closed")
    assert kinds(server, execution.id) == before


def test_a_repeated_cancel_with_its_key_gives_its_receipt(server: RunningServer, http: httpx.Client) -> None:
    """Also when the first one has had its effect meanwhile; without the key that would be a conflict."""
    execution = an_execution(server)
    url, key = f"/api/executions/{execution.id}/cancel", {"Idempotency-Key": "stop-1"}

    first, again, other = http.post(url, headers=key), http.post(url, headers=key), http.post(url)

    assert (again.status_code, again.json()) == (202, first.json())
    assert problem(other) == (409, "execution_closed")
    assert len(kinds(server, execution.id)) == 4


def test_retry_is_a_new_execution(server: RunningServer, http: httpx.Client) -> None:
    execution = an_execution(server)
    execution.fail()

    same = http.post(f"/api/executions/{execution.id}/retry").json()
    changed = http.post(f"/api/executions/{execution.id}/retry", json={"input": {"path": "/tmp"}}).json()

    def row(started: dict[str, Any]) -> dict[str, Any]:
        return http.get(f"/api/executions/{started['execution_id']}").json()["execution"]  # type: ignore[no-any-return]

    assert (row(same)["retry_of"], row(same)["input"]) == (execution.id, {"path": "/srv"})
    assert (row(changed)["retry_of"], row(changed)["input"]) == (execution.id, {"path": "/tmp"})
    refused = http.post(f"/api/executions/{execution.id}/retry", json={"input": {"path": 3}})
    assert problem(refused) == (422, "invalid_input")
