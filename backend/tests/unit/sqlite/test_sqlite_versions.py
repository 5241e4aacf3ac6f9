"""Databases of other versions: older ones are brought up, newer ones left alone."""

from pathlib import Path

import pytest
from tests.support.builders import a_batch, a_new_execution, a_summary
from tests.support.sqlite_file import by_hand

from headway.adapters.journal.sqlite import SqliteJournal
from headway.adapters.journal.sqlite_database import SqliteDatabase
from headway.adapters.journal.sqlite_schema import MIGRATIONS
from headway.errors import (
    JournalTooNew,
    JournalUnavailable,
)
from headway.ports import ExecutionFilter


class TestVersions:
    def test_a_newer_database_is_refused_untouched(self, path: Path) -> None:
        SqliteJournal(path).close()
        by_hand(path, f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
        with pytest.raises(JournalTooNew, match="upgrade Headway"):
            SqliteJournal(path)

    def test_a_version_1_database_is_opened(self, path: Path) -> None:
        """Made by hand from the tables of version 1: these never change."""
        path.parent.mkdir()
        by_hand(path, *MIGRATIONS[0], "PRAGMA application_id = 0x48647779", "PRAGMA user_version = 1")
        journal = SqliteJournal(path)
        execution = journal.create(a_new_execution())[0]
        assert journal.get(execution).execution_id == execution
        journal.close()

    def test_what_closed_before_version_2_is_still_to_be_compacted(self, path: Path) -> None:
        journal = SqliteJournal(path)
        execution = journal.create(a_new_execution())[0]
        journal.append([a_batch(execution, closes=True)])
        journal.close()
        by_hand(
            path,
            "ALTER TABLE request DROP COLUMN private_input",
            "DROP INDEX execution_asking",
            "ALTER TABLE execution DROP COLUMN questions",
            "DROP INDEX execution_suspect",
            "DROP INDEX execution_uncompacted",
            "DROP INDEX idempotency_key_of_execution",
            "ALTER TABLE execution DROP COLUMN compacted",
            "PRAGMA user_version = 1",
        )
        journal = SqliteJournal(path)
        assert journal.uncompacted(10) == [execution]
        journal.close()

    def test_what_waited_before_version_4_is_taken_to_ask(self, path: Path) -> None:
        """Its state then says whether it does."""
        journal = SqliteJournal(path)
        waits, runs = (journal.create(a_new_execution())[0] for _ in range(2))
        journal.append([a_batch(waits, summary=a_summary("waiting")), a_batch(runs, summary=a_summary())])
        journal.close()
        by_hand(
            path,
            "ALTER TABLE request DROP COLUMN private_input",
            "DROP INDEX execution_asking",
            "ALTER TABLE execution DROP COLUMN questions",
            "PRAGMA user_version = 3",
        )
        journal = SqliteJournal(path)
        assert [one.execution_id for one in journal.find(ExecutionFilter(asking=True))] == [waits]
        journal.close()

    def test_what_was_asked_for_before_version_5_has_its_input(self, path: Path) -> None:
        journal = SqliteJournal(path)
        execution = journal.create(a_new_execution())[0]
        journal.close()
        by_hand(path, "ALTER TABLE request DROP COLUMN private_input", "PRAGMA user_version = 4")
        journal = SqliteJournal(path)
        assert journal.get(execution).real_input == b'{"path": "/srv"}'
        journal.close()

    def test_a_step_is_taken_once_and_keeps_the_rows(self, path: Path) -> None:
        journal = SqliteJournal(path)
        execution = journal.create(a_new_execution())[0]
        journal.close()
        steps = (*MIGRATIONS, ("ALTER TABLE execution ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue'",))
        for _ in range(2):
            SqliteDatabase(path, "FULL", steps).close()
        assert by_hand(path, "SELECT execution_id, colour FROM execution") == [(execution, "blue")]
        assert by_hand(path, "PRAGMA user_version") == [(len(steps),)]

    def test_a_step_that_fails_leaves_the_version_before(self, path: Path) -> None:
        SqliteJournal(path).close()
        steps = (*MIGRATIONS, ("CREATE TABLE colour (name TEXT)", "CREATE TABLE colour (name TEXT)"))
        with pytest.raises(JournalUnavailable, match="already exists"):
            SqliteDatabase(path, "FULL", steps)
        SqliteJournal(path).close()
        assert by_hand(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'colour'") == [(0,)]
