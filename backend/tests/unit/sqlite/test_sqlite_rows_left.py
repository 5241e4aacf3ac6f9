"""What this process wrote last is not read again, whoever else has written meanwhile."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.support.builders import AT, WORKFLOW, a_batch, a_new_execution, a_summary, lines_of
from tests.support.sqlite_file import by_hand

from headway.adapters.journal.sqlite import SqliteJournal
from headway.errors import (
    AppendConflict,
    ExecutionClosed,
    JournalUnavailable,
    LeaseLost,
    ProducerGap,
)
from headway.ports import Appended, Batch, Lease, Summary


class Runner:
    """A worker's appends to one execution, each on the one before."""

    def __init__(self, journal: SqliteJournal, owner: str = "w1") -> None:
        self.execution_id, _ = journal.create(a_new_execution())
        (record,) = journal.claim(owner, [WORKFLOW], 1)
        self._journal, self._lease = journal, Lease(owner=owner, epoch=record.lease_epoch)
        self._size, self._seq = 0, record.head.last_seq

    def take_up(self, lease_epoch: int) -> None:
        self._lease = Lease(owner=self._lease.owner, epoch=lease_epoch)

    def batch(self, summary: Summary | None = None) -> Batch:
        return a_batch(
            self.execution_id,
            first_producer_seq=self._size + 1,
            producer_epoch=self._lease.epoch,
            lease=self._lease,
            expected_last_seq=self._seq,
            summary=summary or a_summary(),
        )

    def append(self, summary: Summary | None = None) -> None:
        (appended,) = self._journal.append([self.batch(summary)])
        assert isinstance(appended, Appended)
        self._seq, self._size = appended.last_seq, self._size + 1


class TestRowsLeft:
    """What this process wrote last is not read again, and still it is what the table says that counts."""

    @pytest.fixture
    def other(self, journal: SqliteJournal, path: Path) -> Iterator[SqliteJournal]:
        other = SqliteJournal(path)  # as of another process
        yield other
        other.close()

    def test_who_goes_on_reads_no_row(self, journal: SqliteJournal) -> None:
        runner = Runner(journal)
        runner.append()
        statements: list[str] = []
        journal._database._writer.set_trace_callback(statements.append)
        runner.append()
        assert [each.split()[0] for each in statements] == ["BEGIN", "UPDATE", "INSERT", "COMMIT"]

    @pytest.mark.parametrize(
        ("change", "refusal"),
        [
            ({"expected_last_seq": 1}, AppendConflict),
            ({"first_producer_seq": 3}, ProducerGap),
            ({"producer_id": "another"}, ProducerGap),
            ({"producer_epoch": 2}, ProducerGap),
            ({"producer_epoch": 0}, LeaseLost),
            ({"lease": Lease(owner="w2", epoch=1)}, LeaseLost),
            ({"lease": Lease(owner="w1", epoch=2)}, LeaseLost),
            ({"bodies": []}, ValueError),
        ],
        ids=str,
    )
    def test_what_does_not_go_on_from_there_is_refused(
        self, journal: SqliteJournal, change: dict[str, object], refusal: type[Exception]
    ) -> None:
        runner = Runner(journal)
        runner.append()
        (refused,) = journal.append([msgspec.structs.replace(runner.batch(), **change)])
        assert isinstance(refused, refusal)
        runner.append()  # and the runner is not disturbed

    def test_a_lease_is_known_by_what_it_says(self, journal: SqliteJournal) -> None:
        runner = Runner(journal)
        runner.append()
        (stored,) = journal.append(
            [msgspec.structs.replace(runner.batch(), lease=Lease(owner="w1", epoch=1))]
        )
        assert isinstance(stored, Appended)

    def test_crashes_are_forgotten_with_the_first_result(self, journal: SqliteJournal) -> None:
        runner = Runner(journal)
        journal.release("w1", crashed=True)
        (record,) = journal.claim("w1", [WORKFLOW], 1)
        runner.take_up(record.lease_epoch)
        runner.append()
        assert journal.get(runner.execution_id).crashes == 1
        (stored,) = journal.append([msgspec.structs.replace(runner.batch(), progressed=True)])
        assert isinstance(stored, Appended)
        assert journal.get(runner.execution_id).crashes == 0

    def test_another_process_in_between_is_noticed_for_its_execution_alone(
        self, journal: SqliteJournal, other: SqliteJournal
    ) -> None:
        first, second = Runner(journal), Runner(journal)
        first.append()
        second.append()
        other.append([a_batch(first.execution_id, producer_id="control")])

        refused, stored = journal.append([first.batch(), second.batch()])

        assert isinstance(refused, AppendConflict)
        assert isinstance(stored, Appended)
        heads = journal.heads([first.execution_id, second.execution_id])
        assert [head.last_seq for head in heads.values()] == [3, 3]
        assert len(lines_of(journal.read(first.execution_id, 0))) == 3

    def test_a_lease_that_another_process_has_ended_is_lost(
        self, journal: SqliteJournal, other: SqliteJournal
    ) -> None:
        runner = Runner(journal)
        runner.append()
        other.release("w1", crashed=True)
        other.claim("w2", [WORKFLOW], 1)
        (refused,) = journal.append([runner.batch()])
        assert isinstance(refused, LeaseLost)

    def test_an_end_that_another_process_has_written_is_the_end(
        self, journal: SqliteJournal, other: SqliteJournal
    ) -> None:
        runner = Runner(journal)
        runner.append()
        other.append([a_batch(runner.execution_id, producer_id="supervisor", closes=True)])
        (refused,) = journal.append([runner.batch()])
        assert isinstance(refused, ExecutionClosed)

    def test_a_batch_whose_outcome_was_not_told_is_stored_once(self, journal: SqliteJournal) -> None:
        runner = Runner(journal)
        runner.append()
        batch = runner.batch()
        (first,), (again,) = journal.append([batch]), journal.append([batch])
        assert isinstance(first, Appended)
        assert isinstance(again, Appended)
        assert again.duplicate
        assert (again.first_seq, again.last_seq, again.last_tag) == (
            first.first_seq,
            first.last_seq,
            first.last_tag,
        )

    def test_a_commit_that_fails_leaves_nothing_to_build_on(self, journal: SqliteJournal, path: Path) -> None:
        runner = Runner(journal)
        runner.append()
        by_hand(path, "CREATE TRIGGER full BEFORE INSERT ON segment BEGIN SELECT RAISE(ABORT, 'full'); END")
        with pytest.raises(JournalUnavailable):
            journal.append([runner.batch()])
        by_hand(path, "DROP TRIGGER full")
        runner.append()
        assert len(lines_of(journal.read(runner.execution_id, 0))) == 3

    def test_every_column_of_the_list_is_what_the_last_append_said(self, journal: SqliteJournal) -> None:
        runner = Runner(journal)
        runner.append()
        said = a_summary()
        for name, value in {
            "progress": 50.0,
            "indeterminate": True,
            "phase": "waiting",
            "questions": 1,
            "message": "deploy?",
            "attempt": 2,
            "error": "KeyError: 'sku'",
            "error_code": "workflow_failed",
            "started_at": None,
            "ended_at": AT,
            "status": "failed",
        }.items():
            said = msgspec.structs.replace(said, **{name: value})
            runner.append(said)
            assert journal.get(runner.execution_id).summary == said
        assert said != a_summary()
