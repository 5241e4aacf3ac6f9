"""`gather`: several awaitables at once, each in a branch of its own."""

import asyncio
import inspect
from collections.abc import Awaitable
from typing import Any, Literal, TypeVar, overload

from headway.ports import current_scope

T = TypeVar("T")


@overload
async def gather(
    *awaitables: Awaitable[T], concurrency: int | None = None, return_exceptions: Literal[False] = False
) -> list[T]: ...
@overload
async def gather(
    *awaitables: Awaitable[T], concurrency: int | None = None, return_exceptions: bool
) -> list[Any]: ...
async def gather(
    *awaitables: Awaitable[Any], concurrency: int | None = None, return_exceptions: bool = False
) -> list[Any]:
    """Await all at once; each gets a branch, so that its steps are found again after a crash.

    Args:
        *awaitables: Calls of steps or of your own coroutine functions, not yet awaited.
        concurrency: At most so many at once.
        return_exceptions: Put an exception in its place; else the first one cancels the others and is raised.

    Returns:
        The results in order.
    """
    if concurrency is not None and concurrency < 1:
        raise ValueError(f"concurrency={concurrency} must be at least 1, or None for no limit")
    scope = current_scope.get()
    gate = asyncio.Semaphore(concurrency or max(1, len(awaitables)))

    async def branch(index: int, awaitable: Awaitable[Any]) -> Any:
        if scope is not None:
            current_scope.set(scope.branch(index))
        async with gate:
            return await awaitable

    tasks = [asyncio.create_task(branch(index, each)) for index, each in enumerate(awaitables)]
    try:
        return await asyncio.gather(*tasks, return_exceptions=return_exceptions)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for each in awaitables:
            if inspect.iscoroutine(each):
                each.close()  # one that never began would warn that nobody awaited it
