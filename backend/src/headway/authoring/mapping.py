"""`map`: one step over many items, as a function."""

from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar, overload

from headway.authoring.step import AsyncStep, PlainStep
from headway.errors import DefinitionError

T = TypeVar("T")


@overload
def map(  # noqa: A001
    step: AsyncStep[..., T],
    items: Iterable[Any],
    *,
    concurrency: int | None = None,
    return_exceptions: bool = False,
) -> Coroutine[Any, Any, list[T]]: ...
@overload
def map(  # noqa: A001
    step: PlainStep[..., T],
    items: Iterable[Any],
    *,
    concurrency: int | None = None,
    return_exceptions: bool = False,
) -> list[T]: ...
def map(  # noqa: A001
    step: AsyncStep[..., T] | PlainStep[..., T],
    items: Iterable[Any],
    *,
    concurrency: int | None = None,
    return_exceptions: bool = False,
) -> Coroutine[Any, Any, list[T]] | list[T]:
    """Run a step once for each item; the same as `step.map(items)`, which see.

    Raises:
        DefinitionError: The first argument is an ordinary function.
    """
    if not isinstance(step, AsyncStep | PlainStep):
        raise DefinitionError(f"map() runs steps, this is {step!r}: decorate the function with @step")
    return step.map(items, concurrency=concurrency, return_exceptions=return_exceptions)
