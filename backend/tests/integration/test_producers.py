"""Programs that write into an execution's log from outside, on a real server."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.authored import AuthoredExecution
from tests.support.eventually import eventually
from tests.support.server import serving as in_process
from tests.support.serving import FLOWS, Serving, journal_of, serving, stored_events

from headway.client import Client, Producer
from headway.domain import events as e
from headway.domain.identifiers import ExecutionId
from headway.errors import ExecutionClosed, InvalidSetting, ProducerGap
from headway.services import producers as producers_module

WAITS = FLOWS.with_name("waits.py")


@pytest.fixture(name="served", scope="module")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("producers") / "headway.db", [WAITS]) as running:
        yield running


@pytest.fixture(name="waiting")
def _waiting(served: Serving) -> ExecutionId:
    """An execution that waits for a person and so stays open."""
    execution_id = served.start("pays")

    def waits() -> bool:
        with httpx.Client(trust_env=False) as http:
            found = http.get(f"{served.url}/api/executions/{execution_id}").json()
        return bool(found["execution"]["phase"] == "waiting")

    eventually(waits, within_s=20)
    return execution_id


def add(served: Serving, execution_id: str, who: str, first: int, *lines: dict[str, Any]) -> httpx.Response:
    url = f"{served.url}/api/executions/{execution_id}/producers/{who}/log"
    with httpx.Client(trust_env=False, timeout=10) as http:
        return http.post(url, json={"first": first, "lines": list(lines)})


def lines_of(served: Serving, execution_id: ExecutionId, who: str) -> list[str]:
    with journal_of(served.database) as journal:
        events = stored_events(journal, execution_id)
    return [one.data.message for one in events if isinstance(one.data, e.Log) and one.data.logger == who]


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_lines_of_two_producers_stand_in_one_log_each_in_its_order(
    served: Serving, waiting: ExecutionId
) -> None:
    first = add(served, waiting, "ada", 1, {"message": "a1"}, {"message": "a2", "level": "WARNING"}).json()
    assert (first["next"], first["duplicate"]) == (3, False)
    add(served, waiting, "ben", 1, {"message": "b1", "step_id": "draft#1"})
    add(served, waiting, "ada", first["next"], {"message": "a3"})
    assert lines_of(served, waiting, "ada") == ["a1", "a2", "a3"]
    assert lines_of(served, waiting, "ben") == ["b1"]


def test_a_repeated_batch_is_answered_as_before_and_adds_nothing(
    served: Serving, waiting: ExecutionId
) -> None:
    first = add(served, waiting, "ada", 1, {"message": "once"}).json()
    assert add(served, waiting, "ada", 1, {"message": "once"}).json() == {**first, "duplicate": True}
    assert lines_of(served, waiting, "ada") == ["once"]


def test_a_producer_that_has_lost_its_count_is_told_where_to_go_on(
    served: Serving, waiting: ExecutionId
) -> None:
    add(served, waiting, "ada", 1, {"message": "mine"})
    other = add(served, waiting, "ada", 1, {"message": "another"})
    assert (code_of(other), other.json()["expected"]) == ((409, "idempotency_conflict"), 2)
    skipped = add(served, waiting, "ada", 5, {"message": "far"})
    assert (code_of(skipped), skipped.json()["expected"]) == ((409, "producer_gap"), 2)
    assert lines_of(served, waiting, "ada") == ["mine"]


def test_an_execution_takes_lines_of_so_many_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(producers_module, "MAX_PRODUCERS", 2)
    with in_process() as server, httpx.Client(base_url=server.url, trust_env=False) as http:
        execution = AuthoredExecution(server.journal, server.hints)

        def say(who: str, first: int, message: str = "hello") -> httpx.Response:
            path = f"/api/executions/{execution.id}/producers/{who}/log"
            return http.post(path, json={"first": first, "lines": [{"message": message}]})

        for who in ("ada", "ben"):
            assert say(who, 1).status_code == 200
        assert code_of(say("cem", 1)) == (409, "too_many_producers")
        assert say("ada", 1).json()["duplicate"]
        assert code_of(say("ada", 1, "another")) == (409, "idempotency_conflict")
        assert say("ada", 2).status_code == 200
        assert code_of(say("ada", 1)) == (409, "producer_gap")


@pytest.mark.parametrize(
    ("who", "lines", "status", "named"),
    [
        ("no%20blank", [{"message": "x"}], 400, "producer_id"),
        ("ada", [], 422, "lines"),
        ("ada", [{"message": "x", "level": "LOUD"}], 422, "lines[0].level"),
        ("ada", [{"message": "x"}] * 501, 422, "lines"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    served: Serving,
    waiting: ExecutionId,
    who: str,
    lines: Sequence[dict[str, Any]],
    status: int,
    named: str,
) -> None:
    answer = add(served, waiting, who, 1, *lines)
    assert answer.status_code == status
    problem = answer.json()
    told = problem.get("field") or next((one["field"] for one in problem.get("errors", [])), None)
    assert told == named


def test_the_workflow_goes_on_beside_lines_from_outside(served: Serving, waiting: ExecutionId) -> None:
    """The runner appends at an expected seq, which every line from outside moves."""

    async def talk(client: Client) -> None:
        for number in range(1, 2_000):
            await client.add_lines(waiting, "chatty", number, [{"message": f"line {number}"}])

    async def talk_while_it_ends() -> None:
        async with Client(served.url) as client:
            await client.answer(waiting, "approval-1", approved=True, values={"amount": 3})
            await client.signal(waiting, "when", "now")
            with pytest.raises(ExecutionClosed):
                await talk(client)

    asyncio.run(talk_while_it_ends())
    with journal_of(served.database) as journal:
        assert isinstance(stored_events(journal, waiting)[-1].data, e.ExecutionCompleted)
    said = lines_of(served, waiting, "chatty")
    assert said == [f"line {number}" for number in range(1, len(said) + 1)]


def test_a_producer_goes_on_where_its_outbox_says(
    served: Serving, waiting: ExecutionId, tmp_path: Path
) -> None:
    """A process that died after the answer, or before it, writes the same line under the same number."""
    outbox = tmp_path / "outbox.json"

    async def live_and_die() -> None:
        async with Client(served.url) as client:
            producer = Producer(client, waiting, "ada", outbox)
            await producer.log("first")
            before = outbox.read_bytes()
            await producer.log("second")
            after = outbox.read_bytes()
            written = before.replace(b'"pending":[]', b'"pending":[{"message":"second"}]')
            assert written != before
            outbox.write_bytes(written)  # as it was while the second line was under way
            again = await Producer(client, waiting, "ada", outbox).flush()
            assert again is not None
            assert again.duplicate
            assert outbox.read_bytes() == after
            await Producer(client, waiting, "ada", outbox).log("third")
            with pytest.raises(InvalidSetting, match="outbox of ada"):
                Producer(client, waiting, "ben", outbox)
            with pytest.raises(ProducerGap, match="next number is 4"):
                await Producer(client, waiting, "ada", tmp_path / "lost.json").log("first after a loss")

    asyncio.run(live_and_die())
    assert lines_of(served, waiting, "ada") == ["first", "second", "third"]
