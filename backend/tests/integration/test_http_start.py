"""Starting an execution over HTTP: inputs, idempotency, refusals."""

import json
from typing import Any

import httpx
import pytest
from tests.support.authored import AuthoredExecution, define
from tests.support.http import TRACEBACK, UNKNOWN, an_execution, client, problem
from tests.support.server import RunningServer, serving

from headway.domain.identifiers import WorkflowId, execution_id
from headway.domain.workflow import SourceFile, WorkflowDefinition


def test_starting_queues_an_execution(server: RunningServer, http: httpx.Client) -> None:
    answer = http.post("/api/workflows/audit/executions", json={"input": {"path": "/srv"}})

    started = answer.json()
    assert answer.status_code == 201
    assert started["created"] is True
    assert answer.headers["location"] == f"/api/executions/{started['execution_id']}"
    described = http.get(answer.headers["location"]).json()
    assert described["execution"]["phase"] == described["state"]["phase"] == "queued"
    assert described["execution"]["input"] == described["state"]["input"] == {"path": "/srv"}


def test_who_follows_a_workflow_is_told_with_which_execution_to_begin_and_to_go_on() -> None:
    """In the order of creation, whatever the ids."""
    with serving() as server, client(server) as http:
        define(server.journal, "audit")

        def followed(**query: str) -> Any:
            return http.get("/api/workflows/audit/followed", params=query).json()["execution_id"]

        assert followed() is None
        ids = [execution_id(1_795_500_000_000 - n, 1) for n in range(3)]
        first, second, third = (AuthoredExecution(server.journal, server.hints, id=each) for each in ids)
        second.start()
        assert followed() == second.id
        assert [followed(after=each.id) for each in (first, second, third)] == [second.id, third.id, None]


@pytest.mark.parametrize(
    ("workflow_id", "after", "expected"),
    [
        ("unheard_of", None, (404, "workflow_not_found")),
        ("audit", UNKNOWN, (404, "execution_not_found")),
        ("audit", "not an id", (404, "execution_not_found")),
    ],
)
def test_what_cannot_be_followed(
    http: httpx.Client, workflow_id: str, after: str | None, expected: tuple[int, str]
) -> None:
    query = {"after": after} if after else {}
    answer = http.get(f"/api/workflows/{workflow_id}/followed", params=query)

    assert problem(answer) == expected


def test_a_known_idempotency_key_starts_nothing_again(http: httpx.Client) -> None:
    def start(path: str) -> httpx.Response:
        return http.post(
            "/api/workflows/audit/executions",
            json={"input": {"path": path}},
            headers={"Idempotency-Key": "order-4711"},
        )

    first, again = start("/srv"), start("/srv")

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json() | {"created": False}
    assert problem(start("/other")) == (409, "idempotency_conflict")


def test_a_known_key_is_told_whatever_has_become_of_the_workflow() -> None:
    with serving() as server, client(server) as http:
        define(server.journal, "audit")

        def start(body: str) -> httpx.Response:
            headers = {"Idempotency-Key": "order-1", "Content-Type": "application/json"}
            return http.post("/api/workflows/audit/executions", content=body, headers=headers)

        first = start('{"input": {"path": "/srv", "limit": 3}}').json()
        again = start('{"input": {"limit": 3, "path": "/srv"}}')
        assert (again.status_code, again.json()) == (200, first | {"created": False})

        define(server.journal, "audit", import_error=TRACEBACK)
        assert start('{"input": {"path": "/srv", "limit": 3}}').status_code == 200
        assert problem(start('{"input": {"path": "/other"}}')) == (409, "idempotency_conflict")

        changed = WorkflowDefinition(
            workflow_id=WorkflowId("audit"), title="Audit", input_schema={"required": ["x"]}, source="/f.py"
        )
        server.journal.put_definitions(SourceFile(path="/flows/audit.py"), [changed])
        assert start('{"input": {"path": "/srv", "limit": 3}}').status_code == 200
        retry = f"/api/executions/{first['execution_id']}/retry"
        assert problem(http.post(retry, json={})) == (422, "invalid_input")


@pytest.mark.parametrize("number", ["NaN", "1e400", "-Infinity"])
def test_a_number_that_json_cannot_say_is_refused_by_name(
    server: RunningServer, http: httpx.Client, number: str
) -> None:
    """It would be stored as null, and nobody would be told."""
    execution_id = an_execution(server).id
    for path, body, field in (
        ("workflows/audit/executions", '{"input": {"path": "/srv", "limit": %s}}', "limit"),
        (f"executions/{execution_id}/signals/page", '{"value": {"at": [0, %s]}}', "value.at[1]"),
        (f"executions/{execution_id}/signals/page", '{"value": %s}', "value"),
    ):
        answer = http.post(
            f"/api/{path}", content=body % number, headers={"Content-Type": "application/json"}
        )
        assert problem(answer) == (422, "invalid_input")
        assert [fault["field"] for fault in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_an_idempotency_key_has_a_bounded_length(http: httpx.Client, key: str) -> None:
    answer = http.post(
        "/api/workflows/audit/executions",
        json={"input": {"path": "/srv"}},
        headers={"Idempotency-Key": key},
    )

    assert problem(answer) == (400, "bad_request")


@pytest.mark.parametrize(
    ("input", "fields"),
    [
        ({}, ["path"]),
        ({"path": 3}, ["path"]),
        ({"path": "/srv", "limit": "many"}, ["limit"]),
        ({"path": "/srv", "sizes": [1, "two", 3, "four"]}, ["sizes[1]", "sizes[3]"]),
        ({"path": "/srv", "pth": 1}, ["pth"]),
        ({"limit": 1.5, "deep": {}}, ["deep", "limit", "path"]),
    ],
)
def test_an_input_that_does_not_fit_names_each_field(
    http: httpx.Client, input: dict[str, Any], fields: list[str]
) -> None:
    answer = http.post("/api/workflows/audit/executions", json={"input": input})

    assert problem(answer) == (422, "invalid_input")
    assert [error["field"] for error in answer.json()["errors"]] == fields
    assert all(error["message"] for error in answer.json()["errors"])


def test_text_that_is_none_is_named_by_its_field(http: httpx.Client) -> None:
    """JSON can escape half of a surrogate pair, which no UTF-8 can hold."""
    content = rb'{"input": {"path": "\ud800", "n\u00e4me": ["a", {"b": "\udfff"}], "k\udc00y": 1}}'
    headers = {"Content-Type": "application/json"}
    answer = http.post("/api/workflows/audit/executions", content=content, headers=headers)

    assert problem(answer) == (422, "invalid_input")
    assert [error["field"] for error in answer.json()["errors"]] == ["path", "näme[1].b", "k?y"]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 400, "bad_request"),
        (b'{"input": 3}', 422, "invalid_input"),
        (b'{"inputs": {}}', 422, "invalid_input"),
        (b"[]", 422, "invalid_input"),
    ],
)
def test_a_body_of_another_shape_is_refused(
    http: httpx.Client, content: bytes, status: int, code: str
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = http.post("/api/workflows/audit/executions", content=content, headers=headers)

    assert problem(answer) == (status, code)


def test_a_form_post_of_another_page_starts_nothing(http: httpx.Client) -> None:
    """Only JSON is read, which a page from elsewhere cannot send without asking first."""
    body = json.dumps({"input": {"path": "/srv"}})
    answer = http.post(
        "/api/workflows/audit/executions", content=body, headers={"Content-Type": "text/plain"}
    )

    assert problem(answer)[0] == 422


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
def test_a_body_above_the_limit_is_refused(http: httpx.Client, declared: bool) -> None:
    body = b'{"input": {"path": "' + b"x" * (2 << 20) + b'"}}'
    content = body if declared else iter([body[:1000], body[1000:]])
    answer = http.post(
        "/api/workflows/audit/executions", content=content, headers={"Content-Type": "application/json"}
    )

    assert problem(answer) == (413, "payload_too_large")


def test_a_workflow_that_does_not_import_cannot_be_started(http: httpx.Client) -> None:
    """The answer names the cause; the traceback stands on the workflow's page."""
    answer = http.post("/api/workflows/broken/executions", json={"input": {"path": "/srv"}})

    assert problem(answer) == (409, "workflow_unavailable")
    assert "no module named pandas" in answer.json()["detail"]
    assert http.get("/api/workflows/broken").json()["import_error"] == TRACEBACK
