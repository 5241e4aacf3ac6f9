"""Agents, server and worker are killed while they work on one execution: no message is lost or doubled."""

import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.support.chaos.arena import backup
from tests.support.eventually import eventually
from tests.support.serving import Serving, journal_of, serving, stored_events

from headway.domain import events as e
from headway.domain.identifiers import ExecutionId

AGENTS = Path(__file__).parents[3] / "examples" / "agents"
MODULES = 12
KILLS = 6


@pytest.fixture(name="served", scope="module")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("agents") / "headway.db", [AGENTS / "survey.py"]) as running:
        yield running


class Agent:
    """A process of `agent.py` that is started again whenever it is killed."""

    def __init__(self, name: str, served: Serving, execution_id: ExecutionId, outbox: Path) -> None:
        self.name = name
        self._command = [sys.executable, str(AGENTS / "agent.py"), name, execution_id]
        self._command += ["--url", served.url, "--outbox", str(outbox)]
        self.process = subprocess.Popen(self._command)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process = subprocess.Popen(self._command)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def test_agents_lose_and_double_nothing_over_kills(served: Serving, tmp_path: Path) -> None:
    dice = random.Random(7)
    execution_id = served.start("survey", modules=MODULES)
    agents = [Agent(name, served, execution_id, tmp_path / name) for name in ("scout", "checker")]
    victims: list[Agent | str] = [*agents, "headway.server", "headway.worker"]
    try:
        for kill in range(KILLS):
            upto = (kill + 1) * 2 * MODULES // (KILLS + 2)
            far = partial(lambda upto: signals_in(served.database, execution_id) >= upto, upto)
            eventually(far, within_s=60)
            victim = dice.choice(victims)
            served.kill(victim) if isinstance(victim, str) else victim.kill()
        for agent in agents:
            assert agent.process.wait(60) == 0, f"{agent.name} gave up"
    finally:
        for agent in agents:
            agent.end()
    check_all_said_once(served.database, execution_id)


def test_agents_lose_and_double_nothing_over_a_restore(tmp_path: Path) -> None:
    """An older copy is put back under agents that run on: what it has of their work is not done again."""
    database, copy = tmp_path / "headway.db", tmp_path / "older.db"
    survey = [AGENTS / "survey.py"]
    agents = list[Agent]()
    try:
        with serving(database, survey) as served:
            execution_id = served.start("survey", modules=MODULES, ask=True)  # so it does not end before
            agents += [Agent(name, served, execution_id, tmp_path / name) for name in ("scout", "checker")]
            eventually(lambda: signals_in(database, execution_id) >= MODULES // 2, within_s=60)
            backup(database, copy)
            eventually(lambda: signals_in(database, execution_id) >= MODULES, within_s=60)
        for beside in tmp_path.glob("headway.db*"):
            beside.unlink()
        shutil.copy(copy, database)
        with serving(database, survey, "--port", served.url.rpartition(":")[2]) as again:
            eventually(lambda: again.command("approve", execution_id).returncode == 0, within_s=90)
            for agent in agents:
                assert agent.process.wait(90) == 0, f"{agent.name} gave up"
    finally:
        for agent in agents:
            agent.end()
    check_all_said_once(database, execution_id)


def signals_in(database: Path, execution_id: ExecutionId) -> int:
    with journal_of(database) as journal:
        return sum(one.body.count(b'"kind":"signal.received"') for one in journal.read(execution_id, 0))


def check_all_said_once(database: Path, execution_id: ExecutionId) -> None:
    with journal_of(database) as journal:
        events = [one.data for one in stored_events(journal, execution_id)]
    done = events[-1]
    assert isinstance(done, e.ExecutionCompleted)
    output = json.loads(bytes(done.result.output))
    assert len(output["accepted"]) == MODULES
    sent = Counter(one.name for one in events if isinstance(one, e.SignalReceived))
    assert set(sent.values()) == {1}
    assert len(sent) == 2 * MODULES
    for name in ("scout", "checker"):
        said = [one.message for one in events if isinstance(one, e.Log) and one.logger == name]
        assert len(said) == len(set(said)) == MODULES
