"""The HTTP API on a real server: what can be looked at, and what the server says of itself."""

import json
from typing import Any

import httpx
import pytest
from tests.support.authored import define
from tests.support.http import TRACEBACK, UNKNOWN, an_execution, client, problem
from tests.support.server import RunningServer, serving

from headway.adapters.journal.memory import MemoryJournal
from headway.domain import events as e
from headway.errors import JournalUnavailable
from headway.ports import ExecutionFilter, ExecutionRecord


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


def test_an_unknown_status_is_named_once_with_what_there_is(http: httpx.Client) -> None:
    answer = http.get("/api/executions", params={"status": "bogus"})
    (fault,) = answer.json()["errors"]
    assert (answer.status_code, fault["field"]) == (422, "status[0]")
    assert "queued" in fault["message"]


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
