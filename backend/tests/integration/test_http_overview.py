"""What the HTTP API tells of all executions: statistics, open questions, filters; and who may leave."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from msgspec import Raw
from tests.support.authored import AuthoredExecution, define
from tests.support.http import client
from tests.support.server import RunningServer, serving

from headway.adapters.journal.memory import MemoryJournal
from headway.domain import events as e
from headway.domain.identifiers import ExecutionId, execution_id


class CountingJournal(MemoryJournal):
    """Remembers whose log was read."""

    def __init__(self) -> None:
        super().__init__()
        self.read_logs: list[str] = []

    def checkpoint(self, execution_id: ExecutionId, at_most: int) -> tuple[int, bytes] | None:
        self.read_logs.append(execution_id)
        return super().checkpoint(execution_id, at_most)


@pytest.fixture(name="server")
def _server() -> Iterator[RunningServer]:
    with serving(CountingJournal()) as server:
        define(server.journal, "audit", "never")
        yield server


@pytest.fixture(name="http")
def _http(server: RunningServer) -> Iterator[httpx.Client]:
    with client(server) as http:
        yield http


def an_execution(server: RunningServer) -> AuthoredExecution:
    return AuthoredExecution(server.journal, server.hints)


def asking(server: RunningServer, message: str, **question: Any) -> AuthoredExecution:
    execution = an_execution(server)
    execution.start()
    execution.emit(e.ApprovalRequested(approval_id="approval-1", message=message, **question))
    return execution


def asked(http: httpx.Client, **query: Any) -> list[str]:
    found = http.get("/api/approvals", params={"status": "open", **query}).json()
    return [one["message"] for one in found["approvals"]]


def test_statistics_are_of_what_ran(server: RunningServer, http: httpx.Client) -> None:
    executions = [an_execution(server) for _ in range(3)]
    for execution in executions:
        execution.start()
    executions[0].complete()
    executions[1].fail("KeyError: 'sku'")

    [audit] = http.get("/api/statistics").json()["workflows"]

    assert (audit["workflow_id"], audit["ended"], audit["completed"]) == ("audit", 2, 1)
    assert [run["phase"] for run in audit["runs"]] == ["running", "failed", "completed"]
    assert audit["runs"][1]["error"] == "KeyError: 'sku'"
    assert audit["p50_s"] == audit["p95_s"] >= 0


def test_open_questions_come_by_deadline_then_by_age(server: RunningServer, http: httpx.Client) -> None:
    asking(server, "No hurry?")
    asking(server, "Tomorrow?", deadline="2027-01-02T00:00:00.000000Z", on_deadline="reject")
    form = Raw(b'{"type":"object"}')
    asking(server, "Today?", deadline="2027-01-01T00:00:00.000000Z", form=form)
    asking(server, "Whenever?")

    assert asked(http) == ["Today?", "Tomorrow?", "No hurry?", "Whenever?"]
    assert asked(http, limit=1) == ["Today?"]
    found = http.get("/api/approvals?status=open&limit=2").json()
    assert found["total"] == 4
    assert (found["approvals"][0]["form"], found["approvals"][1]["form"]) == ({"type": "object"}, None)


def test_a_question_leaves_with_its_answer_and_with_its_execution(
    server: RunningServer, http: httpx.Client
) -> None:
    """Also while no worker has taken the answer up: the log says it, not the list."""
    first, second = asking(server, "First?"), asking(server, "Second?")
    answer = http.post(
        f"/api/executions/{first.id}/approvals/approval-1", json={"approved": False, "reason": "too dear"}
    )
    assert answer.status_code == 202
    assert asked(http) == ["Second?"]
    second.cancel()
    assert asked(http) == []


def test_only_a_log_that_has_grown_is_read_again(server: RunningServer, http: httpx.Client) -> None:
    journal = server.journal
    assert isinstance(journal, CountingJournal)
    quiet, busy = asking(server, "Quiet?"), asking(server, "Busy?")
    asked(http)
    journal.read_logs.clear()
    busy.log()
    assert asked(http) == ["Quiet?", "Busy?"]
    assert quiet.id not in journal.read_logs
    assert busy.id in journal.read_logs


def ids_found(http: httpx.Client, **query: str | list[str]) -> list[str]:
    rows = http.get("/api/executions", params=query).raise_for_status().json()["executions"]
    return [row["execution_id"] for row in rows]


def test_other_approvals_than_open_ones_are_not_listed(http: httpx.Client) -> None:
    for query in ("", "?status=answered", "?status=open&limit=0", "?status=open&limit=201"):
        assert http.get(f"/api/approvals{query}").status_code == 422


def test_executions_are_filtered_by_time_and_text(server: RunningServer, http: httpx.Client) -> None:
    fine, failed = an_execution(server), an_execution(server)
    failed.start()
    failed.fail("KeyError: 'sku'\nat line 3")

    def found(**query: str) -> list[str]:
        return ids_found(http, **query)

    assert found(q="keyerror") == [failed.id]
    assert found(q=fine.id) == [fine.id]
    assert found(since="2026-01-01T00:00:00Z") == [failed.id, fine.id]
    assert found(since="2100-01-01T00:00:00+01:00") == []
    assert http.get("/api/executions?since=2026-01-01T00:00:00").status_code == 422, "a time has a zone"


def test_executions_are_listed_by_their_ids(server: RunningServer, http: httpx.Client) -> None:
    first, _, third = (an_execution(server) for _ in range(3))
    third.start()
    nobody = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"

    assert ids_found(http, id=[first.id, third.id, nobody]) == [third.id, first.id]
    assert ids_found(http, id=[first.id, third.id], status="queued") == [first.id]
    assert ids_found(http, id=[first.id, third.id], limit="1") == [third.id]
    assert ids_found(http, id=nobody) == []


def test_as_many_ids_as_a_list_takes_and_no_others(http: httpx.Client) -> None:
    ids = [execution_id(1, number) for number in range(201)]
    assert ids_found(http, id=ids[:200]) == []
    for wrong in (ids, ["nightly"], [f"{ids[0]}\n"]):
        answer = http.get("/api/executions", params={"id": wrong})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
        assert answer.json()["errors"][0]["field"].startswith("id")


def test_the_server_tells_its_limits(http: httpx.Client) -> None:
    limits = http.get("/api/server").json()["limits"]
    assert (limits["input_bytes"], limits["page"]) == (1_048_576, 500)


def test_a_browser_can_leave() -> None:
    """The cookie goes; the token still opens the door again."""
    with serving(token="s3cret") as server, client(server) as http:
        http.post("/api/session", json={"token": "s3cret"})
        assert http.get("/api/executions").status_code == 200
        assert http.delete("/api/session").status_code == 204
        assert http.get("/api/executions").status_code == 401
