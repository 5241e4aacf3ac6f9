"""The HTTP API on a real server: every route of docs/protocol.md, its errors, its guards."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.authored import AuthoredExecution, define
from tests.support.server import RunningServer, serving

from headway.adapters.journal.memory import MemoryJournal
from headway.domain import events as e
from headway.domain.identifiers import ExecutionId, WorkflowId, execution_id
from headway.domain.workflow import SourceFile, WorkflowDefinition
from headway.errors import JournalUnavailable
from headway.ports import ExecutionFilter, ExecutionRecord

TRACEBACK = (
    'Traceback (most recent call last):\n  File "/flows/broken.py"\nImportError: no module named pandas'
)
UNKNOWN = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"


@pytest.fixture(name="server", scope="module")
def _server() -> Iterator[RunningServer]:
    with serving(version="1.2.3", workers=2) as server:
        define(server.journal, "audit", "history")
        define(server.journal, "broken", import_error=TRACEBACK)
        yield server


@pytest.fixture(name="http")
def _http(server: RunningServer) -> Iterator[httpx.Client]:
    with client(server) as http:
        yield http


@contextmanager
def client(server: RunningServer, **headers: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False) as http:
        yield http


def an_execution(server: RunningServer, workflow_id: str = "audit") -> AuthoredExecution:
    return AuthoredExecution(server.journal, server.hints, workflow_id)


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and code, after a check that this is a problem document that tells nothing of our insides."""
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["status"] == answer.status_code
    assert {"type", "title", "detail", "code"} <= body.keys()
    assert "Traceback" not in answer.text
    return answer.status_code, body["code"]


# --- start ------------------------------------------------------------------------------------------------


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


# --- look -------------------------------------------------------------------------------------------------


def test_workflows_come_with_form_plan_and_latest_execution(
    server: RunningServer, http: httpx.Client
) -> None:
    latest = an_execution(server, "history")
    answer = http.get("/api/workflows").json()

    assert [one["workflow_id"] for one in answer["workflows"]] == ["audit", "broken", "history"]
    assert {one["path"]: one["import_error"] for one in answer["sources"]} == {
        "/flows/audit.py": None,
        "/flows/broken.py": TRACEBACK,
        "/flows/history.py": None,
    }
    history = http.get("/api/workflows/history").json()
    assert history["input_schema"]["required"] == ["path"]
    assert history["latest"]["execution_id"] == latest.id


def test_executions_come_in_pages_newest_first(server: RunningServer, http: httpx.Client) -> None:
    define(server.journal, "paged")
    ids = [an_execution(server, "paged").id for _ in range(5)]

    pages, cursor = list[list[str]](), None
    while cursor is not None or not pages:
        query = {"workflow_id": "paged", "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = http.get("/api/executions", params=query).json()
        pages.append([one["execution_id"] for one in page["executions"]])
        cursor = page["next_cursor"]

    assert [one for page in pages for one in page] == ids[::-1]
    assert all(len(page) <= 2 for page in pages)


def test_executions_are_filtered_by_status_and_phase(server: RunningServer, http: httpx.Client) -> None:
    define(server.journal, "filtered")
    queued, running, done = (an_execution(server, "filtered") for _ in range(3))
    running.start()
    done.start()
    done.complete()

    def found(*statuses: str) -> set[str]:
        query = {"workflow_id": "filtered", "status": statuses}
        return {one["execution_id"] for one in http.get("/api/executions", params=query).json()["executions"]}

    assert found("completed") == {done.id}
    assert found("queued") == {queued.id}
    assert found("queued", "completed") == {queued.id, done.id}
    assert problem(http.get("/api/executions", params={"status": "lost"})) == (422, "invalid_input")
    assert problem(http.get("/api/executions", params={"limit": 501})) == (422, "invalid_input")


def test_events_are_the_stored_lines_and_pages_join(server: RunningServer, http: httpx.Client) -> None:
    execution = an_execution(server)
    execution.start()
    execution.log(20)
    execution.complete()

    seen, after, cursor = list[dict[str, Any]](), 0, ""
    while after < execution.last_seq:
        page = http.get(f"/api/executions/{execution.id}/events", params={"after": after, "limit": 7}).json()
        assert (page["last_seq"], page["closed"]) == (23, True)
        seen += page["events"]
        after, cursor = seen[-1]["seq"], page["cursor"]

    export = http.get(f"/api/executions/{execution.id}/export")
    assert seen == [json.loads(line) for line in export.text.splitlines()]
    assert [one["seq"] for one in seen] == list(range(1, 24))
    assert cursor == http.get(f"/api/executions/{execution.id}").json()["cursor"]
    assert export.headers["content-type"] == "application/x-ndjson"
    empty = http.get(f"/api/executions/{execution.id}/events", params={"after": 23}).json()
    assert (empty["events"], empty["cursor"]) == ([], cursor)


def test_the_log_is_downloaded_as_text(server: RunningServer, http: httpx.Client) -> None:
    execution = an_execution(server)
    execution.emit(e.Log("INFO", "Fetched page 1", step="fetch"), e.Log("WARNING", "page 2 was slow"))
    execution.progress(50.0)
    execution.fail("KeyError: 'sku'")

    def log(**query: str) -> list[str]:
        answer = http.get(f"/api/executions/{execution.id}/log", params=query)
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["content-disposition"] == f'attachment; filename="{execution.id}.log"'
        return [line.partition(" ")[2] for line in answer.text.splitlines()]

    assert log() == [
        "INFO     [fetch] Fetched page 1",
        "WARNING  page 2 was slow",
        "ERROR    KeyError: 'sku'",
    ]


@pytest.mark.parametrize(
    "query",
    [
        {"q": "info"},
        {"q": "page 1"},
        {"q": "Fetched"},
        {"q": "PAGE"},
        {"q": r"page \d$", "regex": "true"},
        {"level": "WARNING"},
        {"step_id": "fetch#1"},
        {"q": "page", "level": "INFO", "step_id": "fetch#1"},
        {"q": "2026"},
        {"regex": "true", "q": "", "level": "ERROR"},
    ],
)
def test_the_lines_that_a_search_finds_are_downloaded(
    server: RunningServer, http: httpx.Client, query: dict[str, str]
) -> None:
    execution = an_execution(server)
    execution.emit(
        e.Log("INFO", "Fetched page 1", step_id="fetch#1"),
        e.Log("WARNING", "page 2 was slow, info: 2"),
        e.Log("DEBUG", "fetched page 1", step_id="fetch#1"),
        e.StepRetrying(
            step="fetch",
            step_id="fetch#1",
            attempt=1,
            max_attempts=2,
            backoff_s=1,
            message="page 3",
            error="E",
        ),
    )
    execution.fail("page missing")
    log = f"/api/executions/{execution.id}/log"
    hits = http.get(f"{log}/search", params=query).json()["hits"]
    assert hits or query["q"] in ("PAGE", "2026")
    lines = http.get(log, params=query).text.splitlines()
    assert len(lines) == len(hits)
    assert all(line.endswith(hit["message"]) for line, hit in zip(lines, hits, strict=True))


def test_a_download_with_an_expression_that_does_not_parse_is_refused(
    server: RunningServer, http: httpx.Client
) -> None:
    answer = http.get(f"/api/executions/{an_execution(server).id}/log", params={"q": "(", "regex": "true"})
    assert problem(answer) == (400, "invalid_message")


def test_an_output_is_served_sandboxed(server: RunningServer, http: httpx.Client) -> None:
    """A report may be any HTML: it gets no script, no cookie and no guess at its type."""
    execution = an_execution(server)
    html = b"<script>alert(1)</script>"
    server.outputs.save(execution.id, "report v1.html", html)
    execution.emit(
        e.Output(name="report v1.html", media_type="text/html", size=len(html), sha256="…", message="report")
    )
    answer = http.get(f"/api/executions/{execution.id}/outputs/report v1.html")

    assert answer.content == html
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    missing = http.get(f"/api/executions/{execution.id}/outputs/other.html")
    assert problem(missing) == (404, "output_not_found")


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/api/workflows/nothing", "workflow_not_found"),
        ("POST", "/api/workflows/nothing/executions", "workflow_not_found"),
        ("GET", f"/api/executions/{UNKNOWN}", "execution_not_found"),
        ("GET", "/api/executions/not-an-id", "execution_not_found"),
        ("GET", f"/api/executions/{UNKNOWN}/events", "execution_not_found"),
        ("GET", f"/api/executions/{UNKNOWN}/log", "execution_not_found"),
        ("GET", f"/api/executions/{UNKNOWN}/export", "execution_not_found"),
        ("GET", f"/api/executions/{UNKNOWN}/outputs/x", "execution_not_found"),
        ("POST", f"/api/executions/{UNKNOWN}/cancel", "execution_not_found"),
        ("POST", f"/api/executions/{UNKNOWN}/retry", "execution_not_found"),
        ("GET", "/api/nothing", "not_found"),
    ],
)
def test_what_is_not_there_is_404_with_a_code(http: httpx.Client, method: str, path: str, code: str) -> None:
    body = {"json": {}} if method == "POST" else {}

    assert problem(http.request(method, path, **body)) == (404, code)


# --- control ----------------------------------------------------------------------------------------------


def kinds(server: RunningServer, execution_id: str) -> list[str]:
    lines = b"".join(server.executions.lines(ExecutionId(execution_id))).splitlines()
    return [json.loads(line)["kind"] for line in lines]


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


# --- guards -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::2]"])
def test_a_foreign_host_name_is_refused(server: RunningServer, host: str) -> None:
    with client(server, Host=host) as http:
        assert problem(http.get("/api/workflows")) == (403, "forbidden")


@pytest.mark.parametrize("host", ["localhost:8321", "127.0.0.1", "[::1]:80", "LOCALHOST"])
def test_loopback_names_are_ours(server: RunningServer, host: str) -> None:
    with client(server, Host=host) as http:
        assert http.get("/api/workflows").status_code == 200


def test_configured_hosts_are_ours() -> None:
    with serving(allowed_hosts=["board.example"]) as server, client(server, Host="board.example") as http:
        assert http.get("/api/workflows").status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_a_page_from_elsewhere_changes_nothing(server: RunningServer, origin: str) -> None:
    execution = an_execution(server)
    with client(server, Origin=origin) as http:
        assert problem(http.post(f"/api/executions/{execution.id}/cancel")) == (403, "forbidden")
    assert kinds(server, execution.id) == ["execution.queued"]


def test_a_page_of_a_configured_origin_reads_and_acts_and_no_other_does() -> None:
    ours, other = "https://board.example", "https://evil.example"
    with serving(allowed_origins=[ours], token="s3cret") as server:
        define(server.journal, "audit")
        preflight = {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization",
        }
        with client(server, Origin=ours) as http:
            allowed = http.options("/api/workflows/audit/executions", headers=preflight)
            assert allowed.headers["access-control-allow-origin"] == ours
            started = http.post(
                "/api/workflows/audit/executions",
                json={"input": {"path": "/a"}},
                headers={"Authorization": "Bearer s3cret"},
            )
            assert started.status_code == 201
            assert started.headers["access-control-allow-origin"] == ours
        with client(server, Origin=other) as http:
            assert http.options("/api/workflows", headers=preflight).status_code == 400
            assert "access-control-allow-origin" not in http.get("/api/workflows").headers


def test_the_own_page_may_act(server: RunningServer) -> None:
    execution = an_execution(server)
    with client(server, Origin=server.url) as http:
        assert http.post(f"/api/executions/{execution.id}/cancel").status_code == 202


def test_without_the_token_nothing_is_told() -> None:
    with serving(token="s3cret") as server, client(server) as http:
        define(server.journal, "audit")
        refused = http.get("/api/workflows")
        assert problem(refused) == (401, "unauthorized")
        assert refused.headers["www-authenticate"] == "Bearer"
        assert http.get("/api/server").json()["authenticated"] is False
        assert problem(http.get("/api/openapi.json")) == (401, "unauthorized")
        assert http.get("/healthz").status_code == 200
        with client(server, Authorization="Bearer s3cret") as known:
            assert known.get("/api/workflows").status_code == 200
            assert known.get("/api/server").json()["authenticated"] is True


def test_a_session_cookie_stands_for_the_token() -> None:
    with serving(token="s3cret") as server, client(server) as http:
        assert problem(http.post("/api/session", json={"token": "guess"})) == (401, "unauthorized")
        opened = http.post("/api/session", json={"token": "s3cret"})

        assert opened.status_code == 204
        cookie = opened.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "s3cret" not in cookie
        assert http.get("/api/workflows").status_code == 200


# --- the server itself ------------------------------------------------------------------------------------


def test_the_server_says_what_it_is(http: httpx.Client) -> None:
    answer = http.get("/api/server").json()

    assert (answer["version"], answer["workers"], answer["authenticated"]) == ("1.2.3", 2, True)
    assert answer["capabilities"] == {"cancel": True, "retry": True, "signals": True}


class BrokenJournal(MemoryJournal):
    """Cannot be read, and has a bug in one place."""

    def find(self, wanted: ExecutionFilter) -> list[ExecutionRecord]:
        raise JournalUnavailable("the disk is gone; mount it again")

    def definitions(self) -> Any:
        raise ZeroDivisionError("division by zero")


def test_readiness_depends_on_the_journal(http: httpx.Client) -> None:
    assert http.get("/healthz").json() == http.get("/readyz").json() == {"status": "ok"}
    with serving(BrokenJournal()) as server, client(server) as broken:
        assert broken.get("/healthz").status_code == 200
        answer = broken.get("/readyz")
        assert problem(answer) == (503, "journal_unavailable")
        assert int(answer.headers["retry-after"]) > 0


@pytest.mark.filterwarnings("default")
def test_a_bug_of_ours_is_told_without_its_insides(caplog: pytest.LogCaptureFixture) -> None:
    with serving(BrokenJournal()) as server, client(server) as http:
        answer = http.get("/api/workflows")

    assert problem(answer) == (500, "internal")
    assert "zero" not in answer.text
    assert "ZeroDivisionError" in caplog.text


def test_openapi_shows_every_route_with_examples(http: httpx.Client) -> None:
    paths = http.get("/api/openapi.json").json()["paths"]

    assert set(paths) == {
        "/api/server",
        "/api/server/beats",
        "/api/session",
        "/healthz",
        "/readyz",
        "/api/workflows",
        "/api/workflows/{workflow_id}",
        "/api/workflows/{workflow_id}/executions",
        "/api/workflows/{workflow_id}/followed",
        "/api/statistics",
        "/api/approvals",
        "/api/executions",
        "/api/executions/{execution_id}",
        "/api/executions/{execution_id}/events",
        "/api/executions/{execution_id}/log",
        "/api/executions/{execution_id}/log/chunks/{number}",
        "/api/executions/{execution_id}/log/search",
        "/api/executions/{execution_id}/export",
        "/api/executions/{execution_id}/outputs/{name}",
        "/api/executions/{execution_id}/cancel",
        "/api/executions/{execution_id}/retry",
        "/api/executions/{execution_id}/approvals/{approval_id}",
        "/api/executions/{execution_id}/signals/{name}",
        "/api/executions/{execution_id}/producers/{producer_id}/log",
    }
    schemas = http.get("/api/openapi.json").json()["components"]["schemas"]
    assert schemas["StartBody"]["examples"]
    assert schemas["Problem"]["examples"]


def test_a_method_that_a_route_has_not_is_405(http: httpx.Client) -> None:
    answer = http.delete("/api/workflows")

    assert problem(answer) == (405, "bad_request")
    assert answer.headers["allow"] == "GET"


# --- the front end ----------------------------------------------------------------------------------------


@pytest.fixture(name="built")
def _built(tmp_path: Path) -> Path:
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text(
        '<!doctype html><head><base href="/"><meta name="csp-nonce" content="">'
        '<script type="module" src="./assets/index-4f2a.js"></script></head>'
    )
    (static / "assets" / "index-4f2a.js").write_text("console.log(1)")
    (static / "favicon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("secret")
    return static


def test_the_prefix_alone_leads_to_the_page(built: Path) -> None:
    """It is the address that `headway serve` prints and opens."""
    with serving(static_dir=built, prefix="/headway") as server:
        answer = httpx.get(server.url, follow_redirects=True, trust_env=False)
    assert (answer.status_code, answer.url.path) == (200, "/headway/")


def test_an_unknown_status_is_named_once_with_what_there_is(http: httpx.Client) -> None:
    answer = http.get("/api/executions", params={"status": "bogus"})
    (fault,) = answer.json()["errors"]
    assert (answer.status_code, fault["field"]) == (422, "status[0]")
    assert "queued" in fault["message"]


@pytest.mark.parametrize("prefix", ["", "/headway"])
@pytest.mark.parametrize("path", ["/", "/executions/7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "/workflows/audit"])
def test_every_other_path_is_the_page(built: Path, prefix: str, path: str) -> None:
    """Deep links work; the page knows its prefix and the nonce of its policy."""
    with serving(static_dir=built, prefix=prefix) as server, client(server) as http:
        first, second = http.get(path), http.get(path)

    policy = first.headers["content-security-policy"]
    nonce = first.text.partition('csp-nonce" content="')[2].partition('"')[0]
    assert f'<base href="{prefix}/">' in first.text
    assert len(nonce) >= 16
    assert f"'nonce-{nonce}'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert nonce not in second.text
    assert first.headers["cache-control"] == "no-cache"


def test_assets_are_immutable_and_missing_ones_404(built: Path) -> None:
    """A page of an older version must notice that its parts are gone, not get HTML for a script."""
    with serving(static_dir=built) as server, client(server) as http:
        asset = http.get("/assets/index-4f2a.js")
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert asset.headers["content-type"].startswith("text/javascript")
        assert problem(http.get("/assets/index-0000.js")) == (404, "not_found")
        assert http.get("/favicon.svg").text == "<svg/>"


@pytest.mark.parametrize("path", ["/assets/../../secret.txt", "/..%2fsecret.txt", "/%2e%2e/secret.txt"])
def test_nothing_outside_the_folder_is_served(built: Path, path: str) -> None:
    with serving(static_dir=built) as server, client(server) as http:
        assert "secret" not in http.get(path).text


def test_without_a_front_end_the_page_says_how_to_build_it(http: httpx.Client) -> None:
    answer = http.get("/")

    assert answer.status_code == 200
    assert "make setup" in answer.text


def test_every_answer_carries_the_security_headers(http: httpx.Client) -> None:
    for path in ("/", "/api/workflows", "/api/nothing", "/healthz"):
        headers = http.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'self'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "same-origin"


def test_pages_of_a_configured_origin_may_show_ours_in_a_frame(http: httpx.Client) -> None:
    portal = "https://portal.example"
    with serving(frame_origins=[portal]) as server, client(server) as framed:
        headers = framed.get("/").headers
    assert f"frame-ancestors 'self' {portal};" in headers["content-security-policy"] + ";"
    assert "x-frame-options" not in headers

    headers = http.get("/").headers
    assert portal not in headers["content-security-policy"]
    assert headers["x-frame-options"] == "SAMEORIGIN"
