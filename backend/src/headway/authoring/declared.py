"""Checks that `@workflow` and `@step` share; each message says the fix."""

import inspect
import math
from collections.abc import Callable
from typing import Any

from headway.errors import DefinitionError


def check_function(function: object, decorator: str) -> None:
    """Raises `DefinitionError` unless this is a plain or asynchronous function, and no method."""
    if not inspect.isfunction(function):
        raise DefinitionError(
            f"@{decorator} goes on a function, this is {_what(function)}; "
            f"put it directly above `def` or `async def`, with its settings by name"
        )
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise DefinitionError(
            f"{function.__qualname__} yields, so it has no one result; return a list, "
            f"and wrap loops in headway.track() to show how far they are"
        )
    outer = function.__qualname__.rpartition(".")[0]
    if outer and not outer.endswith("<locals>"):
        raise DefinitionError(
            f"{function.__qualname__} is a method; move it out of the class, @{decorator} too"
        )


def check_seconds(name: str, value: float | None) -> float | None:
    """Raises `DefinitionError` unless it is a positive number or `None`."""
    if value is None:
        return None
    if not _is_number(value) or value <= 0:
        raise DefinitionError(f"{name}={value!r} must be a number of seconds above 0, or None for no limit")
    return float(value)


def check_number(name: str, value: float, least: float, *, above: bool = False) -> float:
    """Raises `DefinitionError` unless it is a number of at least (or `above`) `least`."""
    if not _is_number(value) or value < least or (above and value == least):
        raise DefinitionError(
            f"{name}={value!r} must be a number {'above' if above else 'of at least'} {least:g}"
        )
    return float(value)


def check_count(name: str, value: int, least: int) -> int:
    """Raises `DefinitionError` unless it is a whole number of at least `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise DefinitionError(f"{name}={value!r} must be a whole number of at least {least}")
    return value


def is_module_level(function: Callable[..., Any]) -> bool:
    return "<locals>" not in function.__qualname__


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _what(value: object) -> str:
    kind = type(value).__name__
    return f"the class {value.__name__}" if isinstance(value, type) else f"a {kind}"
