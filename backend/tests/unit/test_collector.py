"""Garbage in cycles is collected while nothing is going on, or once there is much of it."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from headway.collector import IDLE_SHARE, PASSES_BUSY, PASSES_IDLE, Collector


class Node:
    """Refers to itself: only the collector can free it."""

    def __init__(self) -> None:
        self.self = self


class Cpu:
    """Processor time that moves when it is told to."""

    def __init__(self) -> None:
        self.used_s = 5.0

    def __call__(self) -> float:
        return self.used_s


@pytest.fixture
def old_garbage() -> Iterator[weakref.ref[Node]]:
    """A dead cycle that a look at the newest objects does not find: it was alive at the last ones."""
    gc.collect()
    gc.disable()
    node = Node()
    gc.collect(0)
    gc.collect(1)
    reference = weakref.ref(node)
    del node
    yield reference
    gc.enable()


def pass_through_the_newest(times: int) -> None:
    for _ in range(times):
        gc.collect(0)


def test_when_nothing_is_going_on_a_few_passes_are_enough(old_garbage: weakref.ref[Node]) -> None:
    collector = Collector(1_000, cpu_s=Cpu())
    pass_through_the_newest(PASSES_IDLE - 1)
    collector.look()
    assert old_garbage() is not None
    pass_through_the_newest(1)
    collector.look()
    assert old_garbage() is None


def test_while_much_is_going_on_it_waits_until_there_is_much_to_find(
    old_garbage: weakref.ref[Node],
) -> None:
    cpu = Cpu()
    collector = Collector(1_000, cpu_s=cpu)
    pass_through_the_newest(PASSES_BUSY - 1)
    cpu.used_s += 2 * IDLE_SHARE
    collector.look()
    assert old_garbage() is not None
    pass_through_the_newest(1)
    cpu.used_s += 2 * IDLE_SHARE
    collector.look()
    assert old_garbage() is None


async def test_it_leaves_only_the_newest_objects_to_python() -> None:
    thresholds, frozen = gc.get_threshold(), gc.get_freeze_count()
    try:
        async with Collector(12_345):
            assert gc.get_threshold()[0] == 12_345
            assert min(gc.get_threshold()[1:]) > 1_000_000
            assert gc.get_freeze_count() > frozen
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
