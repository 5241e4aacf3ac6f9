"""The clocks of this machine."""

import time

from headway.ports import Clock


class SystemClock(Clock):
    """Wall time for timestamps, monotonic time for waiting; nothing is ordered by either."""

    # The functions themselves: read for each event, where a method around them would cost twice as much.
    now_ns = staticmethod(time.time_ns)
    monotonic = staticmethod(time.monotonic)
