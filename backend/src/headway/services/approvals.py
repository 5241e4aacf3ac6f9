"""What people are asked, over all executions: the open questions, the most urgent first.

Blocking, on the journal. The journal's rows say who asks; what is asked stands in their states, and each is
read again only after its log has grown.
"""

from dataclasses import dataclass, field

import msgspec
from msgspec import Raw

from headway.domain.execution import State
from headway.domain.identifiers import ExecutionId
from headway.ports import ExecutionFilter, ExecutionRecord, Journal
from headway.services.states import load_state

MAX_ASKING = 1_000  # executions, the newest
_NEVER = "~"  # behind every time


class ApprovalView(msgspec.Struct, kw_only=True):
    """An open question; `form` is the JSON Schema of the values that come with a yes, if there are any."""

    execution_id: str
    workflow_id: str
    approval_id: str
    message: str
    step_id: str | None
    form: Raw | None
    requested_at: str | None
    deadline: str | None
    on_deadline: str | None
    started_by: str | None


class ApprovalsView(msgspec.Struct, kw_only=True):
    """`total` counts those that the limit has left out, too."""

    approvals: list[ApprovalView]
    total: int


@dataclass(frozen=True, slots=True)
class _Read:
    epoch: str
    last_seq: int
    questions: list[ApprovalView]


@dataclass(slots=True)
class Approvals:
    """Finds open questions. Many threads may ask at once: each leaves what it has read to the next."""

    journal: Journal
    _known: dict[ExecutionId, _Read] = field(default_factory=dict)

    def open(self, limit: int) -> ApprovalsView:
        """Up to `limit` of them: those that must be answered soonest, then those asked longest ago."""
        known = self._known
        records = self.journal.find(ExecutionFilter(asking=True, limit=MAX_ASKING))
        read = {record.execution_id: self._read(record, known) for record in records}
        self._known = read
        questions = [question for each in read.values() for question in each.questions]
        questions.sort(key=lambda one: (one.deadline or _NEVER, one.requested_at or _NEVER, one.execution_id))
        return ApprovalsView(approvals=questions[:limit], total=len(questions))

    def _read(self, record: ExecutionRecord, known: dict[ExecutionId, _Read]) -> _Read:
        head, before = record.head, known.get(record.execution_id)
        if before is not None and (before.epoch, before.last_seq) == (head.epoch, head.last_seq):
            return before
        state = load_state(self.journal, record.execution_id, head.last_seq)
        return _Read(head.epoch, head.last_seq, _open_questions(state))


def _open_questions(state: State) -> list[ApprovalView]:
    return [
        ApprovalView(
            execution_id=state.execution_id,
            workflow_id=state.workflow_id,
            approval_id=one.approval_id,
            message=one.message,
            step_id=one.step_id,
            form=one.form if isinstance(one.form, Raw) else None,
            requested_at=one.requested_at,
            deadline=one.deadline,
            on_deadline=one.on_deadline,
            started_by=state.by,
        )
        for one in state.waiting.approvals.values()
        if one.status == "open"
    ]
