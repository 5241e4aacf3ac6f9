"""What the newest runs of a log were, to account for what was sent of them once their text is gone."""

from bisect import bisect_right
from collections.abc import Sequence

from headway.domain.position import Cursor
from headway.protocol.effects import Offer

KEPT_EVENTS = 8_192  # twice what a viewer may be sent before it says that it has it
MAX_PARTS = 8  # that are accounted for at once: what a viewer says it has is taken back in such parts


class Ledger:
    """Runs that follow each other, and how many bytes they are in all."""

    def __init__(self) -> None:
        self._runs: list[Offer] = []
        self._ends: list[int] = []  # seq of the last event of each
        self._totals: list[int] = []  # bytes up to there, of all that ever were

    def add(self, run: Offer) -> None:
        """It follows the last one; those that nobody can ask for any more are forgotten."""
        self._runs.append(run)
        self._ends.append(run.upto)
        self._totals.append(run.size + (self._totals[-1] if self._totals else 0))
        if self._ends[0] < run.upto - 2 * KEPT_EVENTS:  # seldom, and many at once
            drop = bisect_right(self._ends, run.upto - KEPT_EVENTS)
            del self._runs[:drop], self._ends[:drop], self._totals[:drop]

    def between(self, after: int, upto: int) -> Sequence[Offer]:
        """What lies between the ends of two runs, neighbours joined to at most `MAX_PARTS`."""
        start, stop = bisect_right(self._ends, after), bisect_right(self._ends, upto)
        step = -(-(stop - start) // MAX_PARTS)
        if step <= 1:
            return self._runs[start:stop]
        return [self._joined(first, min(first + step, stop) - 1) for first in range(start, stop, step)]

    def bytes_upto(self, seq: int) -> int:
        """Bytes of all runs up to the end of one, since the first that there ever was."""
        place = bisect_right(self._ends, seq)
        if place:
            return self._totals[place - 1]
        return self._totals[0] - self._runs[0].size if self._runs else 0

    def _joined(self, first: int, last: int) -> Offer:
        before, behind = self._runs[first].before, self._runs[last].behind
        return Offer(
            before=before,
            behind=behind,
            count=behind.seq - before.seq,
            size=self._totals[last] - self._totals[first] + self._runs[first].size,
            closes=self._runs[last].closes,
        )

    def ends_at(self, cursor: Cursor) -> bool:
        """A run ended there, in this history."""
        place = bisect_right(self._ends, cursor.seq)
        return place > 0 and self._runs[place - 1].behind == cursor
