"""Agents, server and worker are killed while they work on one execution: no message is lost or doubled."""

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
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


def test_agents_lose_and_double_nothing_over_kills(served: Serving, tmp_path: Path) -> None:
    dice = random.Random(7)
    execution_id = served.start("survey", modules=MODULES)
    agents = [Agent(name, served, execution_id, tmp_path / name) for name in ("scout", "checker")]

    def sent_so_far() -> int:
        with journal_of(served.database) as journal:
            return sum(one.body.count(b'"kind":"signal.received"') for one in journal.read(execution_id, 0))

    try:
        for kill in range(KILLS):
            upto = (kill + 1) * 2 * MODULES // (KILLS + 2)
            eventually(lambda upto=upto: sent_so_far() >= upto, within_s=60)  # type: ignore[misc]
            victim = dice.choice([*agents, "headway.server", "headway.worker"])
            served.kill(victim) if isinstance(victim, str) else victim.kill()
        for agent in agents:
            assert agent.process.wait(60) == 0, f"{agent.name} gave up"
    finally:
        for agent in agents:
            if agent.process.poll() is None:
                os.kill(agent.process.pid, signal.SIGKILL)
            agent.process.wait()

    with journal_of(served.database) as journal:
        events = [one.data for one in stored_events(journal, execution_id)]
    done = events[-1]
    assert isinstance(done, e.ExecutionCompleted)
    output = json.loads(bytes(done.result.output))
    assert len(output["accepted"]) == MODULES
    sent = Counter(one.name for one in events if isinstance(one, e.SignalReceived))
    assert set(sent.values()) == {1}
    assert len(sent) == 2 * MODULES
    for agent in agents:
        said = [one.message for one in events if isinstance(one, e.Log) and one.logger == agent.name]
        assert len(said) == len(set(said)) == MODULES
