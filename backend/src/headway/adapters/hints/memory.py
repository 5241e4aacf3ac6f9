"""Hints inside one process."""

import logging
import threading
from collections.abc import Callable, Sequence

from typing_extensions import override

from headway.ports import Hint, HintBus

_log = logging.getLogger(__name__)

Receive = Callable[[Sequence[Hint]], None]


class MemoryHintBus(HintBus):
    """Calls every subscriber on the publisher's thread; one that raises is logged, no more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscribers: dict[object, Receive] = {}

    @override
    def publish(self, hints: Sequence[Hint]) -> None:
        if not hints:
            return
        with self._lock:
            subscribers = list(self._subscribers.values())
        for receive in subscribers:
            try:
                receive(hints)
            except Exception:  # noqa: BLE001 - a subscriber of others must not end this one
                _log.exception("a subscriber of hints failed")

    @override
    def subscribe(self, receive: Receive) -> Callable[[], None]:
        subscription = object()
        with self._lock:
            self._subscribers[subscription] = receive

        def unsubscribe() -> None:
            with self._lock:
                self._subscribers.pop(subscription, None)

        return unsubscribe

    @override
    def close(self) -> None:
        with self._lock:
            self._subscribers.clear()
