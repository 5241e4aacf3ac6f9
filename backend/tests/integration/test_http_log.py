"""The log over HTTP on a real server: chunks that may be kept for ever, and a search over all of it."""

import gzip
import json
from collections.abc import Iterator

import httpx
import pytest
from tests.support.authored import AuthoredExecution
from tests.support.restorable import Restorable
from tests.support.server import RunningServer, serving

from headway.adapters.journal.memory import MemoryJournal
from headway.domain import events as e

UNKNOWN = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"


@pytest.fixture(name="server", scope="module")
def _server() -> Iterator[RunningServer]:
    with serving() as server:
        yield server


@pytest.fixture(name="http")
def _http(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=10) as http:
        yield http


@pytest.fixture(name="execution", scope="module")
def _execution(server: RunningServer) -> AuthoredExecution:
    """One full chunk, and ten lines of the next."""
    execution = AuthoredExecution(server.journal, server.hints)
    execution.start()
    execution.emit(*(e.Log("INFO", f"line {number}", step_id="fetch#1") for number in range(4_106)))
    return execution


def chunk_url(execution: AuthoredExecution, number: object) -> str:
    return f"/api/executions/{execution.id}/log/chunks/{number}"


def cursor_of(http: httpx.Client, execution: AuthoredExecution) -> str:
    return str(http.get(f"/api/executions/{execution.id}").json()["cursor"])


FOR_EVER = "max-age=31536000, immutable"


def test_a_full_chunk_of_a_history_may_be_kept_for_ever(
    http: httpx.Client, execution: AuthoredExecution
) -> None:
    cursor = cursor_of(http, execution)
    answer = http.get(chunk_url(execution, 0), params={"cursor": cursor})
    chunk = answer.json()
    assert answer.headers["cache-control"] == f"public, {FOR_EVER}"
    growing = http.get(chunk_url(execution, 1), params={"cursor": cursor})
    assert growing.headers["cache-control"] == "public, no-cache"
    bare = http.get(chunk_url(execution, 0))
    assert (bare.headers["cache-control"], bare.content) == ("public, no-cache", answer.content)
    assert (chunk["chunk"], chunk["first_line"], chunk["complete"]) == (0, 0, True)
    assert chunk["messages"] == [f"line {number}" for number in range(4_096)]
    assert chunk["seqs"] == list(range(3, 4_099))
    assert {len(chunk[name]) for name in ("seqs", "timestamps", "levels", "step_ids", "messages")} == {4_096}


def test_the_last_chunk_is_asked_for_again(http: httpx.Client, server: RunningServer) -> None:
    execution = AuthoredExecution(server.journal, server.hints)
    execution.log(3)
    first = http.get(chunk_url(execution, 0))
    assert first.headers["cache-control"] == "public, no-cache"
    known = {"If-None-Match": f'"other", {first.headers["etag"]}'}
    same = http.get(chunk_url(execution, 0), headers=known)
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", first.headers["etag"])
    execution.log()
    grown = http.get(chunk_url(execution, 0), headers=known)
    assert (grown.status_code, len(grown.json()["messages"])) == (200, 4)
    execution.complete()
    ended = http.get(chunk_url(execution, 0), headers={"If-None-Match": grown.headers["etag"]})
    assert ended.json()["complete"]
    end = {"cursor": cursor_of(http, execution)}
    assert http.get(chunk_url(execution, 0), params=end).headers["cache-control"] == f"public, {FOR_EVER}"


def test_a_full_chunk_keeps_its_etag(http: httpx.Client, execution: AuthoredExecution) -> None:
    first = http.get(chunk_url(execution, 0)).headers["etag"]
    execution.log()
    again = http.get(chunk_url(execution, 0), headers={"If-None-Match": first})
    assert (again.status_code, again.headers["etag"]) == (304, first)


def test_a_restored_copy_that_goes_on_otherwise_has_other_chunks() -> None:
    """Whatever was cached of the history before: no address and no tag of it stands for what is there now."""
    journal = MemoryJournal()
    with serving(journal) as server, httpx.Client(base_url=server.url, trust_env=False, timeout=10) as http:
        execution = AuthoredExecution(journal, server.hints)
        execution.log(5)
        backup = Restorable(journal, execution)
        execution.log(4_200, "of the first history")
        execution.complete()
        end = cursor_of(http, execution)
        before = [http.get(chunk_url(execution, number), params={"cursor": end}) for number in (0, 1)]
        assert {answer.headers["cache-control"] for answer in before} == {f"public, {FOR_EVER}"}

        backup.restore()
        execution.progress(1)  # a seq that is no line: the same lines have other seqs, too
        execution.log(4_200, "of the second history")
        execution.complete()

        # Before anything else: the server may remember where chunk 0 ended.
        assert http.get(chunk_url(execution, 1)).json()["seqs"][0] == before[1].json()["seqs"][0] + 1
        lost = http.get(chunk_url(execution, 0), params={"cursor": end})
        assert (lost.status_code, lost.json()["code"], lost.json()["why"]) == (410, "position_lost", "fork")
        now = cursor_of(http, execution)
        for number, old in enumerate(before):
            known = {"If-None-Match": old.headers["etag"]}
            for answer in (
                http.get(chunk_url(execution, number), headers=known),
                http.get(chunk_url(execution, number), headers=known, params={"cursor": now}),
            ):
                assert (answer.status_code, answer.json()["messages"][-1]) == (200, "of the second history")


@pytest.mark.parametrize("form", ["W/{0}", "{0}", "*", '"other" , W/{0}'])
def test_every_form_of_its_tag_names_a_chunk(
    http: httpx.Client, execution: AuthoredExecution, form: str
) -> None:
    etag = http.get(chunk_url(execution, 0)).headers["etag"].removeprefix("W/")
    again = http.get(chunk_url(execution, 0), headers={"If-None-Match": form.format(etag)})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [
        ("gzip;q=0", False),
        ("gzip; q=0.000, br", False),
        ("br;q=1.0, GZIP;q=0.1", True),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("", False),
    ],
)
def test_chunks_are_packed_only_for_those_who_ask_for_it(
    http: httpx.Client, execution: AuthoredExecution, accepted: str, is_packed: bool
) -> None:
    answer = http.get(chunk_url(execution, 0), headers={"Accept-Encoding": accepted})
    assert ("content-encoding" in answer.headers) == is_packed


def test_chunks_are_packed_for_those_who_can_unpack(http: httpx.Client, execution: AuthoredExecution) -> None:
    with http.stream("GET", chunk_url(execution, 0), headers={"Accept-Encoding": "gzip"}) as answer:
        packed = b"".join(answer.iter_raw())
    plain = http.get(chunk_url(execution, 0), headers={"Accept-Encoding": "identity"})
    assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert "content-encoding" not in plain.headers
    assert json.loads(gzip.decompress(packed)) == plain.json()
    assert len(packed) < len(plain.content) / 5


def test_where_a_token_is_asked_for_shared_caches_keep_nothing(
    server: RunningServer, execution: AuthoredExecution
) -> None:
    with (
        serving(server.journal, token="secret") as guarded,
        httpx.Client(base_url=guarded.url, trust_env=False) as http,
    ):
        assert http.get(chunk_url(execution, 0)).status_code == 401
        http.headers["Authorization"] = "Bearer secret"
        answer = http.get(chunk_url(execution, 0), params={"cursor": cursor_of(http, execution)})
        assert answer.headers["cache-control"] == f"private, {FOR_EVER}"
        assert http.get(chunk_url(execution, 0)).headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        (2, 404, "not_found"),
        (10**9, 404, "not_found"),
        (-1, 422, "invalid_input"),
        ("x", 422, "invalid_input"),
    ],
)
def test_a_chunk_that_is_not_there(
    http: httpx.Client, execution: AuthoredExecution, number: object, status: int, code: str
) -> None:
    answer = http.get(chunk_url(execution, number))
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_search_counts_all_and_returns_some(http: httpx.Client, execution: AuthoredExecution) -> None:
    found = http.get(
        f"/api/executions/{execution.id}/log/search", params={"q": "LINE 40".lower(), "limit": 2}
    ).json()
    assert (found["total"], found["complete"]) == (111, True)
    assert [(hit["line"], hit["seq"], hit["message"]) for hit in found["hits"]] == [
        (40, 43, "line 40"),
        (400, 403, "line 400"),
    ]


def test_search_goes_on_from_a_line_and_by_step_and_expression(
    http: httpx.Client, execution: AuthoredExecution
) -> None:
    query = {"q": r"^line \d{4}$", "regex": "true", "step_id": "fetch#1", "level": "INFO", "from": 4_100}
    found = http.get(f"/api/executions/{execution.id}/log/search", params=query).json()
    assert found["total"] == 6
    assert found["hits"][0]["line"] == 4_100
    some = http.get(f"/api/executions/{execution.id}/log/search", params={**query, "to": 4_103}).json()
    assert (some["total"], some["chunks"], some["next_line"]) == (3, {"1": 3}, 4_103)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"q": "(", "regex": "1"}, 400, "invalid_message"),
        ({"level": "LOUD"}, 422, "invalid_input"),
        ({"limit": 0}, 422, "invalid_input"),
        ({"from": -1}, 422, "invalid_input"),
        ({"q": "x" * 1_001}, 422, "invalid_input"),
    ],
)
def test_a_search_that_does_not_fit_is_refused(
    http: httpx.Client, execution: AuthoredExecution, query: dict[str, object], status: int, code: str
) -> None:
    answer = http.get(f"/api/executions/{execution.id}/log/search", params=query)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("path", ["log/chunks/0", "log/search"])
def test_an_unknown_execution_is_404(http: httpx.Client, path: str) -> None:
    answer = http.get(f"/api/executions/{UNKNOWN}/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "execution_not_found")


def test_openapi_shows_examples_of_the_log_and_of_a_stream(http: httpx.Client) -> None:
    document = http.get("/api/openapi.json").json()
    assert document["components"]["schemas"]["LogChunk"]["examples"]
    assert document["components"]["schemas"]["LogHits"]["examples"]
    answers = document["paths"]["/api/executions/{execution_id}/events"]["get"]["responses"]
    assert "event: end" in answers["200"]["content"]["text/event-stream"]["example"]
    assert "204" in answers
