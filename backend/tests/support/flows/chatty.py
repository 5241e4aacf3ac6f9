"""A workflow that says much, for the tests that break things while it does."""

import asyncio

from headway import log, progress, step, workflow


@step
async def chatter(number: int, lines: int) -> int:
    """Log lines with what line-based readers get wrong, and progress, for a short while."""
    for line in range(lines):
        log(f"step {number}, line {line}: naïve \u2028 {'x' * (line % 50)}\n\tand more")
        progress(line + 1, lines)
    await asyncio.sleep(0.03)
    return lines


@workflow
async def chatty(steps: int = 50, lines: int = 10) -> int:
    """So many steps, one after the other, each with so many lines."""
    return sum([await chatter(number, lines) for number in range(steps)])
