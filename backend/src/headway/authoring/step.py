"""`@step`: a user's function as a unit of an execution; the scope it is called in decides how it runs."""

import asyncio
import functools
import inspect
from abc import abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar, cast, get_type_hints, overload

from headway.authoring.declared import (
    check_count,
    check_function,
    check_number,
    check_seconds,
    is_module_level,
)
from headway.authoring.gathering import gather
from headway.errors import DefinitionError
from headway.ports import StepOptions, current_scope

if TYPE_CHECKING:
    from pydantic import TypeAdapter

P = ParamSpec("P")
T = TypeVar("T")


class Step(Generic[P, T]):
    """A step; made by `@step`. Outside a workflow, calling it just runs the function."""

    def __init__(self, function: Callable[P, Any], options: StepOptions) -> None:
        self.function = function
        self.options = options
        self.is_async = inspect.iscoroutinefunction(function)
        functools.update_wrapper(self, function)

    @abstractmethod
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any: ...

    async def aio(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run it from asynchronous code, whether its function is asynchronous or plain."""
        # Looked up here, where the coroutine runs: in a branch of a gather that is the branch's scope.
        scope = current_scope.get()
        if scope is not None:
            result: T = await scope.run_step(self, args, kwargs)
            return result
        returned = self.function(*args, **kwargs)
        return cast(T, await returned if self.is_async else returned)

    async def map_aio(
        self, items: Iterable[Any], *, concurrency: int | None = None, return_exceptions: bool = False
    ) -> list[T]:
        """`map` from asynchronous code, whether its function is asynchronous or plain."""
        scope = current_scope.get()
        if scope is not None:
            return await scope.map(
                self, list(items), concurrency=concurrency, return_exceptions=return_exceptions
            )
        runs = [self._alone(item) for item in items]
        return await gather(*runs, concurrency=concurrency, return_exceptions=return_exceptions)

    def restore(self, value: Any) -> Any:
        """Make a recorded JSON result what the return annotation says, or leave it where that fails."""
        adapter = self._result
        if adapter is None:
            return value
        from pydantic_core import to_json

        try:
            # As JSON and by field names, as it was recorded: strict types and aliases would refuse it else.
            return adapter.validate_json(to_json(value), by_alias=True, by_name=True)
        except (ValueError, TypeError):
            return value

    @functools.cached_property
    def _result(self) -> "TypeAdapter[Any] | None":
        from pydantic import TypeAdapter  # here, because it is half the time that `import headway` would take

        try:
            hint = get_type_hints(self.function, include_extras=True).get("return", Any)
            return None if hint is Any else TypeAdapter(hint)
        except Exception:  # noqa: BLE001 - a hint that cannot be evaluated only means: leave results as recorded
            return None

    async def _alone(self, item: Any) -> T:
        return await self.aio(item)  # type: ignore[call-arg]  # one item is its only argument

    def _blocking(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        scope = current_scope.get()
        if scope is None:
            return self.function(*args, **kwargs)
        return scope.run_step_blocking(self, tuple(args), kwargs)

    def _map_blocking(
        self, items: Iterable[Any], concurrency: int | None, return_exceptions: bool
    ) -> list[Any]:
        scope = current_scope.get()
        if scope is not None:
            return scope.map_blocking(
                self, list(items), concurrency=concurrency, return_exceptions=return_exceptions
            )
        return [_outcome(self.function, item, return_exceptions) for item in items]

    def __repr__(self) -> str:
        return f"<step {self.options.name}>"

    def __reduce__(self) -> str:
        # By name, so that a process of its own finds the very step, not a copy of it.
        return self.function.__qualname__


class AsyncStep(Step[P, T]):
    """A step over an `async def` function."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
        """Run it; await the result. A plain workflow gets the result itself."""
        if current_scope.get() is not None and not _loop_runs_here():
            return cast(Coroutine[Any, Any, T], self._blocking(args, kwargs))
        return self.aio(*args, **kwargs)

    def map(
        self, items: Iterable[Any], *, concurrency: int | None = None, return_exceptions: bool = False
    ) -> Coroutine[Any, Any, list[T]]:
        """Run it once for each item, as a group that shows how many are done.

        Args:
            items: One argument each.
            concurrency: At most so many at once.
            return_exceptions: Put an item's exception in its place; else the first ends the group.

        Returns:
            The results in the items' order, to be awaited.
        """
        if current_scope.get() is not None and not _loop_runs_here():
            results = self._map_blocking(items, concurrency, return_exceptions)
            return cast(Coroutine[Any, Any, list[T]], results)
        return self.map_aio(items, concurrency=concurrency, return_exceptions=return_exceptions)


class PlainStep(Step[P, T]):
    """A step over a plain `def` function; the engine runs it in a thread or a process."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run it. In an asynchronous workflow await the result; `aio` says so to type checkers."""
        if current_scope.get() is not None and _loop_runs_here():
            return cast(T, self.aio(*args, **kwargs))
        return cast(T, self._blocking(args, kwargs))

    def map(
        self, items: Iterable[Any], *, concurrency: int | None = None, return_exceptions: bool = False
    ) -> list[T]:
        """Run it once for each item, as a group that shows how many are done.

        Args:
            items: One argument each.
            concurrency: At most so many at once.
            return_exceptions: Put an item's exception in its place; else the first ends the group.

        Returns:
            The results in the items' order; in an asynchronous workflow, to be awaited (see `map_aio`).
        """
        if current_scope.get() is not None and _loop_runs_here():
            results = self.map_aio(items, concurrency=concurrency, return_exceptions=return_exceptions)
            return cast(list[T], results)
        return self._map_blocking(items, concurrency, return_exceptions)


class _Decorator(Protocol):
    @overload
    def __call__(  # type: ignore[overload-overlap]  # the first that fits is meant: asynchronous before plain
        self, function: Callable[P, Coroutine[Any, Any, T]], /
    ) -> AsyncStep[P, T]: ...
    @overload
    def __call__(self, function: Callable[P, T], /) -> PlainStep[P, T]: ...


@overload
def step(  # type: ignore[overload-overlap]  # the first that fits is meant: asynchronous before plain
    function: Callable[P, Coroutine[Any, Any, T]], /
) -> AsyncStep[P, T]: ...
@overload
def step(function: Callable[P, T], /) -> PlainStep[P, T]: ...
@overload
def step(
    *,
    retries: int = 0,
    backoff_s: float = 1.0,
    timeout_s: float | None = None,
    weight: float = 1.0,
    max_concurrency: int | None = None,
    process: bool = False,
    name: str | None = None,
) -> _Decorator: ...
def step(
    function: Callable[..., Any] | None = None,
    /,
    *,
    retries: int = 0,
    backoff_s: float = 1.0,
    timeout_s: float | None = None,
    weight: float = 1.0,
    max_concurrency: int | None = None,
    process: bool = False,
    name: str | None = None,
) -> Any:
    """Declare a function, `async def` or plain `def`, as a step: recorded, retried, shown by itself.

    A step may run again after a crash; its result is recorded once.

    Args:
        function: The function, where the decorator stands without parentheses.
        retries: How often it is tried again after it raised.
        backoff_s: Wait before the first retry; doubles with each, at most 60 s, with jitter.
        timeout_s: Limit for each attempt.
        weight: Its share of the execution's progress among the planned steps.
        max_concurrency: At most so many of it at once in a worker, over all executions.
        process: Run it in a process of its own: for work that keeps a processor busy, and to stop it hard.
            Needs a plain function at the top level of its file; arguments and result are pickled.
        name: Shown to people; the function's name by default.

    Raises:
        DefinitionError: The declaration cannot run; the message says the fix.
    """

    def declare(function: Callable[..., Any]) -> Step[..., Any]:
        check_function(function, "step")
        is_async = inspect.iscoroutinefunction(function)
        options = StepOptions(
            name=_checked_name(name or function.__name__),
            retries=check_count("retries", retries, 0),
            backoff_s=check_number("backoff_s", backoff_s, 0.0),
            timeout_s=check_seconds("timeout_s", timeout_s),
            weight=check_number("weight", weight, 0.0, above=True),
            max_concurrency=None
            if max_concurrency is None
            else check_count("max_concurrency", max_concurrency, 1),
            process=process,
        )
        if process and is_async:
            raise DefinitionError(f"process=True needs a plain function; write `def {function.__name__}`")
        if process and not is_module_level(function):
            raise DefinitionError(
                f"process=True needs a function that a new process can import; "
                f"move {function.__name__} to the top level of its file"
            )
        return AsyncStep(function, options) if is_async else PlainStep(function, options)

    return declare if function is None else declare(function)


def _loop_runs_here() -> bool:
    # `get_running_loop` raises where there is none, which costs several times as much.
    return asyncio._get_running_loop() is not None


def _outcome(function: Callable[..., Any], item: Any, return_exceptions: bool) -> Any:
    try:
        return function(item)
    except Exception as error:
        if return_exceptions:
            return error
        raise


def _checked_name(name: str) -> str:
    if not name.isprintable() or not 0 < len(name) <= 100 or "#" in name or "[" in name or name == "<lambda>":
        raise DefinitionError(
            f"{name!r} is no step name: give name= of up to 100 characters without '#' or '['"
        )
    return name
