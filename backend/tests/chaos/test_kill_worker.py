"""`kill -9` of workers at many positions of running executions: each goes on and ends as if nothing had been.

`HEADWAY_CHAOS_ROUNDS` sets how many rounds of four kills there are, `HEADWAY_CHAOS_SEED` repeats a run.
"""

import os
import random
from collections import Counter
from pathlib import Path

import pytest
from tests.support.eventually import eventually
from tests.support.serving import is_alive, journal_of, serving, stored_events

from headway.adapters.journal.sqlite import SqliteJournal
from headway.domain import events as e
from headway.domain.identifiers import ExecutionId

ROUNDS = int(os.environ.get("HEADWAY_CHAOS_ROUNDS") or 2)
SEED = int(os.environ.get("HEADWAY_CHAOS_SEED") or random.randrange(1 << 32))
KILLS = 4  # a round; the wait before a restart doubles with each
STEPS = 20
EVENTS = 4 * STEPS  # about; positions are drawn from them


def last_seq(journal: SqliteJournal, execution_id: ExecutionId) -> int:
    return journal.heads([execution_id])[execution_id].last_seq


def is_closed(journal: SqliteJournal, execution_id: ExecutionId) -> bool:
    return journal.heads([execution_id])[execution_id].closed


def steps_done(journal: SqliteJournal, execution_id: ExecutionId) -> int:
    return sum(isinstance(event.data, e.StepCompleted) for event in stored_events(journal, execution_id))


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_an_execution_survives_the_death_of_its_worker_at_any_position(tmp_path: Path, round_: int) -> None:
    print(f"HEADWAY_CHAOS_SEED={SEED}")  # noqa: T201 - pytest shows it on a failure
    chance = random.Random(SEED + round_)
    positions = sorted(chance.sample(range(2, EVENTS), KILLS))
    with serving(tmp_path / "headway.db") as served, journal_of(tmp_path / "headway.db") as journal:
        execution_id = served.start("steady")
        done = 0
        for number, position in enumerate(positions):
            eventually(lambda at=position: last_seq(journal, execution_id) >= at, within_s=20)
            if number == KILLS // 2:  # three deaths in a row without a step between them are a crash loop
                eventually(lambda before=done: steps_done(journal, execution_id) > before, within_s=20)
            acknowledged = stored_events(journal, execution_id)
            done = steps_done(journal, execution_id)
            served.kill("headway.worker")
            assert stored_events(journal, execution_id)[: len(acknowledged)] == acknowledged
        eventually(lambda: is_closed(journal, execution_id), within_s=60)
        events = stored_events(journal, execution_id)

    end = events[-1].data
    assert isinstance(end, e.ExecutionCompleted)
    assert bytes(end.result.output) == b"%d" % (sum(n * n for n in range(STEPS)) + sum(range(5)))
    assert end.totals.events == len(events)
    assert any(isinstance(event.data, e.ExecutionResumed) for event in events)
    completed = Counter(event.data.step_id for event in events if isinstance(event.data, e.StepCompleted))
    assert set(completed.values()) == {1}, "a step's result is recorded once"
    assert sum(step_id.startswith("advance#") for step_id in completed) == STEPS


def test_several_executions_go_on_side_by_side(tmp_path: Path) -> None:
    """The next worker takes up all that the dead one had, and the other worker's stay with it."""
    database = tmp_path / "headway.db"
    with serving(database, HEADWAY_WORKERS="2") as served, journal_of(database) as journal:
        ids = [served.start("steady") for _ in range(6)]
        for position in (10, 40):
            eventually(lambda at=position: last_seq(journal, ids[0]) >= at, within_s=20)
            served.kill("headway.worker")
        for execution_id in ids:
            eventually(lambda one=execution_id: is_closed(journal, one), within_s=60)
            events = stored_events(journal, execution_id)
            assert isinstance(events[-1].data, e.ExecutionCompleted)
            done = Counter(each.data.step_id for each in events if isinstance(each.data, e.StepCompleted))
            assert set(done.values()) == {1}


def test_an_execution_that_takes_its_worker_down_again_and_again_ends_as_a_crash_loop(tmp_path: Path) -> None:
    with serving(tmp_path / "headway.db") as served, journal_of(tmp_path / "headway.db") as journal:
        execution_id = served.start("deadly")
        eventually(lambda: is_closed(journal, execution_id), within_s=40)
        events = stored_events(journal, execution_id)
        after = served.start("steady")
        eventually(lambda: is_closed(journal, after), within_s=40)

    end = events[-1].data
    assert isinstance(end, e.ExecutionFailed)
    assert (end.code, end.step) == ("crash_loop", "leave")
    assert "3 times" in end.error
    assert end.totals.events == len(events)
    assert sum(isinstance(event.data, e.ExecutionStarted | e.ExecutionResumed) for event in events) == 3
    assert isinstance(journal_end(tmp_path, after), e.ExecutionCompleted), "others are served on"


def test_a_killer_is_told_from_those_that_only_were_there(tmp_path: Path) -> None:
    """Innocents with one long step, each there whenever the worker died, go on to their end."""
    marker = tmp_path / "marker"
    with serving(tmp_path / "headway.db") as served, journal_of(tmp_path / "headway.db") as journal:
        killer = served.start("deadly")
        innocents = [served.start("waiting", marker=str(marker)) for _ in range(3)]
        eventually(lambda: is_closed(journal, killer), within_s=60)
        marker.write_text("go on")
        for each in innocents:
            eventually(lambda one=each: is_closed(journal, one), within_s=60)
    end = journal_end(tmp_path, killer)
    assert isinstance(end, e.ExecutionFailed)
    assert end.code == "crash_loop"
    assert all(isinstance(journal_end(tmp_path, each), e.ExecutionCompleted) for each in innocents)


def journal_end(tmp_path: Path, execution_id: ExecutionId) -> e.EventData:
    with journal_of(tmp_path / "headway.db") as journal:
        return stored_events(journal, execution_id)[-1].data


def test_the_children_end_with_their_supervisor_and_the_next_start_goes_on(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    with journal_of(tmp_path / "headway.db") as journal:
        with serving(tmp_path / "headway.db") as served:
            execution_id = served.start("waiting", marker=str(marker))
            eventually(lambda: last_seq(journal, execution_id) >= 3, within_s=20)
            children = served.children("headway.")
            assert len(children) == 2
            served.process.kill()
            eventually(lambda: not any(is_alive(pid) for pid in children), within_s=5)
        marker.write_text("go on")
        with serving(tmp_path / "headway.db"):
            eventually(lambda: is_closed(journal, execution_id), within_s=20)
        events = stored_events(journal, execution_id)
    assert isinstance(events[-1].data, e.ExecutionCompleted)
    assert any(isinstance(event.data, e.ExecutionResumed) for event in events)
