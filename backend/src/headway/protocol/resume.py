"""May a viewer go on from its cursor? The decision table as one pure function."""

from dataclasses import dataclass
from typing import Protocol

from headway.domain.position import Cursor
from headway.protocol.messages import Mode, Why

MAX_RESUME_DISTANCE = 10_000  # events; further behind, mode `state` takes a snapshot: it is cheaper


class LogHead(Protocol):
    """How far a log reaches, as `ports.Head` says it."""

    @property
    def epoch(self) -> str: ...

    @property
    def last_seq(self) -> int: ...

    @property
    def last_tag(self) -> int: ...

    @property
    def closed(self) -> bool: ...

    @property
    def trimmed_upto(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Resumed:
    """The viewer keeps what it has; events follow from its cursor."""


@dataclass(frozen=True, slots=True)
class SnapshotNeeded:
    """A snapshot serves the viewer: it has no cursor, or one far behind."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Continuity cannot be proven: the viewer is told why, drops what it has and takes a snapshot."""

    why: Why


Decision = Resumed | SnapshotNeeded | Reset


def decide(
    cursor: Cursor | None,
    head: LogHead,
    *,
    tag: int | None,
    mode: Mode,
    max_distance: int = MAX_RESUME_DISTANCE,
) -> Decision:
    """Whether continuity from `cursor` is proven.

    Args:
        cursor: Where the viewer is, or `None`.
        head: The log's end as committed, read from the primary: a replica that lags would make
            every viewer ahead.
        tag: The log's own tag at `cursor.seq`; `None` where it cannot be recomputed.
        mode: In `state` a viewer more than `max_distance` events behind gets a snapshot.
        max_distance: In events.
    """
    if cursor is None:
        return SnapshotNeeded()
    if cursor.epoch != head.epoch:
        return Reset("epoch")
    if cursor.seq > head.last_seq:
        return Reset("ahead")
    if cursor.seq < head.trimmed_upto:
        return Reset("trimmed")
    if not same_history(cursor, tag):
        return Reset("fork")
    if mode == "state" and head.last_seq - cursor.seq > max_distance:
        return SnapshotNeeded()
    return Resumed()


def same_history(cursor: Cursor, tag: int | None) -> bool:
    """The log up to the cursor is the one the viewer has seen. Guarded by test_feed_machine."""
    return tag == cursor.tag


def agrees_with(cursor: Cursor, head: LogHead) -> bool:
    """Nothing about `head` contradicts a viewer at `cursor`; the log may have grown since."""
    if cursor.epoch != head.epoch or cursor.seq > head.last_seq:
        return False
    return cursor.seq < head.last_seq or cursor.tag == head.last_tag
