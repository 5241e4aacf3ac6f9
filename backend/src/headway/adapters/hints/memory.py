"""Hints inside one process."""

import logging
from collections.abc import Callable, Sequence

from typing_extensions import override

from headway.ports import Hint, HintBus

_log = logging.getLogger(__name__)

Receive = Callable[[Sequence[Hint]], None]


class MemoryHintBus(HintBus):
    """Calls every subscriber on the publisher's thread; a subscriber that raises is logged, not heard of."""

    def __init__(self) -> None:
        self._subscribers: tuple[Receive, ...] = ()  # replaced, never changed: read without a lock

    @override
    def publish(self, hints: Sequence[Hint]) -> None:
        if not hints:
            return
        for receive in self._subscribers:
            try:
                receive(hints)
            except Exception:
                _log.exception("a subscriber of hints failed")

    @override
    def subscribe(self, receive: Receive) -> Callable[[], None]:
        entry: Receive = lambda hints: receive(hints)  # noqa: E731 - its own identity: one function may subscribe twice
        self._subscribers = (*self._subscribers, entry)

        def unsubscribe() -> None:
            self._subscribers = tuple(other for other in self._subscribers if other is not entry)

        return unsubscribe

    @override
    def close(self) -> None:
        self._subscribers = ()
