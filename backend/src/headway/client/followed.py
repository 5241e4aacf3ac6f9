"""Which execution of a workflow a viewer follows, by the rules of the WebSocket; pure."""

from collections.abc import Sequence

from headway.services.views import ExecutionView


def first_followed(newest_first: Sequence[ExecutionView]) -> str | None:
    """The oldest open execution that has been started, else the oldest queued one, else the latest."""
    is_open = [each for each in newest_first if not each.closed]
    started = [each for each in is_open if each.started_at is not None]
    chosen = (started or is_open)[-1:] or list(newest_first[:1])
    return chosen[0].execution_id if chosen else None


def next_followed(newest_first: Sequence[ExecutionView], after: str) -> str | None:
    """The one that was created next; ids sort by the time of creation."""
    later = [each.execution_id for each in newest_first if each.execution_id > after]
    return min(later) if later else None
