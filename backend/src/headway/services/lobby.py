"""The list of executions as rows that change, for all viewers of this process together."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import Protocol

from headway.domain.identifiers import ExecutionId
from headway.errors import ExecutionNotFound, JournalUnavailable
from headway.ports import Clock, ExecutionFilter, ExecutionRecord, Hint, HintBus, Journal
from headway.protocol.lobby import LobbyRows
from headway.protocol.messages import Row
from headway.services.tails import Tails, Tasks, guarded

MAX_ROWS = 200  # newest executions that are shown and watched
MAX_CHANGED = 50  # rows read one by one; beyond it the list is
SWEEP_S = 1.0
FIRST_LOOK_S = 10.0
GATHER_S = 0.05  # hints that come within so long are looked at together


class Onlooker(Protocol):
    """One viewer of the list."""

    def rows_changed(self, rows: Sequence[Row]) -> None: ...

    def rows_gone(self) -> None: ...


class Lobby:
    """Reads rows while somebody looks: what hints name, and once a second the newest.

    Args:
        journal: Read in the threads of `tails`.
        hints: Say which row to look at.
        tails: Whose threads read.
        clock: Holds back what changes too often.
    """

    def __init__(self, journal: Journal, hints: HintBus, tails: Tails, clock: Clock) -> None:
        self._journal, self._hints, self._tails, self._clock = journal, hints, tails, clock
        self._rows = LobbyRows()
        self._known: dict[str, Row] = {}  # as of the last look; what differs from it is shown
        self._looked = asyncio.Event()
        self._onlookers: set[Onlooker] = set()
        self._changed: set[ExecutionId] = set()
        self._woken = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._tasks = Tasks()

    def join(self, onlooker: Onlooker) -> None:
        """Tell it of rows that change from now on."""
        self._onlookers.add(onlooker)
        if self._watching is None or self._watching.done():
            self._watching = self._tasks.spawn(self._watch())

    def leave(self, onlooker: Onlooker) -> None:
        """Harmless to repeat."""
        self._onlookers.discard(onlooker)

    async def rows(self) -> list[Row]:
        """All there are to show, newest first, to somebody who has joined.

        Raises:
            JournalUnavailable: They cannot be read now.
        """
        try:
            await asyncio.wait_for(self._looked.wait(), FIRST_LOOK_S)
        except TimeoutError:
            raise JournalUnavailable("the list of executions cannot be read now") from None
        return sorted(self._known.values(), key=lambda row: row.execution_id, reverse=True)

    async def end(self) -> None:
        await self._tasks.end()

    async def _watch(self) -> None:
        unsubscribe = self._hints.subscribe(self._receive_hints)
        try:
            swept_at = self._clock.monotonic() - SWEEP_S
            while self._onlookers:
                now = self._clock.monotonic()
                if now - swept_at >= SWEEP_S or len(self._changed) > MAX_CHANGED:
                    swept_at = now
                    self._changed.clear()
                    await guarded("read the list of executions", self._sweep())
                elif self._changed:
                    await guarded("read rows of the list", self._look())
                self._show(self._rows.due(self._clock.monotonic()))
                await self._wait(swept_at + SWEEP_S)
        finally:
            unsubscribe()
            self._known.clear()
            self._looked.clear()

    async def _sweep(self) -> None:
        self._update(await self._newest(), replace=True)

    async def _look(self) -> None:
        wanted, self._changed = self._changed, set()
        self._update(await self._tails.read(self._read, wanted), replace=False)

    def _read(self, wanted: set[ExecutionId]) -> list[ExecutionRecord]:
        records: list[ExecutionRecord] = []
        for execution_id in wanted:
            with suppress(ExecutionNotFound):
                records.append(self._journal.get(execution_id))
        return records

    async def _newest(self) -> list[ExecutionRecord]:
        return await self._tails.read(self._journal.find, ExecutionFilter(limit=MAX_ROWS))

    def _update(self, records: Sequence[ExecutionRecord], *, replace: bool) -> None:
        rows: dict[str, Row] = {record.execution_id: row_of(record) for record in records}
        changed = [row for key, row in rows.items() if self._known.get(key) != row]
        gone = _gone(self._known, rows) if replace else []
        self._known = rows if replace else self._known | rows
        if not self._looked.is_set():
            self._looked.set()
            return
        now = self._clock.monotonic()
        ready = [self._rows.changed(row, now) for row in changed]
        for key in gone:
            self._rows.forget(key)
        self._show([row for row in ready if row is not None])
        for onlooker in list(self._onlookers) if gone else ():
            onlooker.rows_gone()

    def _show(self, rows: Sequence[Row]) -> None:
        for onlooker in list(self._onlookers) if rows else ():
            onlooker.rows_changed(rows)

    async def _wait(self, sweep_at: float) -> None:
        due = self._rows.next_due
        until = sweep_at if due is None else min(sweep_at, due)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), max(0.0, until - self._clock.monotonic()))
            await asyncio.sleep(GATHER_S)
        self._woken.clear()

    def _receive_hints(self, hints: Sequence[Hint]) -> None:
        """Runs on any thread."""
        changed = {hint.execution_id for hint in hints if hint.execution_id is not None}
        if changed and not self._tails.loop.is_closed():
            self._tails.loop.call_soon_threadsafe(self._note, changed)

    def _note(self, changed: set[ExecutionId]) -> None:
        self._changed |= changed
        self._woken.set()


def _gone(known: Iterable[str], newest: Collection[str]) -> list[str]:
    """Of the rows known, those that retention removed; older ones only made room for newer."""
    oldest = min(newest) if len(newest) >= MAX_ROWS else ""
    return [key for key in known if key not in newest and key > oldest]


def row_of(record: ExecutionRecord) -> Row:
    summary = record.summary
    return Row(
        execution_id=record.execution_id,
        workflow_id=record.workflow_id,
        status=summary.status,
        phase=summary.phase,
        progress=summary.progress,
        indeterminate=summary.indeterminate,
        created_at=record.created_at,
        started_at=summary.started_at,
        ended_at=summary.ended_at,
    )
