"""What SQLite adds to the journal's contract: the file, its faults, its writers."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import msgspec
import pytest
from tests.support.builders import a_batch, a_new_execution, lines_of
from tests.support.eventually import eventually
from tests.support.sqlite_file import by_hand

from headway.adapters.journal import sqlite_catalog, sqlite_housekeeping, wal_checkpointer
from headway.adapters.journal.sqlite import SqliteJournal
from headway.adapters.journal.writer_lock import WriterLock
from headway.domain.identifiers import ExecutionId
from headway.domain.stored_lines import Deflated
from headway.errors import (
    ConflictError,
    JournalCorrupt,
    JournalUnavailable,
)
from headway.ports import Appended, ExecutionFilter


class TestFile:
    def test_a_new_database_is_its_owners_alone(self, journal: SqliteJournal, path: Path) -> None:
        journal.create(a_new_execution())
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    def test_what_is_stored_is_there_when_it_is_opened_again(self, path: Path) -> None:
        journal = SqliteJournal(path)
        execution = journal.create(a_new_execution())[0]
        journal.append([a_batch(execution, 5)])
        head = journal.heads([execution])
        journal.close()
        again = SqliteJournal(path)
        assert again.heads([execution]) == head
        assert len(lines_of(again.read(execution, 0))) == 6
        again.close()

    def test_a_relative_path_stays_what_it_was(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        journal = SqliteJournal("headway.db")
        monkeypatch.chdir("/")
        assert journal.find(ExecutionFilter()) == []
        journal.close()

    def test_commits_reach_the_disk(self, journal: SqliteJournal, path: Path) -> None:
        """WAL, synchronous=FULL, and no checkpoint inside a commit."""
        with journal._database.writing() as cursor:
            values = [
                cursor.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("journal_mode", "synchronous", "wal_autocheckpoint")
            ]
        assert values == ["wal", 2, 0]

    def test_segments_compressed_before_version_6_are_read_back_to_the_byte(
        self, journal: SqliteJournal, path: Path
    ) -> None:
        execution = journal.create(a_new_execution())[0]
        journal.append([a_batch(execution, 50)])
        before = journal.read(execution, 0)
        connection = sqlite3.connect(path)
        ((body,),) = connection.execute("SELECT body FROM segment WHERE first_seq = 2").fetchall()
        connection.execute(
            "UPDATE segment SET encoding = 1, body = ? WHERE first_seq = 2", (zlib.compress(body),)
        )
        connection.commit()
        connection.close()
        read = journal.read(execution, 0)
        assert isinstance(read[1].lines, Deflated)
        assert [msgspec.structs.replace(segment, lines=segment.body) for segment in read] == before
        assert len(lines_of(journal.read(execution, 10))) == 41


class TestCompaction:
    def closed_log(self, journal: SqliteJournal) -> ExecutionId:
        execution = journal.create(a_new_execution())[0]
        for number in range(1, 81):
            journal.append([a_batch(execution, first_producer_seq=number, closes=number == 80)])
        return execution

    def test_a_closed_log_takes_a_fraction_of_the_disk(self, journal: SqliteJournal, path: Path) -> None:
        execution = self.closed_log(journal)
        ((rows, plain),) = by_hand(path, "SELECT count(*), sum(length(body)) FROM segment")
        assert journal.compact(execution, 0) is None
        ((left, packed),) = by_hand(path, "SELECT count(*), sum(length(body)) FROM segment")
        assert (rows, left) == (81, 1)
        assert packed < plain / 5

    def test_of_a_closed_log_s_past_few_states_are_kept(self, journal: SqliteJournal, path: Path) -> None:
        execution = journal.create(a_new_execution())[0]
        seqs = range(1, 40_001, 1_000)
        for seq in seqs:
            batch = a_batch(execution, 1_000, first_producer_seq=seq, expected_last_seq=seq, checkpoint=b"{}")
            journal.append([batch])
        journal.append([a_batch(execution, first_producer_seq=40_001, closes=True)])
        after: int | None = 0
        while after is not None:
            after = journal.compact(execution, after)
        kept = [seq for (seq,) in by_hand(path, "SELECT seq FROM checkpoint ORDER BY seq")]
        assert kept == [1_001, 16_001, 32_001, 39_001, 40_001]

    def test_a_bit_that_flips_in_a_compacted_log_is_told_when_it_is_read(
        self, journal: SqliteJournal, path: Path
    ) -> None:
        execution = self.closed_log(journal)
        journal.compact(execution, 0)
        ((body,),) = by_hand(path, "SELECT body FROM segment")
        assert isinstance(body, bytes)
        with journal._database.writing() as cursor:
            cursor.execute("UPDATE segment SET body = ?", (bytes([*body[:-9], body[-9] ^ 1, *body[-8:]]),))
        with pytest.raises(JournalCorrupt, match="do not match their tags"):
            journal.read(execution, 0)

    def test_a_step_that_fails_changes_nothing(
        self, journal: SqliteJournal, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was deleted comes back if the disk fills up before the joined segment is in."""
        execution = self.closed_log(journal)
        before = by_hand(path, "SELECT first_seq, body FROM segment ORDER BY first_seq")
        monkeypatch.setattr(sqlite_housekeeping, "_PUT_SEGMENT", "INSERT INTO missing VALUES (?,?,?,?,?,?,?)")
        with pytest.raises(JournalUnavailable):
            journal.compact(execution, 0)
        assert by_hand(path, "SELECT first_seq, body FROM segment ORDER BY first_seq") == before
        assert journal.uncompacted(1) == [execution]

    def test_a_damaged_log_is_left_as_it_is(self, journal: SqliteJournal, path: Path) -> None:
        execution = self.closed_log(journal)
        by_hand(
            path, "UPDATE segment SET body = CAST(replace(CAST(body AS TEXT), 'run/0 7', 'run/0 8') AS BLOB)"
        )
        before = by_hand(path, "SELECT first_seq, body FROM segment ORDER BY first_seq")
        with pytest.raises(JournalCorrupt, match="do not match their tags"):
            journal.compact(execution, 0)
        assert by_hand(path, "SELECT first_seq, body FROM segment ORDER BY first_seq") == before

    def test_a_log_that_is_trimmed_meanwhile_is_left_as_it_is(self, journal: SqliteJournal) -> None:
        execution = self.closed_log(journal)
        with journal._database.reading() as connection:
            step = sqlite_housekeeping.plan(connection, execution, 0)
        journal.trim(execution, 20)
        with pytest.raises(ConflictError, match="trimmed"), journal._database.writing() as cursor:
            sqlite_housekeeping.carry_out(cursor, step)
        assert len(lines_of(journal.read(execution, 20))) == 61


class TestPlans:
    """What is asked of many executions often is answered from an index, however many there are."""

    @pytest.mark.parametrize(
        ("sql", "index"),
        [
            (sqlite_catalog._RECENT, "execution_of_workflow (workflow_id=?)"),
            (
                f"{sqlite_catalog._RECORD} WHERE {sqlite_catalog._ASKING} ORDER BY e.number DESC LIMIT ?",
                "execution_asking",
            ),
        ],
        ids=["recent runs", "open questions"],
    )
    def test_no_table_is_read_through(self, journal: SqliteJournal, path: Path, sql: str, index: str) -> None:
        connection = sqlite3.connect(path)
        rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", ["[]"] * sql.count("?")).fetchall()
        connection.close()
        plan = [str(row[-1]) for row in rows]
        assert any(index in step for step in plan), plan
        through = [step for step in plan if step.startswith("SCAN") and "INDEX" not in step]
        assert [step for step in through if "VIRTUAL TABLE" not in step] == []


class TestFaults:
    def test_a_checkpoint_that_keeps_failing_is_told_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The disk is full for hours, and the log of the server must not fill with it too."""
        rounds: list[int] = []

        def refuse(*_: object) -> None:
            rounds.append(1)
            checkpointer.note_commit()
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(wal_checkpointer, "INTERVAL_S", 0.001)
        monkeypatch.setattr(wal_checkpointer.WalCheckpointer, "_round", refuse)
        checkpointer = wal_checkpointer.WalCheckpointer(
            lambda _: sqlite3.connect(":memory:"), str(tmp_path / "x.db"), WriterLock(str(tmp_path / "lock"))
        )
        checkpointer.note_commit()
        eventually(lambda: len(rounds) >= 3, within_s=5.0)
        checkpointer.close()
        assert [record.levelname for record in caplog.records].count("WARNING") == 1

    def test_a_full_disk_is_named_and_keeps_what_was_stored(self, journal: SqliteJournal, path: Path) -> None:
        execution = journal.create(a_new_execution())[0]
        with journal._database.writing() as cursor:
            pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        journal._database._writer.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(JournalUnavailable, match=r"headway\.db cannot grow: the disk is full") as full:
            journal.append([a_batch(execution, 1_000)])
        assert full.value.fields == {"path": str(path)}
        assert journal.heads([execution])[execution].last_seq == 1
        journal._database._writer.execute("PRAGMA max_page_count = 100000")
        assert isinstance(journal.append([a_batch(execution, 1_000)])[0], Appended), "it goes on by itself"

    def test_a_file_that_is_no_database_is_left_alone(self, tmp_path: Path) -> None:
        file = tmp_path / "notes.txt"
        file.write_text("shopping list: bread, and a good deal of butter\n" * 40)
        with pytest.raises(JournalCorrupt, match="is no SQLite database"):
            SqliteJournal(file)
        assert file.read_text().startswith("shopping list")

    def test_another_programs_database_is_left_alone(self, tmp_path: Path) -> None:
        by_hand(tmp_path / "other.db", "CREATE TABLE bookmark (url TEXT)")
        with pytest.raises(JournalUnavailable, match="database of another program"):
            SqliteJournal(tmp_path / "other.db")
        assert by_hand(tmp_path / "other.db", "SELECT name FROM sqlite_schema") == [("bookmark",)]

    def test_a_damaged_page_is_named(self, path: Path) -> None:
        journal = SqliteJournal(path)
        execution = journal.create(a_new_execution())[0]
        for number in range(100):
            journal.append([a_batch(execution, 20, first_producer_seq=number * 20 + 1)])
        journal.close()
        content = bytearray(path.read_bytes())  # its first pages say what tables there are
        for page in range(32, len(content) // 4096):
            content[page * 4096 : page * 4096 + 64] = b"\xff" * 64
        path.write_bytes(content)
        journal = SqliteJournal(path)
        with pytest.raises(JournalCorrupt, match=r"headway\.db is damaged"):
            journal.read(execution, 0)
        journal.close()

    @pytest.mark.parametrize("place", ["file/headway.db", "folder"])
    def test_a_place_that_cannot_hold_it_is_named(self, tmp_path: Path, place: str) -> None:
        (tmp_path / "file").write_text("")
        (tmp_path / "folder").mkdir()
        with pytest.raises(JournalUnavailable, match=r"cannot be (opened|written)"):
            SqliteJournal(tmp_path / place)

    def test_a_stranger_that_holds_the_file_is_waited_for_then_named(
        self, journal: SqliteJournal, path: Path
    ) -> None:
        journal._database._writer.execute("PRAGMA busy_timeout = 20")
        stranger = sqlite3.connect(path, isolation_level=None)
        stranger.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalUnavailable, match="locked by another program"):
            journal.create(a_new_execution())
        stranger.execute("ROLLBACK")
        stranger.close()
        assert journal.create(a_new_execution())[1]

    def test_a_file_that_may_not_be_written_is_named(self, journal: SqliteJournal) -> None:
        journal._database._writer.execute("PRAGMA query_only = 1")
        with pytest.raises(
            JournalUnavailable, match=r"headway\.db cannot be written .* writable for this user"
        ):
            journal.create(a_new_execution())

    def test_a_file_that_is_taken_away_is_missed(self, journal: SqliteJournal, path: Path) -> None:
        """And not replaced by an empty one."""
        path.rename(path.with_name("elsewhere.db"))
        with pytest.raises(JournalUnavailable, match="cannot be opened"):
            journal.find(ExecutionFilter())
        assert not path.exists()

    def test_a_lost_event_is_not_read_over(self, journal: SqliteJournal, path: Path) -> None:
        execution = journal.create(a_new_execution())[0]
        for number in (1, 2, 3):
            journal.append([a_batch(execution, first_producer_seq=number)])
        by_hand(path, "DELETE FROM segment WHERE first_seq = 3")
        with pytest.raises(JournalCorrupt, match="event 3 is missing"):
            journal.read(execution, 2)


class TestWriters:
    def test_threads_share_one_journal(self, journal: SqliteJournal) -> None:
        execution = journal.create(a_new_execution())[0]

        def run(producer: str) -> None:
            for number in range(1, 51):
                journal.append([a_batch(execution, producer_id=producer, first_producer_seq=number)])
                journal.read(execution, number)

        threads = [threading.Thread(target=run, args=(f"thread {n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(lines_of(journal.read(execution, 0))) == 201

    def test_a_forked_child_does_not_keep_the_lock_of_its_dead_parent(
        self, journal: SqliteJournal, path: Path
    ) -> None:
        script = (
            "import os, signal, sys, time\n"
            "from headway.adapters.journal.sqlite import SqliteJournal\n"
            "journal = SqliteJournal(sys.argv[1])\n"
            "with journal._database.writing():\n"
            "    child = os.fork()\n"
            "    if child == 0:\n"
            "        time.sleep(60)\n"
            "    print(child, flush=True)\n"
            "    os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        parent = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", script, str(path)], stdout=subprocess.PIPE
        )
        with parent:
            assert parent.stdout is not None
            child = int(parent.stdout.readline())
            try:
                assert parent.wait() == -signal.SIGKILL
                created: list[bool] = []
                writer = threading.Thread(
                    target=lambda: created.append(journal.create(a_new_execution())[1]), daemon=True
                )
                writer.start()
                assert eventually(lambda: created) == [True]
            finally:
                os.kill(child, signal.SIGKILL)

    @pytest.mark.parametrize("truncate_above_bytes", [1_000, 1 << 30])
    def test_the_wal_stays_short_while_it_is_written(
        self, path: Path, monkeypatch: pytest.MonkeyPatch, truncate_above_bytes: int
    ) -> None:
        monkeypatch.setattr(wal_checkpointer, "INTERVAL_S", 0.01)
        monkeypatch.setattr(wal_checkpointer, "PASSIVE_ABOVE_BYTES", 10_000)
        monkeypatch.setattr(wal_checkpointer, "RESTART_ABOVE_BYTES", 100_000)
        monkeypatch.setattr(wal_checkpointer, "TRUNCATE_ABOVE_BYTES", truncate_above_bytes)
        journal = SqliteJournal(path, synchronous="NORMAL")
        execution = journal.create(a_new_execution())[0]
        wal, written = path.with_name("headway.db-wal"), []

        def is_shorter_than_what_was_written() -> bool:
            batch = a_batch(execution, 50, first_producer_seq=len(written) * 50 + 1)
            journal.append([batch])
            written.append(sum(map(len, batch.bodies)))
            return wal.stat().st_size < sum(written)

        eventually(is_shorter_than_what_was_written, within_s=20)
        segments = journal.read(execution, 0, max_events=1 << 30, max_bytes=1 << 30)
        assert len(lines_of(segments)) == 1 + 50 * len(written)
        journal.close()

    def test_closing_ends_its_thread_and_files(self, path: Path) -> None:
        before = set(threading.enumerate())
        journal = SqliteJournal(path)
        journal.create(a_new_execution())
        assert {thread.name for thread in set(threading.enumerate()) - before} == {"headway-wal"}
        journal.close()
        assert set(threading.enumerate()) == before
        assert {file.name for file in path.parent.iterdir()} == {"headway.db", "headway.db-write.lock"}
