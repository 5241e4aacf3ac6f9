"""What is on disk after `kill -9` at any moment opens again and holds every acknowledged event."""

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.builders import WORKFLOW, a_batch, a_new_execution, lines_of

from headway.adapters.journal.sqlite import SqliteJournal
from headway.domain.events import decode_line
from headway.domain.identifiers import ExecutionId
from headway.domain.position import initial_tag
from headway.ports import Lease

ROUNDS = 15
SEED = 20_261_122

WRITER = """
import sys
from headway.adapters.journal.sqlite import SqliteJournal
from headway.ports import Appended
from tests.support.builders import a_batch

path, execution, producer, batches = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
journal = SqliteJournal(path)
number = 1
for turn in range(batches):
    size = 1 + turn % 7
    batch = a_batch(execution, size, producer_id=producer, first_producer_seq=number, checkpoint=b"{}")
    (stored,) = journal.append([batch])
    assert isinstance(stored, Appended), stored
    number += len(batch.bodies)
    sys.stdout.write(f"{stored.last_seq} {stored.last_tag} {number - 1}\\n")
    sys.stdout.flush()
journal.close()
"""


def start_writer(path: Path, execution: ExecutionId, producer: str, batches: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), execution, producer, str(batches)]
    root = Path(__file__).parents[2]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)


def acknowledgements(writer: subprocess.Popen[str], at_most: int) -> Iterator[tuple[int, int, int]]:
    """`(last_seq, last_tag, producer_seq)` of what the writer has been told is stored."""
    assert writer.stdout is not None
    for _, line in zip(range(at_most), writer.stdout, strict=False):
        if line.endswith("\n"):
            seq, tag, number = map(int, line.split())
            yield seq, tag, number


def lines_in(journal: SqliteJournal, execution: ExecutionId) -> list[bytes]:
    """All lines, after a check that their seqs are 1…n and that their tags chain from the epoch on (L1)."""
    head = journal.heads([execution])[execution]
    segments = journal.read(execution, 0, max_events=10**9, max_bytes=1 << 40)
    lines = lines_of(segments)
    assert segments[0].tag_before == initial_tag(head.epoch)
    assert (segments[-1].last_seq, segments[-1].tag_after) == (head.last_seq, head.last_tag)
    assert [decode_line(line).seq for line in lines] == list(range(1, head.last_seq + 1))
    return lines


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "headway.db"


def test_every_acknowledged_event_outlives_a_killed_writer(path: Path) -> None:
    """Rounds of one producer each, killed after a random number of acknowledgements or in mid-start."""
    chance = random.Random(SEED)
    journal = SqliteJournal(path, synchronous="NORMAL")
    execution = journal.create(a_new_execution())[0]
    journal.close()
    before = 1
    for round_ in range(ROUNDS):
        producer = f"round {round_}"
        writer = start_writer(path, execution, producer, 100_000)
        with writer:
            acknowledged = list(acknowledgements(writer, chance.randrange(60)))
            writer.send_signal(signal.SIGKILL)
            acknowledged += acknowledgements(writer, 100_000)  # what was still in the pipe
        assert writer.returncode == -signal.SIGKILL
        journal = SqliteJournal(path, synchronous="NORMAL")
        stored = lines_in(journal, execution)
        for seq, tag, number in acknowledged:
            assert journal.tag_at(execution, seq) == tag
            assert f'{producer}/0 {number}"'.encode() in stored[seq - 1]
        mine = [line for line in stored[before:] if f"{producer}/0 ".encode() in line]
        assert len(mine) == len(stored) - before, "only this round's producer has appended"
        assert len(mine) >= (acknowledged[-1][2] if acknowledged else 0)
        before = len(stored)
        journal.close()
    assert before > 100


def test_a_batch_whose_answer_was_lost_is_found_by_the_next_process(path: Path) -> None:
    """L5 over a crash: the retry adds nothing if the first try was stored, and everything if it was not."""
    journal = SqliteJournal(path)
    execution = journal.create(a_new_execution())[0]
    writer = start_writer(path, execution, "run", 1)
    with writer:
        assert len(list(acknowledgements(writer, 1))) == 1
    batch = a_batch(execution, 1, producer_id="run", checkpoint=b"{}")
    (again,) = journal.append([batch])
    assert getattr(again, "duplicate", False) is True
    assert len(lines_in(journal, execution)) == 2
    journal.close()


def test_processes_that_append_at_once_share_one_sequence(path: Path) -> None:
    """L6."""
    journal = SqliteJournal(path)
    execution = journal.create(a_new_execution())[0]
    writers = [start_writer(path, execution, f"process {n}", 150) for n in range(2)]
    for writer in writers:
        with writer:
            assert len(list(acknowledgements(writer, 1_000))) == 150
        assert writer.returncode == 0
    stored = lines_in(journal, execution)
    per_writer = sum(1 + turn % 7 for turn in range(150))
    assert len(stored) == 1 + 2 * per_writer
    for n in range(2):
        numbers = [line for line in stored if f"process {n}/0 ".encode() in line]
        assert len(numbers) == per_writer
        for number, line in enumerate(numbers, 1):
            assert f'process {n}/0 {number}"'.encode() in line, "a producer's own order is kept"
    journal.close()


def test_a_paused_runner_that_wakes_up_stores_nothing(path: Path) -> None:
    """A lease that ended while its owner slept is found out in the transaction of its next append."""
    mine, other = SqliteJournal(path), SqliteJournal(path)
    execution = mine.create(a_new_execution())[0]
    (held,) = mine.claim("sleeper", [WORKFLOW], 1)
    lease = Lease(owner="sleeper", epoch=held.lease_epoch)
    mine.append([a_batch(execution, lease=lease)])
    other.release("sleeper", crashed=True)
    other.claim("next", [WORKFLOW], 1)
    (late,) = mine.append([a_batch(execution, first_producer_seq=2, lease=lease)])
    assert isinstance(late, Exception)
    assert len(lines_in(other, execution)) == 2
    mine.close()
    other.close()
