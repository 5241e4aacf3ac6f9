"""A program that answers events from outside, over restores of the database: what is left, and once."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, aclosing, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.support.authored import AuthoredExecution
from tests.support.builders import a_body
from tests.support.restorable import Restorable
from tests.support.server import serving
from typing_extensions import override

from headway.adapters.journal.memory import MemoryJournal
from headway.client import Client, Producer, Taken, Update, watch
from headway.client.outbox import MAX_ANSWERS
from headway.domain import events as e
from headway.errors import ProducerGap
from headway.ports import Appended, Batch, Hint
from headway.services.states import events_between


class Died(Exception):
    pass


class MortalClient(Client):
    """Dies at a request that adds lines, before or after the server has it."""

    dies: str | None = None

    @override
    async def add_lines(self, execution_id: str, producer_id: str, first: int, lines: Sequence[Any]) -> Taken:
        if self.dies == "before":
            raise Died
        taken = await super().add_lines(execution_id, producer_id, first, lines)
        if self.dies == "after":
            raise Died
        return taken


class World:
    """A server, an execution that asks, and a program that answers, life after life."""

    def __init__(self, outbox: Path) -> None:
        self.outbox = outbox
        self.journal = MemoryJournal()
        self.running = ExitStack()
        self.server = self.running.enter_context(serving(self.journal))
        self.execution = AuthoredExecution(self.journal, self.server.hints)
        self.execution.start()
        self._asked = 0

    def ask(self, count: int = 1) -> None:
        for _ in range(count):
            self._asked += 1
            batch = Batch(
                execution_id=self.execution.id,
                producer_id=f"ask {self._asked}",
                first_producer_seq=1,
                bodies=[a_body(f"ask {self._asked}")],
            )
            (outcome,) = self.journal.append([batch])
            assert isinstance(outcome, Appended)
            self.server.hints.publish([Hint("events", self.execution.id, outcome.last_seq)])

    def backup(self) -> Restorable:
        return Restorable(self.journal, self.execution)

    def restore(self, copy: Restorable) -> None:
        """With the server stopped, as it should be."""
        self.running.close()
        copy.restore()
        self.server = self.running.enter_context(serving(self.journal))

    async def live(self, answers: int = 10_000, dies: str | None = None) -> None:
        """Answer so many events, then die: at the next line, or in peace."""
        async with MortalClient(self.server.url) as client:
            producer = Producer(client, self.execution.id, "ada", self.outbox)
            await producer.flush()
            if not self.messages("ask "):
                return
            while (left := await self._answer_until_reset(client, producer, answers, dies)) is not None:
                answers = left
                await producer.realign()

    async def _answer_until_reset(
        self, client: MortalClient, producer: Producer, answers: int, dies: str | None
    ) -> int | None:
        """How many are left to answer after a reset; `None` where it has come to its end."""
        feed = watch(self.server.url, self.execution.id, after=producer.resume_after)
        async with aclosing(feed) as updates:  # type: ignore[type-var]
            async for update in updates:
                if update.why is not None:
                    return answers
                if update.data.get("message", "").startswith("ask "):
                    client.dies = dies if answers == 0 else None
                    if answers == 0 and dies is None:
                        return None
                    if await self.answer(producer, update):
                        answers -= 1
                    if update.data["message"] == self.messages("ask ")[-1]:
                        return None
        raise AssertionError("the feed ended")

    async def answer(self, producer: Producer, update: Update) -> Taken | None:
        return await producer.log(f"answer to {update.data['message']}", answers=update)

    @property
    def last_seq(self) -> int:
        return self.journal.get(self.execution.id).head.last_seq

    def messages(self, start: str) -> list[str]:
        events = events_between(self.journal, self.execution.id, 0, self.last_seq)
        logs = [event.data.message for event in events if isinstance(event.data, e.Log)]
        return [message for message in logs if message.startswith(start)]

    def check(self) -> None:
        """Every question that is in the log has one answer, in order."""
        answers = [message.removeprefix("answer to ") for message in self.messages("answer ")]
        assert answers == self.messages("ask ")


@pytest.fixture(name="world")
def _world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "ada.json")
    with world.running:
        yield world


def test_a_life_after_a_restore_answers_what_is_left_and_no_more(world: World) -> None:
    world.ask(3)
    asyncio.run(world.live())
    copy = world.backup()
    world.ask(4)
    asyncio.run(world.live())
    world.restore(copy)
    world.ask(20)  # the log is longer than before: a seq alone says nothing
    asyncio.run(world.live())
    world.check()


def test_an_answer_that_was_given_and_is_lost_is_given_again(world: World) -> None:
    world.ask(3)
    copy = world.backup()
    asyncio.run(world.live())
    world.restore(copy)
    asyncio.run(world.live())
    world.check()


def test_a_line_that_waited_for_an_event_that_is_gone_is_not_written(world: World) -> None:
    world.ask()
    asyncio.run(world.live())
    copy = world.backup()
    world.ask()
    with pytest.raises(Died):
        asyncio.run(world.live(0, dies="before"))
    world.restore(copy)
    world.ask(10)
    asyncio.run(world.live())
    world.check()


def test_an_event_that_is_gone_while_its_answer_was_thought_of_is_not_answered(world: World) -> None:
    async def live() -> None:
        async with Client(world.server.url) as client:
            producer = Producer(client, world.execution.id, "ada", world.outbox)
            async with aclosing(watch(client.url, world.execution.id)) as updates:  # type: ignore[type-var]
                async for update in updates:
                    if update.data.get("message") != "ask 2":
                        continue
                    copy.restore()
                    world.ask(5)
                    assert await world.answer(producer, update) is None
                    assert producer.resume_after == 0
                    return

    copy = world.backup()
    world.ask(2)
    asyncio.run(live())
    assert world.messages("answer ") == []


def test_a_program_that_is_told_of_the_reset_by_its_feed_goes_on(world: World) -> None:
    async def live() -> None:
        async with Client(world.server.url) as client:
            producer = Producer(client, world.execution.id, "ada", world.outbox)
            await producer.flush()
            while not await answer_until_reset(producer):
                await producer.realign()

    async def answer_until_reset(producer: Producer) -> bool:
        feed = watch(world.server.url, world.execution.id, after=producer.resume_after)
        async with aclosing(feed) as updates:  # type: ignore[type-var]
            async for update in updates:
                if update.why is not None:
                    return False
                message = update.data.get("message", "")
                if message.startswith("ask "):
                    await world.answer(producer, update)
                if message == "ask 5" and copies:
                    copies.pop().restore()
                    world.ask(8)
                if message == "ask 13":
                    return True
        raise AssertionError("the feed ended")

    world.ask(3)
    copies = [world.backup()]
    world.ask(2)
    asyncio.run(live())
    world.check()


def test_lines_of_its_own_are_gone_with_the_log_and_the_next_one_is_written_once(world: World) -> None:
    async def say(*messages: str) -> None:
        async with Client(world.server.url) as client:
            producer = Producer(client, world.execution.id, "ada", world.outbox)
            for message in messages:
                await producer.log(message)

    asyncio.run(say("line 1", "line 2", "line 3"))
    copy = world.backup()
    asyncio.run(say("line 4", "line 5"))
    world.restore(copy)
    asyncio.run(say("line 6", "line 7"))
    assert world.messages("line ") == ["line 1", "line 2", "line 3", "line 6", "line 7"]


def test_a_line_under_way_while_the_log_is_put_back_is_written_once(world: World) -> None:
    async def say() -> None:
        async with Client(world.server.url) as client:
            producer = Producer(client, world.execution.id, "ada", world.outbox)
            await producer.log("line 1")
            copy = world.backup()
            await producer.log("line 2")
            copy.restore()
            await producer.log("line 3")
            await producer.log("line 4")

    asyncio.run(say())
    assert world.messages("line ") == ["line 1", "line 3", "line 4"]


def test_a_lost_outbox_is_told_and_can_be_begun_anew(world: World) -> None:
    async def lose() -> None:
        world.outbox.unlink()
        async with Client(world.server.url) as client:
            producer = Producer(client, world.execution.id, "ada", world.outbox)
            with pytest.raises(ProducerGap) as gap:
                await producer.log("another")
            assert gap.value.fields["expected"] == 4
            await producer.realign(answered=answered)

    world.ask(3)
    asyncio.run(world.live())
    answered = world.last_seq
    asyncio.run(lose())
    world.ask(2)
    asyncio.run(world.live())
    world.check()


def test_a_copy_older_than_the_outbox_remembers_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headway.client.outbox.MAX_ANSWERS", 2)
    assert MAX_ANSWERS > 2
    copy = world.backup()
    world.ask(5)
    asyncio.run(world.live())
    world.restore(copy)
    with pytest.raises(ProducerGap, match="cannot tell which events"):
        asyncio.run(world.live())


@pytest.mark.parametrize("seed", range(6))
def test_whatever_dies_and_is_put_back(world: World, seed: int) -> None:
    dice = random.Random(seed)
    copies = [world.backup()]
    for _ in range(12):
        match dice.choice(["ask", "ask", "live", "live", "die", "copy", "restore"]):
            case "ask":
                world.ask(dice.randint(1, 4))
            case "live":
                asyncio.run(world.live(dice.choice([1, 3, 10_000])))
            case "die":
                with suppress(Died):
                    asyncio.run(world.live(dice.randint(0, 2), dies=dice.choice(["before", "after"])))
            case "copy":
                copies.append(world.backup())
            case "restore":
                place = dice.randrange(len(copies))
                copies[place + 1 :] = []  # what was copied of a history that is gone
                world.restore(copies[place])
    asyncio.run(world.live())
    world.check()
