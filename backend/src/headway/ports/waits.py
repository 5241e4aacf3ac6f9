"""What an execution can wait for, and how a wait ends."""

from dataclasses import dataclass
from typing import Any, Literal

OnDeadline = Literal["reject", "approve", "fail"]


@dataclass(frozen=True, slots=True)
class Timer:
    """A wait for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A wait for a person's answer; `form` is the JSON Schema, encoded, of the values that come with a yes.

    It ends in a `Reply`, or with `fail` in `ApprovalTimeout` where nobody answers in time.
    """

    message: str
    form: bytes | None = None
    deadline_s: float | None = None
    on_deadline: OnDeadline = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer: `values` as JSON says them; `expired` where it is the deadline's, not a person's.

    `reason` is what the person said about it; empty where they said nothing.
    """

    approved: bool
    by: str = ""
    values: Any = None
    reason: str = ""
    expired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A wait for a message of this name; ends in its value, or in `SignalTimeout`."""

    name: str
    timeout_s: float | None = None


Wait = Timer | Question | Signal
