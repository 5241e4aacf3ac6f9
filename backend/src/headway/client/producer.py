"""Write into an execution's log from outside, each line exactly once, over crashes of both sides."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from headway.client.http import Client
from headway.client.ladder import backoff_s
from headway.client.outbox import Line, load_outbox, save_outbox
from headway.client.records import Update
from headway.errors import ExecutionClosed, OverloadError, ProducerGap, UnavailableError
from headway.services.producers import Taken

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
_NEVER_NEXT = 2**53 - 1  # a line under this number is refused, and the refusal says which is next
_T = TypeVar("_T")


class Producer:
    """One program's lane in an execution's log.

    Where the server's database is put back to an older copy, lines that the copy does not have are gone. The
    producer goes on behind those that it has, and counts the events that the others had answered as not
    answered. It notices by itself when it begins, and when it writes; a program that hears of it from its
    feed first (a `snapshot` that says `why`) calls `realign`, and reads on from `resume_after`.

    Args:
        client: The server's API; the producer does not close it.
        execution_id: Whose log.
        producer_id: Who writes, as the log will say (`logger`); no two programs may use one at the same time.
        outbox: A file of its own. A program that dies goes on with it where it was.

    Raises:
        InvalidSetting: The outbox is of another execution or producer, or is none.
    """

    def __init__(self, client: Client, execution_id: str, producer_id: str, outbox: Path) -> None:
        self._client, self._path = client, outbox
        self._lock = asyncio.Lock()
        self._outbox = load_outbox(outbox, execution_id, producer_id)
        self._is_proven = False  # what a former life wrote may be of a history that is gone

    @property
    def resume_after(self) -> int:
        """Where a program that answers events goes on reading: the one it answered last comes once more."""
        return max(0, self._outbox.answered - 1)

    async def log(
        self,
        message: str,
        *,
        level: Level = "INFO",
        step_id: str | None = None,
        answers: Update | int | None = None,
    ) -> Taken | None:
        """Add a line and wait until it is durable; where the server is away, try again until it is back.

        Args:
            message: What to say; above 64 KiB it is cut.
            level: How grave it is.
            step_id: The step it belongs to.
            answers: The event that this line answers, or its seq. Events are answered in order, each by
                one line: it is written down together with the line, and one that is answered already is not
                again.

        Returns:
            Where the line is; `None` where the event is answered already, or the log was put back to an older
            copy: if the event is still there, the feed gives it again from `resume_after` on.

        Raises:
            ExecutionClosed: The execution has ended.
            ProducerGap, IdempotencyConflict: Another program writes under this name, or the outbox was lost.
        """
        seq, event = (answers.seq, answers.cursor) if isinstance(answers, Update) else (answers, None)
        async with self._lock:
            await self._settle()
            if seq is not None and seq <= self._outbox.answered:
                return None
            self._outbox.add(Line(message, level, step_id), answers=seq, event=event)
            self._save()
            return await self._send()

    async def flush(self) -> Taken | None:
        """Send what a former life wrote down and perhaps did not send; `None` where there is nothing."""
        async with self._lock:
            return await self._settle()

    async def realign(self, *, answered: int | None = None) -> None:
        """Find the place in a log that was put back to an older copy; changes nothing where it was not.

        Args:
            answered: For an outbox that was lost: its name goes on behind the lines that the log has of it,
                and events up to this seq count as answered.

        Raises:
            ProducerGap: The outbox cannot tell what the lines in the log have answered.
        """
        async with self._lock:
            if answered is None:
                await self._prove()
            elif (expected := await self._next_number()) is not None:
                self._outbox.begin_at(expected, answered)
                self._save()

    async def _settle(self) -> Taken | None:
        """See to what a former life left."""
        if not self._is_proven:
            await self._prove()
        return await self._send()

    async def _prove(self) -> None:
        """Find out whether the log still goes through what was stored and answered last."""
        if not (await self._holds(self._outbox.stored) and await self._holds(self._outbox.event)):
            await self._align(await self._next_number())
        self._is_proven = True

    async def _align(self, expected: int | None) -> None:
        is_event_lost = not await self._holds(self._outbox.event)
        self._outbox.align(self._outbox.next if expected is None else expected, is_event_lost=is_event_lost)
        self._save()

    async def _send(self) -> Taken | None:
        while self._outbox.pending:
            try:
                taken = await self._until_answered(self._add)
            except ProducerGap as gap:
                expected = gap.fields.get("expected")
                if not isinstance(expected, int) or expected >= self._outbox.next:
                    raise
                await self._align(expected)
                continue
            if taken is None:
                await self._align(await self._next_number())
                continue
            self._outbox.sent(taken.next, taken.cursor)
            self._save()
            return taken
        return None

    async def _next_number(self) -> int | None:
        """What the server expects; `None` where the execution has ended and takes nothing more."""
        outbox = self._outbox
        line = [{"message": "which number is next?"}]

        async def ask() -> Taken:
            return await self._client.add_lines(outbox.execution_id, outbox.producer_id, _NEVER_NEXT, line)

        try:
            return (await self._until_answered(ask)).next
        except ExecutionClosed:
            return None
        except ProducerGap as gap:
            expected = gap.fields.get("expected")
            if not isinstance(expected, int):
                raise
            return expected

    async def _add(self) -> Taken | None:
        """`None` where the event that is answered is gone; also where it went while this was tried."""
        outbox = self._outbox
        if outbox.event is not None and not await self._client.holds(outbox.execution_id, outbox.event):
            return None
        lines = [msgspec.to_builtins(line) for line in outbox.pending]
        return await self._client.add_lines(outbox.execution_id, outbox.producer_id, outbox.next, lines)

    async def _holds(self, cursor: str | None) -> bool:
        if cursor is None:
            return True
        return await self._until_answered(lambda: self._client.holds(self._outbox.execution_id, cursor))

    async def _until_answered(self, call: Callable[[], Awaitable[_T]]) -> _T:
        tries = 0
        while True:
            try:
                return await call()
            except (UnavailableError, OverloadError):
                await asyncio.sleep(backoff_s(tries, random.random()))
                tries += 1

    def _save(self) -> None:
        save_outbox(self._path, self._outbox)
