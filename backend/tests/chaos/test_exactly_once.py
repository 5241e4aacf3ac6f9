"""Exactly once on the screen, on real processes: whatever breaks, each viewer ends with the log, or was told.

`HEADWAY_CHAOS_ROUNDS` makes the run longer, `HEADWAY_CHAOS_SEED` repeats one (`make chaos N=20 SEED=…`):
what is done is the same then, when exactly it hits is up to the machine.
"""

import asyncio
import os
import random
from pathlib import Path

import pytest
from tests.support.chaos.arena import Arena
from tests.support.chaos.plan import Round, draw
from tests.support.chaos.viewers import KINDS
from tests.support.chaos.watch import Watch
from tests.support.serving import journal_of, stored_events

from headway.domain import events as e

ROUNDS = int(os.environ.get("HEADWAY_CHAOS_ROUNDS") or 3)
SEED = int(os.environ.get("HEADWAY_CHAOS_SEED") or (20_261_123 if ROUNDS == 3 else random.randrange(1 << 32)))
VIEWERS = 10 if ROUNDS == 3 else 50
STARTS = 3 if ROUNDS == 3 else 8  # executions a round
AT_HEAD_WITHIN_S = 20.0  # once nothing breaks any more


@pytest.mark.timeout(40 + 60 * ROUNDS)
async def test_every_viewer_ends_with_the_log_or_was_told_why_not(tmp_path: Path) -> None:
    plan = draw(SEED, rounds=ROUNDS, viewers=VIEWERS, starts=STARTS)
    print(f"repeat with: make chaos N={ROUNDS} SEED={SEED}", *plan, sep="\n")  # noqa: T201 - shown on a failure
    seen: list[Watch] = []
    arena = Arena(tmp_path)
    try:
        async with arena, asyncio.TaskGroup() as viewers:
            for number, round_ in enumerate(plan):
                arena.tell(f"round {number}")
                seen += await run_round(arena, viewers, round_, seen)
            await arena.until_closed()
            await everybody_over(arena)
        arena.examine()
    finally:
        print(*arena.told, *seen, arena.errors, sep="\n")  # noqa: T201 - as above

    assert all(watch.is_over for watch in seen)
    assert {watch.kind for watch in seen if watch.ended} == set(KINDS)
    assert any(watch.resets for watch in seen), "nobody was ahead of the older copy"
    with journal_of(tmp_path / "headway.db") as journal:
        for execution_id in {watch.execution_id for watch in seen if not watch.gone}:
            end = stored_events(journal, execution_id)[-1].data
            assert isinstance(end, e.ExecutionCompleted), end


async def run_round(
    arena: Arena, viewers: asyncio.TaskGroup, round_: Round, seen: list[Watch]
) -> list[Watch]:
    """Start executions, have everybody who is free watch one of them, and break things."""
    executions = [await arena.start(start) for start in round_.starts]
    kinds = list(KINDS)
    came: list[Watch] = []
    for place, joins_s in enumerate(round_.joins_s):
        kind = kinds[place % len(kinds)]
        watching = sum(watch.kind == kind and not watch.is_over for watch in [*seen, *came])
        if watching < -(-(len(round_.joins_s) - place) // len(kinds)):
            watch = Watch(kind, executions[place % len(executions)])
            came.append(watch)
            arena.watches.append(watch)
            viewers.create_task(join(arena, watch, joins_s))
    for place, fault in enumerate(round_.faults):
        await asyncio.sleep(fault.pause_s)
        if round_.restore and place == round_.copy_before:
            await arena.copy()
        await arena.strike(fault)
    if round_.restore:
        await arena.restore(round_.restore)
    return came


async def join(arena: Arena, watch: Watch, after_s: float) -> None:
    await asyncio.sleep(after_s)
    await KINDS[watch.kind]()(arena.proxy.url, watch)


async def everybody_over(arena: Arena) -> None:
    """D3: with the faults, the waiting ends."""
    async with asyncio.timeout(AT_HEAD_WITHIN_S):
        while not all(watch.is_over for watch in arena.watches):
            await asyncio.sleep(0.02)
