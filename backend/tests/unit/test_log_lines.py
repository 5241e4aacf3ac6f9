"""The log by number: chunks that never change, and a search that is bounded and says so."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.authored import AuthoredExecution

from headway.adapters.hints.memory import MemoryHintBus
from headway.adapters.journal.memory import MemoryJournal
from headway.adapters.journal.sqlite import SqliteJournal
from headway.domain import events as e
from headway.domain.events import decode_line
from headway.errors import ExecutionNotFound, InvalidMessage, NotFound, PositionLost
from headway.ports import Journal, Segment
from headway.services import log_search
from headway.services.log_chunks import MAX_SHOWN, LogChunk, read_log_chunk
from headway.services.log_lines import CHUNK_LINES, LogLine, LogLines, decode_log_line, log_lines_of
from headway.services.log_search import SHOWN_CHARACTERS, LogHits, LogQuery, LogSearch


@pytest.fixture(name="journal", params=["memory", "sqlite"])
def _journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    kinds = {
        "memory": MemoryJournal,
        "sqlite": lambda: SqliteJournal(tmp_path / "h.db", synchronous="NORMAL"),
    }
    journal = kinds[request.param]()
    yield journal
    journal.close()


def an_execution(journal: Journal) -> AuthoredExecution:
    execution = AuthoredExecution(journal, MemoryHintBus())
    execution.start()
    return execution


def a_long_log(journal: Journal, lines: int) -> AuthoredExecution:
    """Log lines `line 0` …, in batches with progress between them, with a stored state after each batch."""
    execution = an_execution(journal)
    for first in range(0, lines, 300):
        numbers = range(first, min(lines, first + 300))
        execution.emit(*(e.Log("INFO", f"line {number}") for number in numbers))
        execution.progress(first / lines)
    return execution


def chunk(journal: Journal, execution: AuthoredExecution, number: int) -> LogChunk:
    return read_log_chunk(LogLines(journal), execution.id, number).content


def version(journal: Journal, execution: AuthoredExecution, number: int) -> str:
    return read_log_chunk(LogLines(journal), execution.id, number).version


class _CountingJournal(MemoryJournal):
    read_events = 0

    def read(
        self, execution_id: str, after: int, *, max_events: int = 10_000, max_bytes: int = 1 << 20
    ) -> list[Segment]:
        segments = super().read(execution_id, after, max_events=max_events, max_bytes=max_bytes)  # type: ignore[arg-type]
        self.read_events += sum(segment.last_seq - segment.first_seq + 1 for segment in segments)
        return segments


class TestChunks:
    def test_chunks_hold_every_line_once_in_order(self, journal: Journal) -> None:
        execution = a_long_log(journal, 2 * CHUNK_LINES + 10)
        chunks = [chunk(journal, execution, number) for number in (2, 0, 1)]
        assert [len(one.messages) for one in chunks] == [10, CHUNK_LINES, CHUNK_LINES]
        assert [one.complete for one in chunks] == [False, True, True]
        in_order = sorted(chunks, key=lambda one: one.first_line)
        messages = [message for one in in_order for message in one.messages]
        assert messages == [f"line {number}" for number in range(2 * CHUNK_LINES + 10)]
        seqs = [seq for one in in_order for seq in one.seqs]
        assert seqs == sorted(set(seqs))

    def test_as_many_lines_as_the_seal_counts(self, journal: Journal) -> None:
        """Every kind of wire type `log` is a line, and nothing else is."""
        execution = an_execution(journal)
        execution.emit(
            e.Log("INFO", "one"),
            e.StepStarted(step="fetch", step_id="fetch#1"),
            e.StepRetrying(
                step="fetch",
                step_id="fetch#1",
                attempt=1,
                max_attempts=2,
                backoff_s=1,
                message="two",
                error="E",
            ),
            e.StepFailed(step="fetch", step_id="fetch#1", message="three", error="E"),
            e.Output(name="r", media_type="text/html", size=1, sha256="0", message="four"),
            e.Gap(dropped=3, message="five"),
            e.StepCompleted(step="x", step_id="x#1", result=e.Raw(b'{"kind":"log","type":"log"}')),
        )
        execution.complete(b'{"seq":1,"kind":"log","type":"log","message":"not a line"}')
        last = decode_line(journal.read(execution.id, execution.last_seq - 1)[0].body).data
        assert isinstance(last, e.ExecutionCompleted)
        found = chunk(journal, execution, 0)
        assert found.messages == ["one", "two", "three", "four", "five"]
        assert found.levels == ["INFO", "ERROR", "ERROR", "INFO", "WARNING"]
        assert found.step_ids == [None, "fetch#1", "fetch#1", None, None]
        assert len(found.messages) == last.totals.logs
        assert found.complete, "nothing can follow"

    def test_a_full_chunk_keeps_its_version_and_a_partial_one_does_not(self, journal: Journal) -> None:
        execution = a_long_log(journal, CHUNK_LINES + 1)
        full, partial = version(journal, execution, 0), version(journal, execution, 1)
        execution.log()
        assert version(journal, execution, 0) == full
        grown = version(journal, execution, 1)
        execution.complete()
        assert version(journal, execution, 0) == full
        assert len({full, partial, grown, version(journal, execution, 1)}) == 4

    def test_an_empty_log_has_an_empty_first_chunk_and_no_other(self, journal: Journal) -> None:
        execution = an_execution(journal)
        assert chunk(journal, execution, 0).messages == []
        with pytest.raises(NotFound):
            chunk(journal, execution, 1)

    def test_a_long_message_is_cut_and_says_so(self, journal: Journal) -> None:
        execution = an_execution(journal)
        execution.emit(e.Log("INFO", "short"), e.Log("INFO", "x" * (MAX_SHOWN + 5)))
        found = chunk(journal, execution, 0)
        assert found.cut == {1: MAX_SHOWN + 5}
        assert len(found.messages[1]) == MAX_SHOWN

    def test_where_events_were_dropped_is_said(self, journal: Journal) -> None:
        execution = an_execution(journal)
        execution.emit(e.Log("INFO", "before"), e.Gap(dropped=217, logs=217, message="217 lines dropped"))
        found = chunk(journal, execution, 0)
        assert [found.messages[place] for place in found.gaps] == ["217 lines dropped"]

    def test_a_chunk_far_into_the_log_costs_about_a_chunk(self) -> None:
        journal = _CountingJournal()
        execution = a_long_log(journal, 12 * CHUNK_LINES)
        journal.read_events = 0
        chunk(journal, execution, 10)
        assert journal.read_events < 3 * CHUNK_LINES

    def test_what_retention_has_taken_is_said(self, journal: Journal) -> None:
        execution = a_long_log(journal, CHUNK_LINES + 1_000)
        execution.complete()
        lines, upto = chunk(journal, execution, 1).messages, chunk(journal, execution, 0).seqs[1_500]
        journal.trim(execution.id, upto)
        assert chunk(journal, execution, 1).messages == lines
        with pytest.raises(PositionLost):
            chunk(journal, execution, 0)

    def test_compaction_changes_no_chunk(self, journal: Journal) -> None:
        execution = a_long_log(journal, CHUNK_LINES + 1_000)
        execution.complete()
        before = [chunk(journal, execution, number) for number in (0, 1)]
        after: int | None = 0
        while after is not None:
            after = journal.compact(execution.id, after)
        assert [chunk(journal, execution, number) for number in (0, 1)] == before

    def test_an_unknown_execution_is_an_error(self, journal: Journal) -> None:
        other = AuthoredExecution(MemoryJournal(), MemoryHintBus())
        with pytest.raises(ExecutionNotFound):
            chunk(journal, other, 0)

    def test_a_line_is_told_by_its_head_alone(self) -> None:
        """Whatever its data holds, and however large its seq is."""
        at = '"timestamp":"2026-11-22T21:30:00.123456Z"'
        longest = f'{{"seq":9007199254740991,"kind":"step.retrying","type":"log",{at},"data":{{}}}}'
        nested = f'{{"seq":1,"kind":"x","type":"status",{at},"data":{{"k":"","type":"log",{at}}}}}'
        assert log_lines_of(f"{longest}\n{nested}\n".encode()) == [longest.encode()]


class TestSearch:
    @pytest.fixture(name="execution")
    def _execution(self, journal: Journal) -> AuthoredExecution:
        execution = an_execution(journal)
        execution.emit(
            e.Log("DEBUG", 'GET /index "ok"', step_id="a"),
            e.Log("INFO", "Fetched page 1", step_id="a"),
            e.Log("WARNING", "page 2 was slow", step_id="b"),
            e.Log("ERROR", "Größe von PAGE 3 falsch", step_id="b"),
        )
        execution.progress(50.0)
        execution.fail("page missing")
        return execution

    def find(self, journal: Journal, execution: AuthoredExecution, **query: object) -> LogHits:
        return LogSearch(LogLines(journal)).find(execution.id, LogQuery(**query))  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("query", "lines"),
        [
            ({}, [0, 1, 2, 3]),
            ({"text": "page"}, [1, 2, 3]),
            ({"text": "PAGE"}, [3]),
            ({"text": "größe"}, [3]),
            ({"text": '"ok"'}, [0]),
            ({"text": "nothing"}, []),
            ({"level": "WARNING"}, [2, 3]),
            ({"step_id": "a"}, [0, 1]),
            ({"text": "page", "step_id": "b", "level": "ERROR"}, [3]),
            ({"text": r"page \d", "is_regex": True}, [1, 2]),
            ({"text": r"(?i)page \d", "is_regex": True}, [1, 2, 3]),
            ({"text": "p.ge", "is_regex": False}, []),
            ({"text": "page", "first_line": 2}, [2, 3]),
            ({"first_line": 9}, []),
        ],
    )
    def test_what_matches(
        self, journal: Journal, execution: AuthoredExecution, query: dict[str, object], lines: list[int]
    ) -> None:
        found = self.find(journal, execution, **query)
        assert [hit.line for hit in found.hits] == lines
        assert (found.total, found.complete) == (len(lines), True)

    def test_the_count_is_exact_where_the_hits_are_capped(self, journal: Journal) -> None:
        execution = a_long_log(journal, 2_000)
        found = self.find(journal, execution, text="line 1", limit=5)
        assert [hit.message for hit in found.hits] == [f"line {n}" for n in (1, 10, 11, 12, 13)]
        assert found.total == sum(f"line {n}".startswith("line 1") for n in range(2_000))
        assert (found.complete, found.next_line) == (True, 2_000)

    def test_lines_below_the_level_are_not_decoded(
        self, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever a line says of levels itself; that of another kind is looked at."""
        decoded: list[bytes] = []

        def decode(stored: bytes) -> LogLine:
            decoded.append(stored)
            return decode_log_line(stored)

        monkeypatch.setattr(log_search, "decode_log_line", decode)
        execution = an_execution(journal)
        execution.emit(
            e.Log("INFO", '"data":{"level":"ERROR"'),
            e.Log("ERROR", '"data":{"level":"INFO"'),
            e.StepRetrying(
                step="fetch",
                step_id="fetch#1",
                attempt=1,
                max_attempts=3,
                backoff_s=0.5,
                message="once more",
                error="refused",
            ),
            e.Log("WARNING", "slow"),
        )

        found = self.find(journal, execution, level="ERROR")

        assert [hit.line for hit in found.hits] == [1, 2]
        assert len(decoded) == 2

    def test_it_looks_at_a_range_and_counts_by_chunk(self, journal: Journal) -> None:
        execution = a_long_log(journal, 2 * CHUNK_LINES + 10)
        whole = self.find(journal, execution, text="line")
        first, end = CHUNK_LINES - 3, 2 * CHUNK_LINES
        part = self.find(journal, execution, text="line", first_line=first, end_line=end, limit=2)
        assert sum(whole.chunks.values()) == whole.total
        assert (part.total, part.chunks) == (end - first, {0: 3, 1: CHUNK_LINES})
        assert (part.complete, part.next_line) == (True, end)
        assert [hit.line for hit in part.hits] == [first, first + 1]

    def test_it_stops_when_its_time_is_up_and_says_where_to_go_on(self, journal: Journal) -> None:
        execution = a_long_log(journal, 50)
        search = LogSearch(LogLines(journal), slice_s=0.0)
        total, rounds, first = 0, 0, 0
        while True:
            found = search.find(execution.id, LogQuery(text="line 3", first_line=first))
            total, rounds = total + found.total, rounds + 1
            if found.complete:
                break
            assert found.next_line > first, "it must get further"
            first = found.next_line
        assert total == 11
        assert rounds > 10

    def test_a_search_far_into_the_log_does_not_begin_at_its_start(self) -> None:
        journal = _CountingJournal()
        execution = a_long_log(journal, 30_000)
        journal.read_events = 0
        assert self.find(journal, execution, text="line", first_line=29_000).total == 1_000
        assert journal.read_events < 4_000

    @pytest.mark.parametrize("expression", ["(", "[", "*x"])
    def test_an_expression_that_does_not_parse_is_refused(
        self, journal: Journal, execution: AuthoredExecution, expression: str
    ) -> None:
        with pytest.raises(InvalidMessage) as refused:
            self.find(journal, execution, text=expression, is_regex=True)
        assert refused.value.fields["field"] == "q"

    def test_an_expression_that_runs_away_is_stopped(self, journal: Journal) -> None:
        execution = an_execution(journal)
        execution.emit(e.Log("INFO", "a" * 3_000))
        with pytest.raises(InvalidMessage, match="too long"):
            self.find(journal, execution, text=r"^(([a-z])+.)+[A-Z]([a-z])+$", is_regex=True)

    def test_a_long_message_is_cut_in_the_answer(self, journal: Journal) -> None:
        execution = an_execution(journal)
        execution.emit(e.Log("INFO", "x" * 5_000 + " needle"))
        (hit,) = self.find(journal, execution, text="needle").hits
        assert len(hit.message) == SHOWN_CHARACTERS
