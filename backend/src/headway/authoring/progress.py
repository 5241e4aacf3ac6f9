"""`progress` and `track`: how far the work is."""

import asyncio
import math
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from operator import length_hint
from typing import Any, TypeVar, overload

from headway.authoring.tracker import Tracker
from headway.domain.events import Log, StepProgressed, cut_message
from headway.ports import Scope, current_scope

T = TypeVar("T")
_EXACT = 1 << 53  # whole numbers above it are not exact in every client


def progress(
    done: float, total: float | None = None, unit: str | None = None, message: str | None = None
) -> None:
    """Say how far this step is, or outside any step the workflow as a whole. Outside a workflow: nothing.

    Costs about a microsecond, never waits; call it as often as you like, viewers get what they can use.

    Args:
        done: How many are done, counted in `unit`.
        total: Of how many, where known.
        unit: What is counted, like `page`.
        message: What is being done now.
    """
    scope = current_scope.get()
    if scope is None:
        return
    scope.emit(
        StepProgressed(
            step=scope.step_name,
            step_id=scope.step_id,
            done=_number("done", done, scope),
            total=None if total is None else _number("total", total, scope),
            unit=unit,
            message=None if message is None else cut_message(str(message))[0],
        )
    )


@overload
def track(
    iterable: Iterable[T], total: float | None = None, unit: str | None = None, message: str | None = None
) -> Iterator[T]: ...
@overload
def track(
    iterable: AsyncIterable[T],
    total: float | None = None,
    unit: str | None = None,
    message: str | None = None,
) -> AsyncIterator[T]: ...
def track(
    iterable: Iterable[T] | AsyncIterable[T],
    total: float | None = None,
    unit: str | None = None,
    message: str | None = None,
) -> Iterator[T] | AsyncIterator[T]:
    """Go through `iterable` and show how far; for `for` and `async for`, also one inside another.

    In a plain function a cancelled execution ends the loop with `asyncio.CancelledError`.

    Args:
        iterable: What to go through.
        total: How many there are; asked of `iterable` by default.
        unit: What is counted, like `page`.
        message: What is being done.
    """
    if isinstance(iterable, AsyncIterable):
        return _track_async(iterable, total, unit, message)
    return _track(iterable, _size(iterable) if total is None else total, unit, message)


def _track(iterable: Iterable[T], total: float | None, unit: str | None, message: str | None) -> Iterator[T]:
    scope = current_scope.get()
    tracker = Tracker(total, unit, message)
    try:
        for done, item in enumerate(iterable, 1):
            if scope is not None and scope.cancelled:
                raise asyncio.CancelledError
            yield item
            tracker.advance_to(done)
    finally:
        tracker.end()


async def _track_async(
    iterable: AsyncIterable[T], total: float | None, unit: str | None, message: str | None
) -> AsyncIterator[T]:
    tracker = Tracker(total, unit, message)
    done = 0
    try:
        async for item in iterable:
            yield item
            done += 1
            tracker.advance_to(done)
    finally:
        tracker.end()


def _size(iterable: Iterable[Any]) -> int | None:
    size = length_hint(iterable, -1)
    return size if size >= 0 else None


def _number(name: str, value: float, scope: Scope) -> float | None:
    """What the event can hold; what is no number is absent, and the log says so: emitting never raises."""
    if type(value) is int and -_EXACT < value < _EXACT:
        return value
    try:
        number = float(value)
    except Exception as error:  # noqa: BLE001 - a user's `__float__` may raise anything
        told = f"progress(): {name} is no number, so it is left out: {type(error).__name__}: {error}"
        scope.emit(Log("WARNING", cut_message(told)[0], scope.step_id, scope.step_name, "headway"))
        return None
    return number if math.isfinite(number) else None
