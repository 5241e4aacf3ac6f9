"""Beats: what is sent, when, and to whom."""

import time
from collections.abc import Iterator

import httpx
import pytest
from tests.support.server import RunningServer, serving

from headway.api import http_beats


@pytest.fixture(name="server", scope="module")
def _server() -> Iterator[RunningServer]:
    with serving(token="secret") as running:
        yield running


@pytest.fixture(name="http")
def _http(server: RunningServer) -> Iterator[httpx.Client]:
    headers = {"Authorization": "Bearer secret"}
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False) as client:
        yield client


def test_a_stream_of_beats_comes_beat_by_beat(http: httpx.Client) -> None:
    arrived = []
    wanted = {"count": 3, "wait": 0.2}
    headers = {"Accept": "text/event-stream"}
    with http.stream("GET", "/api/server/beats", params=wanted, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-accel-buffering"] == "no"
        arrived += [(line, time.monotonic()) for line in answer.iter_lines() if line.startswith("id:")]

    assert [line for line, _ in arrived] == ["id: 1", "id: 2", "id: 3"]
    assert arrived[2][1] - arrived[0][1] >= 0.3


def test_without_a_stream_one_beat_comes_after_the_wait(http: httpx.Client) -> None:
    began = time.monotonic()
    answer = http.get("/api/server/beats", params={"wait": 0.3})

    assert answer.json()["n"] == 1
    assert answer.json()["now"].endswith("Z")
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("wanted", [{"count": 21}, {"count": 0}, {"wait": 31}, {"wait": -1}])
def test_a_beat_has_its_bounds(http: httpx.Client, wanted: dict[str, int]) -> None:
    answer = http.get("/api/server/beats", params=wanted)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


def test_beats_need_the_token(server: RunningServer) -> None:
    assert httpx.get(f"{server.url}/api/server/beats", trust_env=False).status_code == 401


def test_so_many_at_once_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_beats, "MAX_AT_ONCE", 1)
    headers = {"Accept": "text/event-stream"}
    with (
        serving() as small,
        httpx.Client(base_url=small.url, trust_env=False) as http,
        http.stream("GET", "/api/server/beats?count=20&wait=1", headers=headers) as answer,
    ):
        lines = answer.iter_lines()
        next(lines)
        refused = http.get("/api/server/beats")
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_connections")
