"""Rows of the lobby: at most four updates a second each, and the last change of a row is never lost."""

from collections.abc import Sequence

from headway.protocol.effects import Effect, Follow, Send, SendRows
from headway.protocol.messages import LOBBY, Row, Rows, SubOk

ROW_INTERVAL_S = 0.25
MAX_WAITING_ROWS = 1_000  # of one slow viewer; beyond it the list is read afresh


class LobbyRows:
    """Holds back what changes too often. Time comes in; memory is one entry a row that changed lately."""

    def __init__(self, interval_s: float = ROW_INTERVAL_S) -> None:
        self._interval_s = interval_s
        self._shown_at: dict[str, float] = {}
        self._waiting: dict[str, Row] = {}

    def changed(self, row: Row, now: float) -> Row | None:
        """The row if it may be shown at once; else it waits, in place of an older one, for `due`."""
        key = row.execution_id
        if key not in self._waiting and now - self._shown_at.get(key, -self._interval_s) >= self._interval_s:
            self._shown_at[key] = now
            return row
        self._waiting[key] = row
        return None

    def due(self, now: float) -> list[Row]:
        """Rows that have waited long enough, each as it is now."""
        ready = [key for key in self._waiting if now - self._shown_at[key] >= self._interval_s]
        rows = [self._waiting.pop(key) for key in ready]
        self._shown_at.update(dict.fromkeys(ready, now))
        self._forget(now)
        return rows

    def forget(self, execution_id: str) -> None:
        """Show no more of a row that is gone."""
        self._shown_at.pop(execution_id, None)
        self._waiting.pop(execution_id, None)

    @property
    def next_due(self) -> float | None:
        """When `due` has something to say; `None` while nothing waits."""
        if not self._waiting:
            return None
        return min(self._shown_at[key] for key in self._waiting) + self._interval_s

    def _forget(self, now: float) -> None:
        old = [key for key, at in self._shown_at.items() if now - at >= self._interval_s]
        for key in old:
            if key not in self._waiting:
                del self._shown_at[key]


class LobbySubscription:
    """One viewer of the list. One frame under way; what changes meanwhile is merged by row."""

    x = LOBBY

    def __init__(self, number: int) -> None:
        self.number = number
        self.stalled_since: float | None = None
        self._opening = True
        self._outdated = False
        self._waiting: dict[str, Row] = {}

    def open(self) -> list[Effect]:
        """Ask for the rows as they are."""
        self._opening, self._outdated = True, False
        self._waiting.clear()
        return [Follow(number=self.number, x=LOBBY)]

    def rows_read(self, rows: Sequence[Row], now: float) -> list[Effect]:
        """All rows to show; changes since they were read may already wait."""
        if not self._opening:
            return []
        self._opening, self.stalled_since = False, now
        message = Rows(x=LOBBY, rows=list(rows), reset=True)
        return [Send(SubOk(x=LOBBY, result="snapshot")), SendRows(self.number, message)]

    def rows_changed(self, rows: Sequence[Row], now: float) -> list[Effect]:
        """Rows as `LobbyRows` lets them pass."""
        self._waiting.update((row.execution_id, row) for row in rows)
        return self._flush(now)

    def rows_gone(self) -> list[Effect]:
        """There is no word for a row that is gone: all that are left are shown anew."""
        self._outdated = not self._opening
        return self.open() if self._outdated and self.stalled_since is None else []

    def written(self, now: float) -> list[Effect]:
        self.stalled_since = None
        if self._outdated or len(self._waiting) > MAX_WAITING_ROWS:
            return self.open()
        return self._flush(now)

    def _flush(self, now: float) -> list[Effect]:
        if self._opening or self.stalled_since is not None or not self._waiting:
            return []
        message = Rows(x=LOBBY, rows=list(self._waiting.values()))
        self._waiting.clear()
        self.stalled_since = now
        return [SendRows(self.number, message)]
