"""Write into an execution's log from outside, each line exactly once, over crashes of both sides."""

import asyncio
import os
import random
from pathlib import Path
from typing import Literal

import msgspec

from headway.client.http import Client
from headway.client.ladder import backoff_s
from headway.errors import InvalidSetting, OverloadError, UnavailableError
from headway.services.producers import Taken

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


class _Line(msgspec.Struct, omit_defaults=True):
    message: str
    level: str = "INFO"
    step_id: str | None = None


class _Outbox(msgspec.Struct):
    """What is on disk before it is sent: the next line's number, and lines not yet known to be stored."""

    execution_id: str
    producer_id: str
    next: int = 1
    pending: list[_Line] = msgspec.field(default_factory=list)
    answered: int = 0


class Producer:
    """One program's lane in an execution's log.

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
        self._outbox = _load(outbox, execution_id, producer_id)

    @property
    def resume_after(self) -> int:
        """Where a program that answers events goes on reading: the one it answered last comes once more."""
        return max(0, self._outbox.answered - 1)

    async def log(
        self, message: str, *, level: Level = "INFO", step_id: str | None = None, answers: int | None = None
    ) -> Taken | None:
        """Add a line and wait until it is durable; where the server is away, try again until it is back.

        Args:
            message: What to say; above 64 KiB it is cut.
            level: How grave it is.
            step_id: The step it belongs to.
            answers: Seq of the event that this line answers. Events are answered in order, each by one line:
                it is written down together with the line, and one that is answered already is not again.

        Returns:
            Where the line is; `None` where the event is answered already.

        Raises:
            ExecutionClosed: The execution has ended.
            ProducerGap, IdempotencyConflict: Another program writes under this name.
        """
        async with self._lock:
            await self._send()  # what a former life left
            if answers is not None and answers <= self._outbox.answered:
                return None
            self._outbox.pending = [_Line(message, level, step_id)]
            self._outbox.answered = answers or self._outbox.answered
            _save(self._path, self._outbox)
            return await self._send()

    async def flush(self) -> Taken | None:
        """Send what a former life wrote down and perhaps did not send; `None` where there is nothing."""
        async with self._lock:
            return await self._send()

    async def _send(self) -> Taken | None:
        if not self._outbox.pending:
            return None
        taken = await self._stored()
        self._outbox.next, self._outbox.pending = taken.next, []
        _save(self._path, self._outbox)
        return taken

    async def _stored(self) -> Taken:
        outbox, tries = self._outbox, 0
        while True:
            try:
                return await self._client.add_lines(
                    outbox.execution_id,
                    outbox.producer_id,
                    outbox.next,
                    [msgspec.to_builtins(line) for line in outbox.pending],
                )
            except (UnavailableError, OverloadError):
                await asyncio.sleep(backoff_s(tries, random.random()))
                tries += 1


def _load(path: Path, execution_id: str, producer_id: str) -> _Outbox:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return _Outbox(execution_id, producer_id)
    try:
        outbox = msgspec.json.decode(content, type=_Outbox)
    except msgspec.MsgspecError as error:
        raise InvalidSetting(f"{path} is no outbox: {error}", field="outbox") from error
    if (outbox.execution_id, outbox.producer_id) != (execution_id, producer_id):
        raise InvalidSetting(
            f"{path} is the outbox of {outbox.producer_id} in {outbox.execution_id}", field="outbox"
        )
    return outbox


def _save(path: Path, outbox: _Outbox) -> None:
    """On disk before it returns, whole or as it was before."""
    beside = path.with_name(f"{path.name}.new")
    with beside.open("wb") as file:
        file.write(msgspec.json.encode(outbox))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
