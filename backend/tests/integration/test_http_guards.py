"""Who may use the server: hosts, origins, tokens, and the headers that hold browsers to it."""

import httpx
import pytest
from tests.support.authored import define
from tests.support.http import an_execution, client, kinds, problem
from tests.support.server import RunningServer, serving


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
