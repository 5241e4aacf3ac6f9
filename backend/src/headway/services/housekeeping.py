"""Keeps the journal small while the server runs: compacts logs, and forgets old executions where asked to.

Runs in the server, beside no user code. All work is cut into steps of one short transaction each; after a
step it rests for several times as long as that took, so that appends hardly notice.
"""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Self

from headway.domain.identifiers import ExecutionId
from headway.domain.timestamps import timestamp
from headway.errors import ConflictError, JournalCorrupt, NotFound, UnavailableError
from headway.ports import Clock, ExecutionFilter, Journal, OutputStore

ROUND_S = 30.0
REST_FACTOR = 4.0  # at most a fifth of one thread's time
MIN_REST_S = 0.005
QUIET_EVENTS = 256  # new since the last time, for an open execution that has fallen silent to be worth a look
BUSY_EVENTS = 10_000  # the same for one that goes on
_PAGE = 100
_END_OF_TIME = "9999"
_DAY_NS = 86_400 * 1_000_000_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What is kept of closed executions; 0 keeps all.

    Args:
        days: Since they ended.
        max_bytes: Of the whole journal; the oldest go first.
    """

    days: float = 0.0
    max_bytes: int = 0


@dataclass(slots=True)
class _Growing:
    """An open execution as last seen, and how far it is compacted."""

    last_seq: int
    compacted_at: int = 0  # the log's end then
    resume_after: int = 0  # where its last run began


class Housekeeper:
    """Looks after one journal; use it as an asynchronous context manager, or drive `steps` by hand.

    Args:
        journal: Whose logs.
        outputs: Lose the files of forgotten executions.
        clock: Says what is old.
        retention: What to forget.
        round_s: Seconds between two looks.
    """

    def __init__(
        self,
        journal: Journal,
        outputs: OutputStore,
        clock: Clock,
        *,
        retention: Retention,
        round_s: float = ROUND_S,
    ) -> None:
        self._journal = journal
        self._outputs = outputs
        self._clock = clock
        self._retention = retention
        self._round_s = round_s
        self._growing: dict[ExecutionId, _Growing] = {}
        self._given_up: set[ExecutionId] = set()

    async def __aenter__(self) -> Self:
        self._stopping = asyncio.Event()
        self._task = asyncio.create_task(self._keep(), name="housekeeping")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let the step that runs end: it is short."""
        self._stopping.set()
        await self._task

    def steps(self) -> Iterator[None]:
        """One round; each step blocks for one short transaction or read."""
        yield from self._compact_closed()
        yield from self._compact_open()
        yield from self._forget_old()
        yield from self._forget_beyond_size()

    async def _keep(self) -> None:
        while not await self._rest(self._round_s):
            try:
                await self._round()
            except UnavailableError as error:
                _log.warning("housekeeping waits: %s", error)
            except Exception:  # noqa: BLE001 - the edge of a task that must go on
                _log.exception("housekeeping failed; it tries again")

    async def _round(self) -> None:
        steps = self.steps()
        while True:
            began = monotonic()
            if await asyncio.to_thread(next, steps, steps) is steps:  # the iterator itself marks its end
                return
            if await self._rest(max(MIN_REST_S, (monotonic() - began) * REST_FACTOR)):
                return

    async def _rest(self, seconds: float) -> bool:
        """True if it is time to stop."""
        try:
            async with asyncio.timeout(seconds):
                return await self._stopping.wait()
        except TimeoutError:
            return False

    def _compact_closed(self) -> Iterator[None]:
        while due := self._due():
            for execution_id in due:
                yield from self._compact(execution_id, _Growing(0))

    def _due(self) -> list[ExecutionId]:
        found = self._journal.uncompacted(_PAGE + len(self._given_up))
        return [one for one in found if one not in self._given_up]

    def _compact_open(self) -> Iterator[None]:
        records = self._journal.find(ExecutionFilter(statuses=frozenset({"running"}), limit=_PAGE))
        known, self._growing = self._growing, {}
        for record in records:
            last_seq = record.head.last_seq
            seen = known.get(record.execution_id) or _Growing(0)
            new, is_quiet = last_seq - seen.compacted_at, last_seq == seen.last_seq
            seen.last_seq = last_seq
            self._growing[record.execution_id] = seen
            if new >= (QUIET_EVENTS if is_quiet else BUSY_EVENTS):
                seen.compacted_at = last_seq
                yield from self._compact(record.execution_id, seen)

    def _compact(self, execution_id: ExecutionId, seen: _Growing) -> Iterator[None]:
        after: int | None = seen.resume_after
        while after is not None:
            seen.resume_after = after
            try:
                after = self._journal.compact(execution_id, after)
            except (ConflictError, NotFound):
                return  # trimmed or forgotten meanwhile
            except JournalCorrupt as error:
                self._given_up.add(execution_id)
                _log.warning("execution %s is not compacted: %s", execution_id, error)
                return
            yield

    def _forget_old(self) -> Iterator[None]:
        if self._retention.days <= 0:
            return
        before = timestamp(self._clock.now_ns() - int(self._retention.days * _DAY_NS))
        while old := self._journal.ended(before, _PAGE):
            for execution_id in old:
                yield from self._forget(execution_id, "it ended long ago")

    def _forget_beyond_size(self) -> Iterator[None]:
        limit = self._retention.max_bytes
        while 0 < limit < self._journal.used_bytes():
            oldest = self._journal.ended(_END_OF_TIME, 1)
            if not oldest:
                _log.warning("the journal is above its size, and nothing in it may be forgotten")
                return
            yield from self._forget(oldest[0], "the journal is above its size")

    def _forget(self, execution_id: ExecutionId, why: str) -> Iterator[None]:
        """Its files first: cut off in between, the next round finds it again."""
        _log.info("execution %s is forgotten: %s", execution_id, why)
        self._outputs.remove(execution_id)
        while not self._journal.forget(execution_id):
            yield
        yield
