"""Lossy "look again" between processes."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from headway.domain.identifiers import ExecutionId


class Hint(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A lossy "look again": `topic` is `events` (an execution's log grew), `queue`, or `definitions`.

    Encoded it is a list of its fields.
    """

    topic: str
    execution_id: ExecutionId | None = None
    last_seq: int = 0


class HintBus(Protocol):
    """Carries hints between processes; may lose, repeat and reorder them, never blocks."""

    def publish(self, hints: Sequence[Hint]) -> None: ...

    def subscribe(self, receive: Callable[[Sequence[Hint]], None]) -> Callable[[], None]:
        """Call `receive` (on any thread, quickly) for hints of other members and of this one.

        Returns:
            A function that ends the subscription.
        """
        ...

    def close(self) -> None: ...
