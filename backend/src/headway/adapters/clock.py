"""The clocks of this machine."""

import time

from typing_extensions import override

from headway.ports import Clock


class SystemClock(Clock):
    """Wall time for timestamps, monotonic time for waiting; nothing is ordered by either."""

    @override
    def now_ns(self) -> int:
        return time.time_ns()

    @override
    def monotonic(self) -> float:
        return time.monotonic()
