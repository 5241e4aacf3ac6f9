"""Events over HTTP on a real server: pages that wait, and streams; both on the cursor of the WebSocket."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.authored import AuthoredExecution
from tests.support.builders import a_batch
from tests.support.eventually import eventually
from tests.support.server import RunningServer, serving

from headway.adapters.journal.sqlite import SqliteJournal
from headway.api import event_stream
from headway.domain.identifiers import ExecutionId
from headway.domain.position import Cursor, chain, initial_tag
from headway.ports import Journal

SSE = {"Accept": "text/event-stream"}
UNKNOWN = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"


@pytest.fixture(name="server", scope="module")
def _server() -> Iterator[RunningServer]:
    with serving() as server:
        yield server


@pytest.fixture(name="http")
def _http(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=10) as http:
        yield http


@pytest.fixture(name="execution")
def _execution(server: RunningServer) -> AuthoredExecution:
    execution = AuthoredExecution(server.journal, server.hints)
    execution.start()
    return execution


def events_url(execution_id: str) -> str:
    return f"/api/executions/{execution_id}/events"


def cursor_of(journal: Journal, execution_id: ExecutionId, seq: int | None = None) -> str:
    head = journal.get(execution_id).head
    if seq is None:
        return str(head.cursor)
    return str(Cursor(head.epoch, seq, journal.tag_at(execution_id, seq)))


@dataclass(frozen=True)
class Sent:
    """One Server-Sent Event; a heartbeat is one with the name `:`."""

    name: str
    id: str | None
    data: Any


def sent_events(lines: Iterator[str]) -> Iterator[Sent]:
    """Read a stream the way a browser does."""
    fields: dict[str, str] = {}
    for line in lines:
        if line == "":
            if "data" in fields:
                yield Sent(fields.get("event", "message"), fields.get("id"), json.loads(fields["data"]))
            fields = {}
        elif line.startswith(":"):
            yield Sent(":", None, line)
        else:
            name, _, value = line.partition(": ")
            fields[name] = value


def stream(
    http: httpx.Client, execution_id: str, last_event_id: str | None = None, **query: Any
) -> list[Sent]:
    """All of a stream that ends by itself."""
    headers = SSE | ({"Last-Event-ID": last_event_id} if last_event_id else {})
    with http.stream("GET", events_url(execution_id), params=query, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        return list(sent_events(answer.iter_lines()))


def seqs(events: list[Sent]) -> list[int]:
    return [one.data["seq"] for one in events if one.name == "message"]


class TestLongPoll:
    def test_what_is_there_is_answered_at_once(
        self, http: httpx.Client, execution: AuthoredExecution
    ) -> None:
        page = http.get(events_url(execution.id), params={"after": 0, "wait": 30}).json()
        assert [one["seq"] for one in page["events"]] == [1, 2]
        assert page["cursor"]

    def test_it_waits_for_the_next_event(self, http: httpx.Client, server: RunningServer) -> None:
        execution = AuthoredExecution(server.journal, server.hints)
        with ThreadPoolExecutor(1) as pool:
            polled = pool.submit(http.get, events_url(execution.id), params={"after": 1, "wait": 30})
            eventually(lambda: server.fanout.tails.get(execution.id) is not None)
            assert not polled.done()
            execution.log()
            page = polled.result(5).json()
        assert [one["seq"] for one in page["events"]] == [2]
        assert (page["last_seq"], page["closed"]) == (2, False)
        eventually(lambda: server.fanout.tails.get(execution.id) is None)

    def test_its_time_is_bounded_and_then_it_is_empty(
        self, http: httpx.Client, server: RunningServer, execution: AuthoredExecution
    ) -> None:
        page = http.get(events_url(execution.id), params={"after": 2, "wait": 0.05}).json()
        assert (page["events"], page["closed"]) == ([], False)
        assert page["cursor"] == cursor_of(server.journal, execution.id)
        assert http.get(events_url(execution.id), params={"after": 2, "wait": 31}).status_code == 422

    def test_a_closed_log_is_not_waited_for(self, http: httpx.Client, execution: AuthoredExecution) -> None:
        execution.complete()
        began = time.monotonic()
        page = http.get(events_url(execution.id), params={"after": 3, "wait": 30}).json()
        assert (page["events"], page["closed"]) == ([], True)
        assert time.monotonic() - began < 5

    def test_cursors_join_pages(
        self, http: httpx.Client, server: RunningServer, execution: AuthoredExecution
    ) -> None:
        execution.log(20)
        execution.complete()
        seen, query = list[int](), dict[str, Any](after=0)
        while True:
            page = http.get(events_url(execution.id), params=query | {"limit": 7, "wait": 5}).json()
            seen += [one["seq"] for one in page["events"]]
            query = {"cursor": page["cursor"]}
            if page["closed"] and not page["events"]:
                break
        assert seen == list(range(1, 24))
        assert query["cursor"] == cursor_of(server.journal, execution.id)

    @pytest.mark.parametrize(
        ("cursor", "why"),
        [("deadbeef.2.{tag}", "epoch"), ("{epoch}.99.00000000", "ahead"), ("{epoch}.2.0badc0de", "fork")],
    )
    def test_a_cursor_that_does_not_fit_is_lost_and_says_why(
        self,
        http: httpx.Client,
        server: RunningServer,
        execution: AuthoredExecution,
        cursor: str,
        why: str,
    ) -> None:
        head = server.journal.get(execution.id).head
        asked = cursor.format(epoch=head.epoch, tag=f"{head.last_tag:08x}")
        answer = http.get(events_url(execution.id), params={"cursor": asked})
        body = answer.json()
        assert (answer.status_code, body["code"], body["why"]) == (410, "position_lost", why)
        assert body["cursor"] == str(head.cursor)

    def test_a_seq_beyond_the_log_is_lost(self, http: httpx.Client, execution: AuthoredExecution) -> None:
        answer = http.get(events_url(execution.id), params={"after": 99, "wait": 30})
        assert (answer.status_code, answer.json()["why"]) == (410, "ahead")

    def test_what_retention_has_taken_is_lost(
        self, http: httpx.Client, server: RunningServer, execution: AuthoredExecution
    ) -> None:
        execution.log(5)
        cursor = cursor_of(server.journal, execution.id, 2)
        execution.complete()
        server.journal.trim(execution.id, 4)
        answer = http.get(events_url(execution.id), params={"cursor": cursor})
        assert (answer.status_code, answer.json()["why"]) == (410, "trimmed")

    @pytest.mark.parametrize(
        "query", [{"cursor": "nonsense"}, {"cursor": "a.b.c"}, {"cursor": "deadbeef.2.00000000", "after": 3}]
    )
    def test_what_does_not_parse_is_refused(
        self, http: httpx.Client, execution: AuthoredExecution, query: dict[str, Any]
    ) -> None:
        answer = http.get(events_url(execution.id), params=query)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_message")

    def test_who_hangs_up_waits_no_more(
        self, http: httpx.Client, server: RunningServer, execution: AuthoredExecution
    ) -> None:
        with pytest.raises(httpx.ReadTimeout):
            http.get(events_url(execution.id), params={"after": 2, "wait": 30}, timeout=0.2)
        eventually(lambda: server.fanout.tails.get(execution.id) is None)

    def test_many_wait_without_a_thread_each(
        self, server: RunningServer, execution: AuthoredExecution
    ) -> None:
        """Far more than the server has threads; all are answered by one event."""
        request = (
            f"GET {events_url(execution.id)}?after=2&wait=30 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        )
        threads = threading.active_count()
        waiting = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(100)]
        try:
            for one in waiting:
                one.sendall(request)
            eventually(lambda: _watching(server, execution.id) == 100)
            assert threading.active_count() <= threads + 8
            execution.log()
            for one in waiting:
                one.settimeout(5)
                assert b" 200 " in one.recv(65_536)[:20]
        finally:
            for one in waiting:
                one.close()


def _watching(server: RunningServer, execution_id: ExecutionId) -> int:
    tail = server.fanout.tails.get(execution_id)
    return tail.watching if tail is not None else 0


class TestStream:
    def test_every_event_then_the_end(
        self, http: httpx.Client, server: RunningServer, execution: AuthoredExecution
    ) -> None:
        execution.log(2_000)
        execution.complete()
        events = stream(http, execution.id)
        assert seqs(events) == list(range(1, execution.last_seq + 1))
        end = events[-1]
        assert (end.name, end.data["status"]) == ("end", "completed")
        assert end.id == end.data["cursor"] == cursor_of(server.journal, execution.id)

    def test_ids_are_the_chain_over_what_was_sent(
        self, http: httpx.Client, server: RunningServer, execution: AuthoredExecution
    ) -> None:
        execution.log(700)
        execution.complete()
        export = http.get(f"/api/executions/{execution.id}/export").content.splitlines()
        epoch = server.journal.get(execution.id).head.epoch
        tag, ids = initial_tag(epoch), []
        for seq, line in enumerate(export, 1):
            tag = chain(tag, line + b"\n")
            ids.append(f"{epoch}.{seq}.{tag:08x}")
        assert [one.id for one in stream(http, execution.id) if one.name == "message"] == ids

    def test_live_events_arrive_as_they_are_committed(
        self, http: httpx.Client, execution: AuthoredExecution
    ) -> None:
        with http.stream("GET", events_url(execution.id), headers=SSE) as answer:
            events = sent_events(answer.iter_lines())
            assert [next(events).data["seq"] for _ in range(2)] == [1, 2]
            for number in range(3, 8):
                execution.log()
                assert next(events).data["seq"] == number
            execution.fail()
            assert next(events).data["kind"] == "execution.failed"
            assert next(events).data["status"] == "failed"
            assert list(events) == []

    @pytest.mark.parametrize("cut", [0, 1, 250, 256, 600, 702])
    def test_a_stream_goes_on_behind_the_last_id(
        self, http: httpx.Client, server: RunningServer, execution: AuthoredExecution, cut: int
    ) -> None:
        execution.log(700)
        cursor = cursor_of(server.journal, execution.id, cut)
        execution.complete()
        wanted = list(range(cut + 1, 704))
        # The address of the first request stays: what the browser adds goes before it.
        assert seqs(stream(http, execution.id, last_event_id=cursor, after=0)) == wanted
        assert seqs(stream(http, execution.id, cursor=cursor)) == wanted
        assert seqs(stream(http, execution.id, after=cut)) == wanted

    def test_who_has_seen_the_end_is_told_not_to_come_back(
        self, http: httpx.Client, server: RunningServer, execution: AuthoredExecution
    ) -> None:
        """204 is what ends the reconnecting of a browser's `EventSource`."""
        execution.complete()
        end = cursor_of(server.journal, execution.id)
        answer = http.get(events_url(execution.id), headers=SSE | {"Last-Event-ID": end})
        assert (answer.status_code, answer.content) == (204, b"")
        assert [one.name for one in stream(http, execution.id, cursor=end)] == ["end"]

    def test_a_history_that_differs_is_reset_with_the_state(
        self, http: httpx.Client, server: RunningServer, execution: AuthoredExecution
    ) -> None:
        execution.log(10)
        head = server.journal.get(execution.id).head
        with http.stream(
            "GET", events_url(execution.id), headers=SSE | {"Last-Event-ID": f"{head.epoch}.5.0badc0de"}
        ) as answer:
            events = sent_events(answer.iter_lines())
            reset = next(events)
            assert (reset.name, reset.data["why"]) == ("reset", "fork")
            assert reset.id == reset.data["cursor"] == str(head.cursor)
            assert reset.data["state"]["counts"]["logs"] == 10
            execution.log()
            assert next(events).data["seq"] == head.last_seq + 1

    def test_silence_is_broken_by_comments(self, server: RunningServer, execution: AuthoredExecution) -> None:
        with (
            serving(server.journal, server.hints, streams={"heartbeat_s": 0.05}) as beating,
            httpx.Client(base_url=beating.url, trust_env=False) as http,
            http.stream("GET", events_url(execution.id), params={"after": 2}, headers=SSE) as answer,
        ):
            events = sent_events(answer.iter_lines())
            assert [next(events).name for _ in range(3)] == [":", ":", ":"]
            execution.log()
            assert next(one for one in events if one.name != ":").data["seq"] == 3

    def test_who_hangs_up_leaves_nothing(
        self, http: httpx.Client, server: RunningServer, execution: AuthoredExecution
    ) -> None:
        with http.stream("GET", events_url(execution.id), headers=SSE) as answer:
            next(answer.iter_lines())
        eventually(lambda: server.fanout.tails.get(execution.id) is None)

    def test_an_unknown_execution_is_404(self, http: httpx.Client) -> None:
        answer = http.get(events_url(UNKNOWN), headers=SSE)
        assert (answer.status_code, answer.json()["code"]) == (404, "execution_not_found")

    def test_too_many_are_refused(self, execution: AuthoredExecution, server: RunningServer) -> None:
        with (
            serving(server.journal, server.hints, streams={"max_waiting": 1}) as small,
            httpx.Client(base_url=small.url, trust_env=False) as http,
            http.stream("GET", events_url(execution.id), headers=SSE) as answer,
        ):
            lines = answer.iter_lines()
            next(lines)
            for headers in ({}, SSE):
                refused = http.get(events_url(execution.id), params={"after": 2, "wait": 5}, headers=headers)
                assert (refused.status_code, refused.json()["code"]) == (429, "too_many_connections")
            assert http.get(events_url(execution.id)).status_code == 200, "what does not wait is served"

    def test_a_server_that_stops_ends_its_streams(
        self, execution: AuthoredExecution, server: RunningServer
    ) -> None:
        """Cleanly and at once, so that clients come back to the next one."""
        with (
            serving(server.journal, server.hints, drain_s=0.1) as ending,
            httpx.Client(base_url=ending.url, trust_env=False) as http,
            http.stream("GET", events_url(execution.id), headers=SSE) as answer,
        ):
            lines = answer.iter_lines()
            next(lines)
            ending.server.should_exit = True
            began = time.monotonic()
            assert all(one.name == "message" for one in sent_events(lines))
            assert time.monotonic() - began < 4

    def test_a_reader_that_stops_reading_is_cut_off_and_no_other_waits(
        self, http: httpx.Client, server: RunningServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(event_stream, "STALL_S", 0.5)
        execution = AuthoredExecution(server.journal, server.hints)
        for _ in range(8):
            execution.log(5_000, "x" * 150)
        stalled = socket.socket()
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        stalled.connect(("127.0.0.1", server.port))
        with stalled:
            head = f"GET {events_url(execution.id)} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {SSE['Accept']}"
            stalled.sendall(f"{head}\r\n\r\n".encode())
            eventually(lambda: _watching(server, execution.id) == 1)
            execution.complete()
            assert len(seqs(stream(http, execution.id))) == execution.last_seq
            eventually(lambda: _watching(server, execution.id) == 0, within_s=10)

    def test_plain_asgi_is_enough(self, execution: AuthoredExecution, server: RunningServer) -> None:
        """On a server that tells nothing of its connections, streams still end with their clients."""
        with (
            serving(server.journal, server.hints, config={"http": "httptools"}) as plain,
            httpx.Client(base_url=plain.url, trust_env=False) as http,
        ):
            with http.stream("GET", events_url(execution.id), headers=SSE) as answer:
                next(answer.iter_lines())
            eventually(lambda: plain.fanout.tails.get(execution.id) is None)
            execution.complete()
            assert seqs(stream(http, execution.id)) == [1, 2, 3]


def test_a_restored_older_copy_resets_streams_with_the_true_reason(tmp_path: Path) -> None:
    """The copy is shorter, and then goes on with another history."""
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    journal = SqliteJournal(first, synchronous="NORMAL")
    with serving(journal) as server, httpx.Client(base_url=server.url, trust_env=False) as http:
        execution = AuthoredExecution(server.journal, server.hints)
        execution.log(50)
        journal._database._writer.execute("VACUUM INTO ?", (str(second),))
        execution.log(10)
        seen = http.get(events_url(execution.id)).json()["cursor"]
    journal.close()
    restored = SqliteJournal(second, synchronous="NORMAL")
    with serving(restored) as server, httpx.Client(base_url=server.url, trust_env=False) as http:
        assert http.get(events_url(execution.id), params={"cursor": seen}).json()["why"] == "ahead"
        restored.append([a_batch(execution.id, 40, producer_id="other")])
        with http.stream("GET", events_url(execution.id), headers=SSE | {"Last-Event-ID": seen}) as answer:
            reset = next(sent_events(answer.iter_lines()))
        assert (reset.name, reset.data["why"]) == ("reset", "fork")
        assert reset.data["state"]["seq"] == 91
    restored.close()
