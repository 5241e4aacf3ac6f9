"""What keeps the journal small: what it compacts, when, and what it forgets only if it is told to."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.authored import START_NS, AuthoredExecution
from tests.support.serving import command

from headway.adapters.hints.memory import MemoryHintBus
from headway.adapters.journal.memory import MemoryJournal
from headway.adapters.journal.sqlite import SqliteJournal
from headway.adapters.outputs import MemoryOutputStore
from headway.domain.identifiers import ExecutionId
from headway.errors import JournalCorrupt, JournalUnavailable, OutputNotFound
from headway.ports import ExecutionFilter, Journal
from headway.services.housekeeping import QUIET_EVENTS, Housekeeper, Retention

DAY_NS = 86_400_000_000_000


class FakeClock:
    def __init__(self) -> None:
        self.ns = START_NS

    def now_ns(self) -> int:
        return self.ns

    def monotonic(self) -> float:
        return self.ns / 1e9


@pytest.fixture(name="journal")
def _journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    journal = SqliteJournal(tmp_path / "headway.db", synchronous="NORMAL")
    yield journal
    journal.close()


def a_housekeeper(
    journal: Journal,
    *,
    retention: Retention | None = None,
    outputs: MemoryOutputStore | None = None,
    clock: FakeClock | None = None,
    round_s: float = 0.01,
) -> Housekeeper:
    return Housekeeper(
        journal,
        outputs or MemoryOutputStore(),
        clock or FakeClock(),
        retention=retention or Retention(),
        round_s=round_s,
    )


def keep_house(housekeeper: Housekeeper) -> int:
    """One whole round; how many steps it took."""
    return sum(1 for _ in housekeeper.steps())


def an_execution(journal: Journal, workflow_id: str = "audit", *, lines: int = 20) -> AuthoredExecution:
    """An open one, with a segment an event."""
    execution = AuthoredExecution(journal, MemoryHintBus(), workflow_id)
    execution.start()
    for _ in range(lines):
        execution.log()
    return execution


def a_closed_execution(journal: Journal, workflow_id: str = "audit", *, lines: int = 20) -> ExecutionId:
    execution = an_execution(journal, workflow_id, lines=lines)
    execution.complete()
    return execution.id


def segments(journal: Journal, execution_id: ExecutionId) -> int:
    return len(journal.read(execution_id, 0, max_events=1_000_000, max_bytes=1 << 30))


def ids(journal: Journal) -> set[str]:
    return {record.execution_id for record in journal.find(ExecutionFilter(limit=1_000))}


def test_closed_executions_are_compacted_once(journal: SqliteJournal) -> None:
    closed = [a_closed_execution(journal) for _ in range(3)]
    still_open = an_execution(journal)
    housekeeper = a_housekeeper(journal)

    assert keep_house(housekeeper) == 3
    assert [segments(journal, one) for one in closed] == [1, 1, 1]
    assert segments(journal, still_open.id) == 22
    assert keep_house(housekeeper) == 0


def test_a_compacted_execution_verifies(journal: SqliteJournal, tmp_path: Path) -> None:
    """The command recomputes every number and tag from what is stored now."""
    closed = a_closed_execution(journal, lines=40)
    keep_house(a_housekeeper(journal))

    verified = command(tmp_path / "headway.db", "verify", closed)

    assert verified.stdout == "complete and verified: 43 events\n", verified.stderr
    assert segments(journal, closed) == 1


def test_an_open_execution_is_joined_once_it_falls_silent(journal: SqliteJournal) -> None:
    execution = an_execution(journal, lines=QUIET_EVENTS)
    housekeeper = a_housekeeper(journal)

    keep_house(housekeeper)
    assert segments(journal, execution.id) == QUIET_EVENTS + 2, "it may still be going on"
    keep_house(housekeeper)
    assert segments(journal, execution.id) == 3
    execution.log(3)
    assert keep_house(housekeeper) == keep_house(housekeeper) == 0, "little is new"
    execution.complete()
    keep_house(housekeeper)
    assert segments(journal, execution.id) == 2


def test_nothing_is_forgotten_unless_asked_for(journal: SqliteJournal) -> None:
    kept = {a_closed_execution(journal) for _ in range(3)}
    clock = FakeClock()
    clock.ns += 10_000 * DAY_NS
    keep_house(a_housekeeper(journal, clock=clock))
    assert ids(journal) == kept


def test_what_ended_long_ago_is_forgotten_with_its_outputs(journal: SqliteJournal) -> None:
    outputs, clock = MemoryOutputStore(), FakeClock()
    old, latest = a_closed_execution(journal), a_closed_execution(journal)
    still_open = an_execution(journal, "other").id
    for one in (old, latest):
        outputs.save(one, "report", b"text")
    housekeeper = a_housekeeper(journal, retention=Retention(days=7), outputs=outputs, clock=clock)

    clock.ns = START_NS + 6 * DAY_NS
    keep_house(housekeeper)
    assert ids(journal) == {old, latest, still_open}
    clock.ns = START_NS + 8 * DAY_NS
    keep_house(housekeeper)
    assert ids(journal) == {latest, still_open}
    with pytest.raises(OutputNotFound):
        outputs.load(old, "report")
    assert outputs.load(latest, "report") == b"text"


def test_above_its_size_the_journal_loses_its_oldest() -> None:
    journal = MemoryJournal()
    executions = [a_closed_execution(journal, lines=100) for _ in range(10)]
    size = journal.used_bytes()

    keep_house(a_housekeeper(journal, retention=Retention(max_bytes=size * 55 // 100)))

    assert ids(journal) == set(executions[5:])


def test_a_size_that_open_executions_need_is_not_enforced_on_them() -> None:
    journal = MemoryJournal()
    still_open = an_execution(journal).id
    keep_house(a_housekeeper(journal, retention=Retention(max_bytes=1)))
    assert ids(journal) == {still_open}


class _Damaged(MemoryJournal):
    damaged: ExecutionId | None = None
    unavailable = 0

    def compact(self, execution_id: ExecutionId, after: int) -> int | None:
        if execution_id == self.damaged:
            raise JournalCorrupt("does not match its tags")
        return super().compact(execution_id, after)

    def uncompacted(self, limit: int) -> list[ExecutionId]:
        if self.unavailable:
            self.unavailable -= 1
            raise JournalUnavailable("the disk is gone")
        return super().uncompacted(limit)


def test_a_damaged_log_is_passed_over() -> None:
    journal = _Damaged()
    journal.damaged, sound = a_closed_execution(journal), a_closed_execution(journal)
    housekeeper = a_housekeeper(journal)

    keep_house(housekeeper)

    assert segments(journal, sound) == 1
    assert segments(journal, journal.damaged) == 23
    assert keep_house(housekeeper) == 0


async def test_it_works_by_itself_and_goes_on_after_a_fault() -> None:
    journal = _Damaged()
    journal.unavailable = 2
    closed = a_closed_execution(journal)
    async with a_housekeeper(journal), asyncio.timeout(5):
        while segments(journal, closed) > 1:
            await asyncio.sleep(0.005)


async def test_it_ends_at_once_between_two_rounds() -> None:
    async with asyncio.timeout(2), a_housekeeper(MemoryJournal(), round_s=3_600):
        pass
