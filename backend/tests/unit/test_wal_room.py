"""Room in the write-ahead log: it holds nothing, loses nothing that was stored, and spares a full disk."""

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.builders import a_batch, a_new_execution, lines_of
from tests.support.eventually import eventually

from headway.adapters.journal import sqlite_database, wal_room
from headway.adapters.journal.sqlite import SqliteJournal
from headway.adapters.journal.writer_lock import WriterLock

ROOM = 3 * wal_room.PIECE_BYTES + 1


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sqlite_database, "ROOM_BYTES", ROOM)
    return tmp_path / "headway.db"


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    journal = SqliteJournal(path)
    yield journal
    journal.close()


def wal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def test_room_is_made_from_the_first_commit_on(journal: SqliteJournal, path: Path) -> None:
    journal.create(a_new_execution())
    eventually(lambda: wal_of(path).stat().st_size == ROOM)


def test_nothing_is_lost_that_is_written_meanwhile(journal: SqliteJournal, path: Path) -> None:
    executions = [journal.create(a_new_execution())[0] for _ in range(3)]

    def write(index: int) -> None:
        for number in range(1, 41):
            journal.append([a_batch(executions[index], first_producer_seq=number)])

    writers = [threading.Thread(target=write, args=(index,)) for index in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    eventually(lambda: wal_of(path).stat().st_size >= ROOM)
    assert [len(lines_of(journal.read(each, 0))) for each in executions] == [41, 41, 41]


def test_what_a_crash_leaves_opens_with_all_that_was_stored(
    journal: SqliteJournal, path: Path, tmp_path: Path
) -> None:
    """The files as `kill -9` leaves them: what stands behind the last commit counts for nothing."""
    execution = journal.create(a_new_execution())[0]
    eventually(lambda: wal_of(path).stat().st_size == ROOM)
    journal.append([a_batch(execution, 5)])
    left = tmp_path / "left"
    left.mkdir()
    for file in (path, wal_of(path)):
        shutil.copy(file, left / file.name)
    again = SqliteJournal(left / path.name)
    assert lines_of(again.read(execution, 0)) == lines_of(journal.read(execution, 0))
    again.append([a_batch(execution, 5, first_producer_seq=6)])
    assert again.heads([execution])[execution].last_seq == 11
    again.close()


def test_a_disk_that_is_nearly_full_keeps_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wal = tmp_path / "x.db-wal"
    wal.write_bytes(b"frames")
    nearly_full = shutil.disk_usage(tmp_path)._replace(free=ROOM)
    monkeypatch.setattr(wal_room.shutil, "disk_usage", lambda _: nearly_full)
    lock = WriterLock(str(tmp_path / "lock"))
    connection = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    wal_room.make_room(connection, str(wal), lock, room_bytes=ROOM, stopped=lambda: False)
    assert wal.read_bytes() == b"frames"
    connection.close()
    lock.close()
