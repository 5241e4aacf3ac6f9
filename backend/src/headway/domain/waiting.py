"""What an execution waits for, as part of its state: timers, signals and approvals; pure."""

import msgspec
from msgspec import UNSET, Raw, UnsetType

from headway.domain import events as e

MAX_APPROVALS = 1_000  # closed ones beyond it leave the state, oldest first


class WaitState(msgspec.Struct, omit_defaults=True, kw_only=True, gc=False):
    """An open wait for a time or a signal."""

    wait_id: str
    wait: str  # timer or signal
    name: str | None = None
    step_id: str | None = None
    since: str | None = None
    until: str | None = None
    message: str | None = None


class ApprovalState(msgspec.Struct, omit_defaults=True, kw_only=True, gc=False):
    """A question to people, and what became of it."""

    approval_id: str
    message: str
    status: str = "open"  # open, answered or withdrawn
    step_id: str | None = None
    form: Raw | UnsetType = UNSET
    requested_at: str | None = None
    deadline: str | None = None
    on_deadline: str | None = None
    approved: bool | None = None
    by: str | None = None
    values: Raw | UnsetType = UNSET
    reason: str | None = None
    expired: bool = False
    answered_at: str | None = None
    control_id: str | None = None


class Waiting(msgspec.Struct, kw_only=True, gc=False):
    """Everything an execution waits for; a field of its state.

    Args:
        waits: Open ones by id.
        approvals: By id; answered ones stay, so that an answer can be told from a second one.
        signals: How many of each name have come and were not taken yet.
    """

    waits: dict[str, WaitState] = msgspec.field(default_factory=dict)
    approvals: dict[str, ApprovalState] = msgspec.field(default_factory=dict)
    signals: dict[str, int] = msgspec.field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether the workflow waits for anything."""
        return bool(self.waits) or self.open_questions > 0

    @property
    def open_questions(self) -> int:
        if not self.approvals:  # nearly always so, and asked with each batch
            return 0
        return sum(one.status == "open" for one in self.approvals.values())

    def copy(self) -> "Waiting":
        return Waiting(
            waits=dict(self.waits),  # never changed in place
            approvals={key: msgspec.structs.replace(one) for key, one in self.approvals.items()},
            signals=dict(self.signals),
        )

    def start(self, data: e.WaitStarted, at: str) -> None:
        self.waits[data.wait_id] = WaitState(
            wait_id=data.wait_id,
            wait=data.wait,
            name=data.name,
            step_id=data.step_id,
            since=at,
            until=data.until,
            message=data.message,
        )

    def end(self, data: e.WaitEnded) -> None:
        self.waits.pop(data.wait_id, None)
        approval = self.approvals.get(data.wait_id)
        if approval is not None and approval.status == "open":
            approval.status = "withdrawn"
        if data.signal_id is not None and data.name is not None:
            left = self.signals.get(data.name, 0) - 1
            if left > 0:
                self.signals[data.name] = left
            else:
                self.signals.pop(data.name, None)

    def receive(self, data: e.SignalReceived) -> None:
        self.signals[data.name] = self.signals.get(data.name, 0) + 1

    def request(self, data: e.ApprovalRequested, at: str) -> None:
        if data.approval_id not in self.approvals:
            self._make_room()
        self.approvals[data.approval_id] = ApprovalState(
            approval_id=data.approval_id,
            message=data.message,
            step_id=data.step_id,
            form=data.form,
            requested_at=at,
            deadline=data.deadline,
            on_deadline=data.on_deadline,
        )

    def answer(self, data: e.ApprovalAnswered, at: str) -> None:
        """The first answer counts; a later one changes nothing."""
        approval = self.approvals.get(data.approval_id)
        if approval is None or approval.status != "open":
            return
        approval.status, approval.approved, approval.answered_at = "answered", data.approved, at
        approval.by, approval.values, approval.expired = data.by, data.values, data.expired
        approval.reason, approval.control_id = data.reason, data.control_id

    def forget_waits(self) -> None:
        """Nobody waits any more: who goes on says anew what for. Questions to people stay open."""
        self.waits.clear()

    def close(self) -> None:
        """The execution has ended: no question is left to answer, and no message will be taken."""
        self.waits.clear()
        self.signals.clear()
        for approval in self.approvals.values():
            if approval.status == "open":
                approval.status = "withdrawn"

    def _make_room(self) -> None:
        if len(self.approvals) < MAX_APPROVALS:
            return
        closed = next((key for key, one in self.approvals.items() if one.status != "open"), None)
        if closed is not None:
            del self.approvals[closed]
