"""What every journal promises: one suite over all of them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.builders import (
    AT,
    WORKFLOW,
    a_batch,
    a_new_execution,
    a_summary,
    an_execution_id,
    lines_of,
)

from headway.adapters.journal.memory import MemoryJournal
from headway.adapters.journal.sqlite import SqliteJournal
from headway.domain.events import decode_line
from headway.domain.identifiers import ExecutionId, WorkflowId
from headway.domain.position import initial_tag
from headway.domain.workflow import SourceFile, WorkflowDefinition
from headway.errors import (
    AppendConflict,
    ConflictError,
    ExecutionClosed,
    ExecutionNotFound,
    HeadwayError,
    IdempotencyConflict,
    JournalUnavailable,
    LeaseLost,
    PositionLost,
    ProducerGap,
)
from headway.ports import Appended, Batch, ExecutionFilter, Journal, Lease, Run, Summary

EPOCH = "00c0ffee"


@pytest.fixture(params=["memory", "sqlite"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    make: dict[str, Callable[[], Journal]] = {
        "memory": lambda: MemoryJournal(new_epoch=lambda: EPOCH),
        "sqlite": lambda: SqliteJournal(tmp_path / "h.db", synchronous="NORMAL", new_epoch=lambda: EPOCH),
    }
    journal = make[request.param]()
    yield journal
    journal.close()


@pytest.fixture
def execution(journal: Journal) -> ExecutionId:
    """A queued execution: its log holds seq 1."""
    return journal.create(a_new_execution())[0]


def append(journal: Journal, batch: Batch) -> Appended:
    """Append one batch that must be taken."""
    (result,) = journal.append([batch])
    assert isinstance(result, Appended), result
    return result


def refusal(journal: Journal, batch: Batch) -> HeadwayError:
    """Append one batch that must be refused, and see that it left nothing."""
    before = journal.heads([batch.execution_id])
    (result,) = journal.append([batch])
    assert isinstance(result, HeadwayError), result
    assert journal.heads([batch.execution_id]) == before
    return result


class TestCreate:
    def test_the_first_event_says_that_the_execution_is_queued(self, journal: Journal) -> None:
        new = a_new_execution()
        assert journal.create(new) == (new.execution_id, True)
        (line,) = lines_of(journal.read(new.execution_id, 0))
        assert line == b'{"seq":1,' + new.queued
        assert decode_line(line).kind == "execution.queued"

    def test_a_new_record_is_queued_and_held_by_nobody(self, journal: Journal) -> None:
        new = a_new_execution(retry_of=an_execution_id())
        journal.create(new)
        record = journal.get(new.execution_id)
        assert record.summary == Summary(status="running", phase="queued", progress=0.0)
        assert (record.input, record.by, record.retry_of) == (new.input, "ada", new.retry_of)
        assert (record.lease_owner, record.lease_epoch, record.crashes) == (None, 0, 0)
        assert (record.head.epoch, record.head.last_seq, record.head.closed) == (EPOCH, 1, False)

    def test_a_known_key_gives_the_first_execution_again(self, journal: Journal) -> None:
        first = a_new_execution(idempotency_key="k", request_digest="d")
        again = a_new_execution(idempotency_key="k", request_digest="d")
        assert journal.create(first) == (first.execution_id, True)
        assert journal.create(again) == (first.execution_id, False)
        assert journal.known(first.workflow_id, "k") == (first.execution_id, "d")
        assert journal.known(first.workflow_id, "other") is None
        assert journal.known(WorkflowId("other"), "k") is None
        with pytest.raises(ExecutionNotFound):
            journal.get(again.execution_id)

    def test_a_key_belongs_to_its_workflow(self, journal: Journal) -> None:
        journal.create(a_new_execution(workflow_id="one", idempotency_key="k"))
        assert journal.create(a_new_execution(workflow_id="two", idempotency_key="k"))[1]

    def test_a_key_with_another_request_is_refused(self, journal: Journal) -> None:
        journal.create(a_new_execution(idempotency_key="k", request_digest="d"))
        with pytest.raises(IdempotencyConflict):
            journal.create(a_new_execution(idempotency_key="k", request_digest="other"))

    def test_an_id_is_used_once(self, journal: Journal, execution: ExecutionId) -> None:
        with pytest.raises(ConflictError):
            journal.create(a_new_execution(execution, idempotency_key="k"))
        assert journal.create(a_new_execution(idempotency_key="k"))[1], "the refused one left its key"


class TestAppend:
    def test_seqs_follow_each_other_and_tags_chain(self, journal: Journal, execution: ExecutionId) -> None:
        assert append(journal, a_batch(execution, 3)).first_seq == 2
        last = append(journal, a_batch(execution, 2, first_producer_seq=4))
        assert (last.first_seq, last.last_seq, last.duplicate) == (5, 6, False)
        segments = journal.read(execution, 0)
        assert segments[0].tag_before == initial_tag(EPOCH)
        assert [decode_line(line).seq for line in lines_of(segments)] == [1, 2, 3, 4, 5, 6]
        head = journal.heads([execution])[execution]
        assert (head.last_seq, head.last_tag) == (6, segments[-1].tag_after) == (6, last.last_tag)

    def test_a_repeated_batch_adds_nothing(self, journal: Journal, execution: ExecutionId) -> None:
        """L5, also after others have appended."""
        batch = a_batch(execution, 3)
        first = append(journal, batch)
        append(journal, a_batch(execution, producer_id="server"))
        again = append(journal, batch)
        assert again == Appended(first.first_seq, first.last_seq, first.last_tag, duplicate=True)
        assert journal.heads([execution])[execution].last_seq == 5

    def test_a_closing_batch_can_be_repeated(self, journal: Journal, execution: ExecutionId) -> None:
        batch = a_batch(execution, closes=True, expected_last_seq=1)
        append(journal, batch)
        assert append(journal, batch).duplicate

    @pytest.mark.parametrize(("first", "size"), [(1, 1), (1, 2), (2, 3), (5, 1)])
    def test_only_the_next_or_the_very_last_batch_of_a_producer_is_taken(
        self, journal: Journal, execution: ExecutionId, first: int, size: int
    ) -> None:
        append(journal, a_batch(execution, 1))
        append(journal, a_batch(execution, 2, first_producer_seq=2))
        refused = refusal(journal, a_batch(execution, size, first_producer_seq=first))
        assert isinstance(refused, ProducerGap)
        assert refused.fields == {"expected": 4, "got": first}

    def test_a_new_producer_starts_at_one(self, journal: Journal, execution: ExecutionId) -> None:
        assert isinstance(refusal(journal, a_batch(execution, first_producer_seq=2)), ProducerGap)

    def test_producers_are_numbered_apart(self, journal: Journal, execution: ExecutionId) -> None:
        for number in (1, 2, 3):
            append(journal, a_batch(execution, producer_id="one", first_producer_seq=number))
            append(journal, a_batch(execution, producer_id="two", first_producer_seq=number))
        assert journal.heads([execution])[execution].last_seq == 7

    def test_producers_are_counted_by_how_they_begin(self, journal: Journal, execution: ExecutionId) -> None:
        for producer_id in ("outside:a", "outside:b", "server:c", "outside:a", "out"):
            first = 2 if producer_id == "outside:a" and journal.producers(execution, "outside:a") else 1
            append(journal, a_batch(execution, producer_id=producer_id, first_producer_seq=first))
        counts = [journal.producers(execution, prefix) for prefix in ("outside:", "server:", "x", "out")]
        assert counts == [2, 1, 0, 3]
        with pytest.raises(ExecutionNotFound):
            journal.producers(an_execution_id(), "")

    def test_a_higher_epoch_starts_anew_and_ends_the_lower(
        self, journal: Journal, execution: ExecutionId
    ) -> None:
        append(journal, a_batch(execution, 2, producer_epoch=1))
        append(journal, a_batch(execution, 1, producer_epoch=2))
        stale = a_batch(execution, first_producer_seq=3, producer_epoch=1)
        assert isinstance(refusal(journal, stale), LeaseLost)

    def test_the_log_must_be_where_it_is_expected(self, journal: Journal, execution: ExecutionId) -> None:
        assert isinstance(refusal(journal, a_batch(execution, expected_last_seq=0)), AppendConflict)
        append(journal, a_batch(execution, expected_last_seq=1))

    def test_a_batch_may_overlook_what_does_not_concern_it(
        self, journal: Journal, execution: ExecutionId
    ) -> None:
        for number in (1, 2):
            append(journal, a_batch(execution, 2, first_producer_seq=2 * number - 1))
        beside = a_batch(execution, producer_id="server", expected_last_seq=3)
        assert isinstance(refusal(journal, beside), AppendConflict)
        others = msgspec.structs.replace(beside, overlooks=frozenset({"gap", "output"}))
        assert isinstance(refusal(journal, others), AppendConflict)
        logs = msgspec.structs.replace(beside, overlooks=frozenset({"gap", "log"}))
        assert append(journal, logs).last_seq == 6
        assert append(journal, logs).duplicate
        ahead = msgspec.structs.replace(logs, producer_id="ahead", expected_last_seq=9)
        assert isinstance(refusal(journal, ahead), AppendConflict)
        append(journal, a_batch(execution, first_producer_seq=5, closes=True))
        late = msgspec.structs.replace(logs, producer_id="late")
        assert isinstance(refusal(journal, late), ExecutionClosed)

    def test_the_terminal_event_is_last(self, journal: Journal, execution: ExecutionId) -> None:
        """L4."""
        append(
            journal, a_batch(execution, 2, closes=True, summary=a_summary("completed", status="completed"))
        )
        assert journal.heads([execution])[execution].closed
        late = a_batch(execution, producer_id="server")
        assert isinstance(refusal(journal, late), ExecutionClosed)

    def test_an_unknown_execution_is_refused(self, journal: Journal) -> None:
        assert isinstance(refusal(journal, a_batch(an_execution_id())), ExecutionNotFound)

    def test_a_refused_batch_takes_no_other_with_it(self, journal: Journal, execution: ExecutionId) -> None:
        other = journal.create(a_new_execution())[0]
        results = journal.append(
            [
                a_batch(execution),
                a_batch(an_execution_id()),
                a_batch(execution, first_producer_seq=9),
                a_batch(other),
                a_batch(execution, first_producer_seq=2),
            ]
        )
        taken = [result.last_seq if isinstance(result, Appended) else type(result) for result in results]
        assert taken == [2, ExecutionNotFound, ProducerGap, 2, 3]

    def test_a_batch_without_events_is_refused(self, journal: Journal, execution: ExecutionId) -> None:
        (result,) = journal.append([a_batch(execution, 0)])
        assert isinstance(result, ValueError)

    def test_a_summary_replaces_the_stored_one(self, journal: Journal, execution: ExecutionId) -> None:
        full = Summary(
            status="failed",
            phase="failed",
            progress=42.5,
            indeterminate=True,
            attempt=2,
            started_at="s",
            ended_at="e",
            message="m",
            error="KeyError: 'sku'",
            error_code="workflow_failed",
        )
        append(journal, a_batch(execution, summary=full))
        append(journal, a_batch(execution, first_producer_seq=2))
        assert journal.get(execution).summary == full


class TestLease:
    def test_the_runner_appends_under_its_lease(self, journal: Journal, execution: ExecutionId) -> None:
        (record,) = journal.claim("w1", [WORKFLOW], 1)
        append(journal, a_batch(execution, lease=Lease(owner="w1", epoch=record.lease_epoch)))

    @pytest.mark.parametrize("lease", [Lease(owner="w1", epoch=1), Lease(owner="w1", epoch=2)])
    def test_who_has_lost_the_lease_stores_nothing(
        self, journal: Journal, execution: ExecutionId, lease: Lease
    ) -> None:
        journal.claim("w1", [WORKFLOW], 1)
        journal.release("w1", crashed=True)
        assert isinstance(refusal(journal, a_batch(execution, lease=lease)), LeaseLost), "held by nobody"
        journal.claim("w2", [WORKFLOW], 1)
        assert isinstance(refusal(journal, a_batch(execution, lease=lease)), LeaseLost), "held by another"

    def test_others_need_no_lease(self, journal: Journal, execution: ExecutionId) -> None:
        journal.claim("w1", [WORKFLOW], 1)
        append(journal, a_batch(execution, producer_id="server"))

    def test_a_batch_that_was_stored_is_found_again_after_the_lease(
        self, journal: Journal, execution: ExecutionId
    ) -> None:
        journal.claim("w1", [WORKFLOW], 1)
        batch = a_batch(execution, lease=Lease(owner="w1", epoch=1))
        append(journal, batch)
        journal.release("w1", crashed=False)
        assert append(journal, batch).duplicate


class TestRead:
    @pytest.fixture
    def ten(self, journal: Journal, execution: ExecutionId) -> ExecutionId:
        """Events 1, 2-4, 5-9, 10 in four segments."""
        for first, size in ((1, 3), (4, 5), (9, 1)):
            append(journal, a_batch(execution, size, first_producer_seq=first))
        return execution

    @pytest.mark.parametrize("after", range(11))
    def test_starts_right_behind_the_position(self, journal: Journal, ten: ExecutionId, after: int) -> None:
        segments = journal.read(ten, after)
        assert [decode_line(line).seq for line in lines_of(segments)] == list(range(after + 1, 11))
        if segments:
            assert segments[0].tag_before == journal.tag_at(ten, after)

    @pytest.mark.parametrize("max_events", range(1, 11))
    def test_returns_as_many_events_as_asked_for(
        self, journal: Journal, ten: ExecutionId, max_events: int
    ) -> None:
        lines = lines_of(journal.read(ten, 2, max_events=max_events))
        assert [decode_line(line).seq for line in lines] == list(range(3, min(11, 3 + max_events)))

    def test_stays_within_the_bytes(self, journal: Journal, ten: ExecutionId) -> None:
        lines = lines_of(journal.read(ten, 0))
        for count in range(2, 11):
            exact = sum(len(line) + 1 for line in lines[:count])
            assert lines_of(journal.read(ten, 0, max_bytes=exact)) == lines[:count]
            assert lines_of(journal.read(ten, 0, max_bytes=exact - 1)) == lines[: count - 1]

    def test_returns_one_event_however_small_the_limits(self, journal: Journal, ten: ExecutionId) -> None:
        assert len(lines_of(journal.read(ten, 5, max_bytes=1))) == 1
        assert len(lines_of(journal.read(ten, 5, max_events=0, max_bytes=0))) == 1

    def test_beyond_the_end_is_nothing(self, journal: Journal, ten: ExecutionId) -> None:
        assert journal.read(ten, 10) == journal.read(ten, 99) == []

    def test_an_unknown_execution_is_an_error(self, journal: Journal) -> None:
        for call in (journal.get, lambda key: journal.read(key, 0), lambda key: journal.tag_at(key, 0)):
            with pytest.raises(ExecutionNotFound):
                call(an_execution_id())

    def test_a_tag_beyond_the_end_is_lost(self, journal: Journal, ten: ExecutionId) -> None:
        assert journal.tag_at(ten, 0) == initial_tag(EPOCH)
        with pytest.raises(PositionLost):
            journal.tag_at(ten, 11)

    def test_heads_are_of_those_that_exist(self, journal: Journal, ten: ExecutionId) -> None:
        heads = journal.heads([ten, an_execution_id()])
        assert {key: str(head.cursor) for key, head in heads.items()} == {
            ten: f"{EPOCH}.10.{journal.tag_at(ten, 10):08x}"
        }
        assert journal.heads([]) == {}


class TestCheckpoint:
    def test_the_newest_at_or_before_a_seq(self, journal: Journal, execution: ExecutionId) -> None:
        append(journal, a_batch(execution, 999, checkpoint=b'{"at": 1000}', expected_last_seq=1))
        append(journal, a_batch(execution, 700, first_producer_seq=1000, checkpoint=b'{"at": 1700}'))
        append(journal, a_batch(execution, 700, first_producer_seq=1700, checkpoint=b'{"at": 2400}'))
        assert journal.checkpoint(execution, 999) is None
        assert journal.checkpoint(execution, 1000) == (1000, b'{"at": 1000}')
        assert journal.checkpoint(execution, 2399) == (1700, b'{"at": 1700}')
        assert journal.checkpoint(execution, 9999) == (2400, b'{"at": 2400}')
        assert journal.checkpoint(an_execution_id(), 9) is None

    def test_close_ones_make_way_for_the_newest(self, journal: Journal, execution: ExecutionId) -> None:
        """However often a state is stored, few stay, and none is further than 1,000 events from the next."""
        for number in range(1, 301):
            append(journal, a_batch(execution, 10, first_producer_seq=number * 10 - 9, checkpoint=b"{}"))
        kept = {found[0] for seq in range(3_002) if (found := journal.checkpoint(execution, seq))}
        assert len(kept) <= 7
        assert max(kept) == 3_001
        ordered = [0, *sorted(kept)]
        assert all(later - earlier <= 1_000 for earlier, later in pairwise(ordered))


class TestCatalog:
    def test_executions_are_found_newest_first_and_page_by_page(self, journal: Journal) -> None:
        ids = [journal.create(a_new_execution())[0] for _ in range(5)]
        first = journal.find(ExecutionFilter(limit=2))
        assert [record.execution_id for record in first] == ids[:-3:-1]
        rest = journal.find(ExecutionFilter(before=first[-1].execution_id))
        assert [record.execution_id for record in rest] == ids[2::-1]
        assert journal.find(ExecutionFilter(before=an_execution_id())) == []

    def test_executions_are_found_by_workflow_status_and_phase(self, journal: Journal) -> None:
        queued, running, failed = (journal.create(a_new_execution())[0] for _ in range(3))
        other = journal.create(a_new_execution(workflow_id="other"))[0]
        append(journal, a_batch(running, summary=a_summary()))
        append(journal, a_batch(failed, summary=a_summary("failed", status="failed"), closes=True))

        def found(*statuses: str, workflow_id: WorkflowId | None = WORKFLOW) -> list[str]:
            wanted = ExecutionFilter(workflow_id=workflow_id, statuses=frozenset(statuses))
            return [record.execution_id for record in journal.find(wanted)]

        assert found() == [failed, running, queued]
        assert found(workflow_id=None) == [other, failed, running, queued]
        assert found("running") == [running, queued]
        assert found("queued") == [queued]
        assert found("failed", "queued") == [failed, queued]
        assert found("completed") == []

    def test_a_viewer_follows_the_started_then_the_queued_then_the_latest(self, journal: Journal) -> None:
        def follow() -> ExecutionId | None:
            return journal.follow(WORKFLOW, None)

        assert follow() is None
        journal.create(a_new_execution(workflow_id="other"))
        first, second = (journal.create(a_new_execution())[0] for _ in range(2))
        assert follow() == first
        append(journal, a_batch(second, summary=a_summary()))
        assert follow() == second
        append(journal, a_batch(first, summary=a_summary()))
        assert follow() == first
        append(journal, a_batch(first, first_producer_seq=2, closes=True))
        assert follow() == second
        append(journal, a_batch(second, first_producer_seq=2, closes=True))
        assert follow() == second

    def test_a_viewer_moves_on_by_the_order_of_creation(self, journal: Journal) -> None:
        first = journal.create(a_new_execution())[0]
        journal.create(a_new_execution(workflow_id="other"))
        assert journal.follow(WORKFLOW, first) is None
        second = journal.create(a_new_execution())[0]
        journal.create(a_new_execution())
        assert journal.follow(WORKFLOW, first) == second
        assert journal.follow(WORKFLOW, an_execution_id()) is None

    def test_executions_are_found_from_a_time_on(self, journal: Journal) -> None:
        """By their ids, which begin with their time."""
        ids = [journal.create(a_new_execution())[0] for _ in range(3)]
        assert [one.execution_id for one in journal.find(ExecutionFilter(since=ids[1]))] == ids[:0:-1]
        assert journal.find(ExecutionFilter(since=an_execution_id())) == []

    def test_executions_are_found_by_a_part_of_id_or_error(self, journal: Journal) -> None:
        """In any case of the letters A to Z; marks of patterns are text like any other."""
        first, second = (journal.create(a_new_execution())[0] for _ in range(2))
        failed = Summary(status="failed", phase="failed", progress=0.0, error="KeyError: '100 %_Ä'")
        append(journal, a_batch(first, summary=failed, closes=True))

        def found(text: str) -> list[ExecutionId]:
            return [one.execution_id for one in journal.find(ExecutionFilter(text=text))]

        assert found("keyerror") == found("100 %_Ä") == found(first.lower()) == [first]
        assert found("K%R") == found("100 %_ä") == []
        assert found(second[-8:]) == [second]

    def test_chosen_ones_are_found_by_their_ids(self, journal: Journal) -> None:
        first, _, third = (journal.create(a_new_execution())[0] for _ in range(3))
        append(journal, a_batch(third, summary=a_summary("failed", status="failed"), closes=True))
        nobody = ExecutionId("7ZZZZZZZZZZZZZZZZZZZZZZZZZ")

        def found(*ids: ExecutionId, **others: Any) -> list[ExecutionId]:
            return [one.execution_id for one in journal.find(ExecutionFilter(ids=frozenset(ids), **others))]

        assert found(first, third, nobody) == [third, first]
        assert found(first, third, before=third) == [first]
        assert found(first, third, statuses=frozenset({"failed"})) == [third]
        assert found(nobody) == []

    def test_those_that_ask_people_are_found_until_they_end(self, journal: Journal) -> None:
        asks, calm, ends = (journal.create(a_new_execution())[0] for _ in range(3))
        waiting = Summary(status="running", phase="waiting", progress=0.0, questions=2)
        for execution in (asks, ends):
            append(journal, a_batch(execution, summary=waiting))
        append(journal, a_batch(calm, summary=a_summary("waiting")))
        append(journal, a_batch(ends, first_producer_seq=2, closes=True))
        [found] = journal.find(ExecutionFilter(asking=True))
        assert (found.execution_id, found.summary) == (asks, waiting)

    def test_the_last_runs_of_each_workflow_come_newest_first(self, journal: Journal) -> None:
        ids = [
            journal.create(a_new_execution(workflow_id=name))[0] for name in ("b", "a", "b", "a", "b", "c")
        ]
        failed = Summary(
            status="failed", phase="failed", progress=0.0, started_at=AT, ended_at=AT, error="KeyError"
        )
        append(journal, a_batch(ids[4], summary=failed, closes=True))
        runs = journal.recent([WorkflowId(name) for name in ("b", "a", "ghost")], 2)
        assert [run.execution_id for run in runs] == [ids[4], ids[2], ids[3], ids[1]]
        assert runs[0] == Run(ids[4], WorkflowId("b"), "failed", AT, AT, "KeyError")
        assert runs[2] == Run(ids[3], WorkflowId("a"), "queued", None, None, None)
        assert journal.recent([], 2) == []


class TestDefinitions:
    @staticmethod
    def a_definition(name: str, path: str = "/flows.py") -> WorkflowDefinition:
        schema = {"type": "object", "properties": {"path": {"type": "string"}}}
        return WorkflowDefinition(
            workflow_id=WorkflowId(name), title=name.title(), source=path, input_schema=schema
        )

    def test_a_file_replaces_what_it_defined(self, journal: Journal) -> None:
        one, two = self.a_definition("one"), self.a_definition("two")
        journal.put_definitions(SourceFile(path="/flows.py", code_hash="a"), [one, two])
        journal.put_definitions(SourceFile(path="/flows.py", code_hash="b"), [two])
        assert journal.definitions() == ([two], [SourceFile(path="/flows.py", code_hash="b")])

    def test_definitions_outlive_an_import_error(self, journal: Journal) -> None:
        one = self.a_definition("one")
        broken = SourceFile(path="/flows.py", import_error="SyntaxError: …")
        journal.put_definitions(SourceFile(path="/flows.py"), [one])
        journal.put_definitions(broken, [])
        assert journal.definitions() == ([one], [broken])

    def test_files_that_are_no_longer_served_are_forgotten(self, journal: Journal) -> None:
        kept, gone = self.a_definition("kept", "/a.py"), self.a_definition("gone", "/b.py")
        journal.put_definitions(SourceFile(path="/a.py"), [kept])
        journal.put_definitions(SourceFile(path="/b.py"), [gone])
        journal.retain_sources(["/a.py", "/new.py"])
        assert journal.definitions() == ([kept], [SourceFile(path="/a.py")])


class TestQueue:
    def test_the_oldest_free_executions_of_the_workflows_are_claimed(self, journal: Journal) -> None:
        first, second, third = (journal.create(a_new_execution())[0] for _ in range(3))
        other = journal.create(a_new_execution(workflow_id="other"))[0]
        taken = journal.claim("w1", [WORKFLOW], 2)
        assert [(one.execution_id, one.lease_owner, one.lease_epoch) for one in taken] == [
            (first, "w1", 1),
            (second, "w1", 1),
        ]
        assert journal.get(first) == taken[0]
        rest = journal.claim("w2", [WORKFLOW, WorkflowId("other")], 9)
        assert [record.execution_id for record in rest] == [third, other]
        assert journal.claim("w3", [WORKFLOW], 9) == journal.claim("w3", [], 9) == []
        assert journal.owners() == ["w1", "w2"]

    def test_what_a_producer_has_written_to_is_found_among_the_open_ones_of_an_owner(
        self, journal: Journal
    ) -> None:
        last, older, closed, plain, others = (journal.create(a_new_execution())[0] for _ in range(5))
        journal.claim("w1", [WORKFLOW], 4)
        journal.claim("w2", [WORKFLOW], 1)
        for execution_id in (last, older, closed, others):
            append(journal, a_batch(execution_id, producer_id="force:c1"))
        append(journal, a_batch(older, producer_id="server:c2"))
        append(journal, a_batch(plain, producer_id="forced"))
        append(journal, a_batch(closed, closes=True))
        assert journal.written_to("w1", "force:") == [last, older]
        assert journal.written_to("w2", "force:") == [others]
        assert journal.written_to("w3", "force:") == journal.written_to("w1", "outside:") == []

    def test_a_closed_execution_is_not_claimed(self, journal: Journal, execution: ExecutionId) -> None:
        append(journal, a_batch(execution, closes=True))
        assert journal.claim("w1", [WORKFLOW], 9) == []

    def test_released_executions_are_claimed_under_a_higher_epoch(self, journal: Journal) -> None:
        open_, closed = (journal.create(a_new_execution())[0] for _ in range(2))
        journal.claim("w1", [WORKFLOW], 9)
        append(journal, a_batch(closed, lease=Lease(owner="w1", epoch=1), closes=True))
        (record,) = journal.release("w1", crashed=False)
        assert (record.execution_id, record.lease_owner, record.crashes) == (open_, None, 0)
        assert journal.owners() == []
        (record,) = journal.claim("w2", [WORKFLOW], 9)
        assert (record.execution_id, record.lease_epoch) == (open_, 2)
        assert journal.release("w1", crashed=True) == []

    def test_a_suspect_is_claimed_alone_and_first_the_one_with_most_crashes(self, journal: Journal) -> None:
        """Who was there at two crashes may be their cause: nothing is handed out beside it."""
        ids = [journal.create(a_new_execution())[0] for _ in range(3)]
        other = journal.create(a_new_execution(workflow_id="other"))[0]
        for _ in range(2):
            journal.claim("w1", [WORKFLOW], 10)
            journal.release("w1", crashed=True)
        fresh = journal.create(a_new_execution())[0]
        assert journal.claim("w1", [WORKFLOW], 0) == []
        [first] = journal.claim("w1", [WORKFLOW], 10)
        journal.release("w1", crashed=True)
        assert (first.execution_id, first.crashes) == (ids[0], 2)
        assert [each.execution_id for each in journal.claim("w2", [WORKFLOW], 10)] == [ids[0]]
        assert [each.execution_id for each in journal.claim("w3", [WORKFLOW], 10)] == [ids[1]]
        journal.forgive(ids[2])
        assert journal.get(ids[2]).crashes == 0
        taken = journal.claim("w4", [WORKFLOW, WorkflowId("other")], 10)
        assert [each.execution_id for each in taken] == [ids[2], other, fresh]

    def test_crashes_are_counted_until_a_step_is_done(self, journal: Journal, execution: ExecutionId) -> None:
        for crashes in (1, 2):
            journal.claim("w1", [WORKFLOW], 1)
            assert [record.crashes for record in journal.release("w1", crashed=True)] == [crashes]
        append(journal, a_batch(execution))
        assert journal.get(execution).crashes == 2
        append(journal, a_batch(execution, first_producer_seq=2, progressed=True))
        assert journal.get(execution).crashes == 0


class TestTrim:
    @pytest.mark.parametrize("upto", [1, 2, 5, 9, 10])
    def test_a_trimmed_prefix_is_remembered(
        self, journal: Journal, execution: ExecutionId, upto: int
    ) -> None:
        append(journal, a_batch(execution, 6))
        append(journal, a_batch(execution, 3, first_producer_seq=7, closes=True))
        tags = [journal.tag_at(execution, seq) for seq in range(11)]
        journal.trim(execution, upto)
        journal.trim(execution, upto - 1)
        assert journal.heads([execution])[execution].trimmed_upto == upto
        lines = lines_of(journal.read(execution, upto))
        assert [decode_line(line).seq for line in lines] == list(range(upto + 1, 11))
        assert [journal.tag_at(execution, seq) for seq in range(upto, 11)] == tags[upto:]
        for lost in (journal.read, journal.tag_at):
            with pytest.raises(PositionLost):
                lost(execution, upto - 1)

    def test_states_of_the_prefix_go_with_it(self, journal: Journal, execution: ExecutionId) -> None:
        append(journal, a_batch(execution, 3, checkpoint=b"{}"))
        append(journal, a_batch(execution, 1200, first_producer_seq=4, checkpoint=b"{}", closes=True))
        journal.trim(execution, 5)
        assert journal.checkpoint(execution, 1_000) is None
        assert journal.checkpoint(execution, 1_204) == (1_204, b"{}")

    def test_an_open_execution_keeps_everything(self, journal: Journal, execution: ExecutionId) -> None:
        with pytest.raises(ConflictError):
            journal.trim(execution, 1)


def compacted(journal: Journal, execution: ExecutionId) -> None:
    """Compact to the end; each step must get further."""
    after: int | None = 0
    while after is not None:
        before, after = after, journal.compact(execution, after)
        assert after is None or after > before


def every_cut(journal: Journal, execution: ExecutionId, last_seq: int) -> list[object]:
    """What a reader can see of the log from every position: lines, tags, and pages of odd sizes."""
    seen: list[object] = [journal.get(execution)]
    for after in range(last_seq + 1):
        seen.append(journal.tag_at(execution, after))
        following = lines_of(journal.read(execution, after))
        seen.append(following)
        seen.append(lines_of(journal.read(execution, after, max_events=3)))
        page = lines_of(journal.read(execution, after, max_bytes=500))  # where it ends is not promised
        assert page == following[: len(page)]
        assert (after == last_seq) == (not page)
    return seen


class TestCompaction:
    @pytest.mark.parametrize("closes", [True, False], ids=["closed", "open"])
    def test_a_reader_cannot_tell_at_any_position(
        self, journal: Journal, execution: ExecutionId, closes: bool
    ) -> None:
        for number in range(1, 40, 2):
            append(journal, a_batch(execution, 2, first_producer_seq=number))
        if closes:
            append(journal, a_batch(execution, first_producer_seq=41, closes=True))
        last = journal.heads([execution])[execution].last_seq
        before = every_cut(journal, execution, last)
        compacted(journal, execution)
        assert every_cut(journal, execution, last) == before
        assert len(journal.read(execution, 0)) == 1

    def test_an_open_execution_goes_on(self, journal: Journal, execution: ExecutionId) -> None:
        for number in range(1, 21):
            append(journal, a_batch(execution, first_producer_seq=number))
        compacted(journal, execution)
        assert append(journal, a_batch(execution, first_producer_seq=20)).duplicate
        assert append(journal, a_batch(execution, 2, first_producer_seq=21)).first_seq == 22
        compacted(journal, execution)
        assert len(lines_of(journal.read(execution, 0))) == 23

    def test_a_long_log_is_compacted_step_by_step(self, journal: Journal, execution: ExecutionId) -> None:
        for number in range(1, 2_001, 100):
            append(journal, a_batch(execution, 100, first_producer_seq=number, closes=number == 1_901))
        before = lines_of(journal.read(execution, 0))
        compacted(journal, execution)
        assert lines_of(journal.read(execution, 0)) == before
        assert lines_of(journal.read(execution, 1_234, max_events=1)) == [before[1_234]]

    def test_only_closed_executions_are_due_and_only_once(self, journal: Journal) -> None:
        first, second, still_open = (journal.create(a_new_execution())[0] for _ in range(3))
        for one in (second, first):
            append(journal, a_batch(one, closes=True))
        assert journal.uncompacted(10) == [first, second]
        assert journal.uncompacted(1) == [first]
        for one in (first, still_open):
            compacted(journal, one)
        assert journal.uncompacted(10) == [second]

    def test_states_near_the_end_stay(self, journal: Journal, execution: ExecutionId) -> None:
        for number in range(1, 20_001, 500):
            append(
                journal,
                a_batch(
                    execution, 500, first_producer_seq=number, expected_last_seq=number, checkpoint=b"{}"
                ),
            )
        append(journal, a_batch(execution, first_producer_seq=20_001, closes=True))
        compacted(journal, execution)
        recent = journal.checkpoint(execution, 19_001)
        assert recent is not None
        assert recent[0] > 18_000

    def test_a_trimmed_log_can_be_compacted(self, journal: Journal, execution: ExecutionId) -> None:
        for number in range(1, 11):
            append(journal, a_batch(execution, 3, first_producer_seq=number * 3 - 2, closes=number == 10))
        journal.trim(execution, 14)
        before = lines_of(journal.read(execution, 14))
        compacted(journal, execution)
        assert lines_of(journal.read(execution, 14)) == before
        journal.trim(execution, 20)
        assert lines_of(journal.read(execution, 20)) == before[6:]

    def test_an_unknown_execution_is_an_error(self, journal: Journal) -> None:
        with pytest.raises(ExecutionNotFound):
            journal.compact(an_execution_id(), 0)


class TestRetention:
    def closed(self, journal: Journal, workflow_id: str, ended_at: str) -> ExecutionId:
        execution = journal.create(a_new_execution(workflow_id=workflow_id))[0]
        summary = Summary(status="completed", phase="completed", progress=100.0, ended_at=ended_at)
        append(journal, a_batch(execution, closes=True, summary=summary))
        return execution

    def test_what_ended_before_is_found_oldest_first(self, journal: Journal) -> None:
        old = [self.closed(journal, "a", "2026-01-01T00:00:00.000000Z") for _ in range(2)]
        self.closed(journal, "a", "2026-03-01T00:00:00.000000Z")
        journal.create(a_new_execution(workflow_id="a"))
        assert journal.ended("2026-02-01T00:00:00.000000Z", 10) == old
        assert journal.ended("2026-02-01T00:00:00.000000Z", 1) == old[:1]

    def test_the_latest_of_a_workflow_is_kept(self, journal: Journal) -> None:
        """Whoever waits for the workflow's next execution waits behind it."""
        self.closed(journal, "a", "2026-01-01T00:00:00.000000Z")
        latest = self.closed(journal, "a", "2026-01-01T00:00:00.000000Z")
        assert latest not in journal.ended("2027-01-01T00:00:00.000000Z", 10)

    def test_a_forgotten_execution_leaves_nothing(self, journal: Journal, execution: ExecutionId) -> None:
        kept = journal.create(a_new_execution(idempotency_key="kept"))[0]
        gone = journal.create(a_new_execution(idempotency_key="gone"))[0]
        for number in range(1, 601):
            append(journal, a_batch(gone, first_producer_seq=number, closes=number == 600))
        while not journal.forget(gone):
            assert journal.heads([gone])[gone].trimmed_upto > 0
        with pytest.raises(ExecutionNotFound):
            journal.get(gone)
        with pytest.raises(ExecutionNotFound):
            journal.read(gone, 0)
        assert journal.checkpoint(gone, 1_000) is None
        assert [record.execution_id for record in journal.find(ExecutionFilter())] == [kept, execution]
        assert journal.create(a_new_execution(idempotency_key="gone"))[1]
        assert not journal.create(a_new_execution(idempotency_key="kept"))[1]
        assert journal.forget(gone), "nothing is left to forget"

    def test_an_open_execution_is_kept(self, journal: Journal, execution: ExecutionId) -> None:
        with pytest.raises(ConflictError):
            journal.forget(execution)
        assert len(lines_of(journal.read(execution, 0))) == 1

    def test_forgetting_makes_room(self, journal: Journal, execution: ExecutionId) -> None:
        append(journal, a_batch(execution, 2_000, closes=True))
        full = journal.used_bytes()
        while not journal.forget(execution):
            pass
        assert journal.used_bytes() < full - 100_000


def test_what_is_private_of_an_input_is_beside_what_is_shown(journal: Journal) -> None:
    shown, real = b'{"token":"**********"}', b'{"token":"s3cr3t-pw"}'
    journal.create(replace(a_new_execution(input=shown), private_input=real))
    plain, _ = journal.create(a_new_execution())

    (record, _) = journal.claim("ada", [WORKFLOW], 2)

    assert (record.input, record.private_input, record.real_input) == (shown, real, real)
    assert "s3cr3t" not in repr(record)
    assert journal.get(plain).private_input is None
    assert journal.get(plain).real_input == journal.get(plain).input


def test_a_closed_journal_says_so(journal: Journal, execution: ExecutionId) -> None:
    journal.close()
    journal.close()
    with pytest.raises(JournalUnavailable):
        journal.get(execution)
    with pytest.raises(JournalUnavailable):
        journal.append([a_batch(execution)])
