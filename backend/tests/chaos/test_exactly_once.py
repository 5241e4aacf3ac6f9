"""Exactly once on the screen, on real processes: whatever breaks, each viewer ends with the log, or was told.

`HEADWAY_CHAOS_ROUNDS` makes the run longer, `HEADWAY_CHAOS_SEED` repeats one (`make chaos N=20 SEED=…`):
what is done is the same then, when exactly it hits is up to the machine.
"""

import asyncio
import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.support.chaos.arena import Arena
from tests.support.chaos.page import Pages, as_shown
from tests.support.chaos.plan import Round, draw
from tests.support.chaos.viewers import KINDS, Viewer
from tests.support.chaos.watch import Watch, as_stored
from tests.support.serving import journal_of, stored_events

from headway.domain import events as e
from headway.domain.identifiers import ExecutionId

ROUNDS = int(os.environ.get("HEADWAY_CHAOS_ROUNDS") or 3)
SEED = int(os.environ.get("HEADWAY_CHAOS_SEED") or (20_261_123 if ROUNDS == 3 else random.randrange(1 << 32)))
VIEWERS = 9 if ROUNDS == 3 else 50
STARTS = 3 if ROUNDS == 3 else 8  # executions a round
AT_HEAD_WITHIN_S = 40.0  # once nothing breaks any more; a client may have been told to wait for 20 s


@pytest.mark.timeout(40 + 60 * ROUNDS)
async def test_every_viewer_ends_with_the_log_or_was_told_why_not(tmp_path: Path) -> None:
    plan = draw(SEED, rounds=ROUNDS, viewers=VIEWERS, starts=STARTS)
    print(f"repeat with: make chaos N={ROUNDS} SEED={SEED}", *plan, sep="\n")  # noqa: T201 - shown on a failure
    arena = Arena(tmp_path)
    try:
        async with Pages(tmp_path) as pages, arena, asyncio.TaskGroup() as viewers:
            audience = Audience(arena, viewers, {**KINDS, "page": lambda: pages})
            for number, round_ in enumerate(plan):
                arena.tell(f"round {number}")
                await run_round(arena, audience, round_)
            await arena.until_closed()
            await everybody_over(arena)
        arena.examine()
    finally:
        print(*arena.seen, arena.errors, sep="\n")  # noqa: T201 - as above

    seen = arena.seen
    assert all(watch.is_over for watch in seen)
    assert {watch.kind for watch in seen if watch.ended} == {*KINDS, "page"}
    if ROUNDS == 3:  # a drawn plan may restore when everything has ended
        assert any(watch.resets for watch in seen), "nobody was ahead of the older copy"
    with journal_of(tmp_path / "headway.db") as journal:
        for execution_id in {watch.execution_id for watch in seen if not watch.gone}:
            end = stored_events(journal, execution_id)[-1].data
            assert isinstance(end, e.ExecutionCompleted), end


class Audience:
    """Viewers of every kind; who is over comes back in the next round, for another execution."""

    def __init__(
        self, arena: Arena, tasks: asyncio.TaskGroup, kinds: dict[str, Callable[[], Viewer]]
    ) -> None:
        self._arena, self._tasks, self._kinds = arena, tasks, kinds
        self._seats: dict[int, Watch] = {}

    def fill(self, executions: Sequence[ExecutionId], joins_s: Sequence[float]) -> None:
        """Have everybody who is free watch one of these."""
        names = list(self._kinds)
        for seat, after_s in enumerate(joins_s):
            if seat in self._seats and not self._seats[seat].is_over:
                continue
            kind = names[seat % len(names)]
            form = as_shown if kind == "page" else as_stored
            watch = self._seats[seat] = Watch(kind, executions[seat % len(executions)], form)
            self._arena.watches.append(watch)
            self._arena.seen.append(watch)
            self._tasks.create_task(self._join(watch, after_s))

    async def _join(self, watch: Watch, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await self._kinds[watch.kind]()(self._arena.proxy.url, watch)


async def run_round(arena: Arena, audience: Audience, round_: Round) -> None:
    """Start executions, have them watched, and break things."""
    executions = [await arena.start(start) for start in round_.starts]
    audience.fill(executions, round_.joins_s)
    for place, fault in enumerate(round_.faults):
        await asyncio.sleep(fault.pause_s)
        if round_.restore and place == round_.copy_before:
            await arena.copy()
        await arena.strike(fault)
    if round_.restore:
        await arena.restore(round_.restore)


async def everybody_over(arena: Arena) -> None:
    """D3: with the faults, the waiting ends."""
    async with asyncio.timeout(AT_HEAD_WITHIN_S):
        while not all(watch.is_over for watch in arena.watches):
            await asyncio.sleep(0.02)
