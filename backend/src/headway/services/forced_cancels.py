"""Which workers have to be ended, because a cancel was forced and their event loop does not answer.

User code that never awaits holds up the loop of its worker, and with it every cancel; nothing in that process
can help where C code also holds the interpreter's lock. So the supervisor looks, in the log alone: what the
loop has seen is delivered, what it has carried out is closed.
"""

from collections.abc import Callable, Iterable

from headway.domain.identifiers import ExecutionId
from headway.ports import Journal
from headway.services.cancellation import FORCED
from headway.services.states import load_state

ANSWER_S = 2.0  # a loop that is only busy answers by then, and nothing is ended
END_S = 15.0  # longer than a loop that has answered insists before it gives up on user code


class ForcedCancels:
    """Remembers since when each forced cancel waits."""

    def __init__(self, journal: Journal, monotonic: Callable[[], float]) -> None:
        self._journal, self._monotonic = journal, monotonic
        self._since: dict[tuple[str, ExecutionId], float] = {}

    def overdue(self, owners: Iterable[str]) -> dict[str, list[ExecutionId]]:
        """The owners to be ended, and for which of their executions; ask every second or so.

        Blocking.

        Raises:
            JournalUnavailable: Nothing is known now; ask again.
        """
        asked = [(owner, each) for owner in owners for each in self._journal.written_to(owner, FORCED)]
        now = self._monotonic()
        self._since = {key: self._since.get(key, now) for key in asked}
        found: dict[str, list[ExecutionId]] = {}
        for (owner, execution_id), since in self._since.items():
            waited_s = now - since
            if waited_s >= ANSWER_S and waited_s >= self._limit_s(execution_id):
                found.setdefault(owner, []).append(execution_id)
        return found

    def _limit_s(self, execution_id: ExecutionId) -> float:
        state = load_state(self._journal, execution_id)
        forced = [control for control in state.controls.values() if control.force]
        if state.closed or not forced:
            return float("inf")
        return ANSWER_S if any(control.stage == "requested" for control in forced) else END_S
