"""Waiting for what another thread or process does, at the edges of the tests."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(predicate: Callable[[], T], within_s: float = 5.0) -> T:
    """Call `predicate` until it returns something true, and return that; fail after `within_s`."""
    deadline = time.monotonic() + within_s
    while True:
        result = predicate()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s: {predicate}; last: {result!r}")
        time.sleep(0.005)
