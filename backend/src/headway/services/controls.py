"""What people and programs ask of an execution: cancel, answer, signal; each with its receipt in the log.

Blocking, on the journal; a worker follows the log and does what it says there. So a control outlives the
server that took it, and reaches a worker that is not there yet.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import UNSET, Raw

from headway.domain import events as e
from headway.domain.execution import State
from headway.domain.identifiers import ExecutionId
from headway.domain.timestamps import timestamp
from headway.domain.waiting import ApprovalState
from headway.errors import (
    AppendConflict,
    ApprovalClosed,
    ApprovalNotFound,
    ClientError,
    ExecutionClosed,
    IdempotencyConflict,
    InvalidInput,
    PayloadTooLarge,
    TooManySignals,
)
from headway.ports import Appended, Batch, Clock, Hint, HintBus, Journal
from headway.services.cancellation import FORCED, cancelled_batch
from headway.services.inputs import check_finite, check_values, not_json
from headway.services.states import catch_up, events_between, load_state
from headway.services.views import ControlReceipt

MAX_KEY_LENGTH = 200
MAX_NAME_LENGTH = 100  # of a signal, and of whoever asks
MAX_REASON_LENGTH = 2_000
MAX_SIGNAL_BYTES = 65_536
MAX_UNTAKEN_SIGNALS = 1_000
_NOWHERE = -1  # no log is at this seq: a batch that is not stored already is refused
_TRIES = 20  # each lost to an append of somebody else in between: a worker has just claimed it
# They change neither a question nor the phase, and a worker may append them without a pause.
_BESIDE_QUESTIONS = frozenset(
    kind.kind
    for kind in (
        *(e.Log, e.Gap, e.Output),
        *(e.StepStarted, e.StepProgressed, e.StepRetrying),
        *(e.StepCompleted, e.StepFailed, e.StepSkipped, e.StepCancelled),
    )
)


@dataclass(frozen=True, slots=True)
class Controls:
    """Writes controls into the log of an execution; see `Executions` for the arguments.

    Every method raises `ExecutionNotFound` where there is none, and `ExecutionClosed` where it has ended:
    then nothing is written, and a repeated request still gets its first receipt.
    """

    journal: Journal
    hints: HintBus
    clock: Clock
    entropy: Callable[[], int]

    def cancel(
        self,
        execution_id: ExecutionId,
        *,
        force: bool = False,
        by: str | None = None,
        idempotency_key: str | None = None,
    ) -> ControlReceipt:
        """Ask for the end of an execution; one that no worker holds ends at once.

        A cancel that is under way, or came with the same key before, gives the same receipt again; one with
        `force` has a receipt of its own, whether a cancel was asked for before or not. It ends the worker
        where its event loop does not answer, see `ForcedCancels`.
        """
        check_key(idempotency_key)
        by = checked_name(by)
        how = ("force",) if force else ()
        control_id = receipt_id("cancel", execution_id, *how, idempotency_key or "")
        asked = e.ControlRequested(
            control="cancel", control_id=control_id, by=by, force=force, phase="cancelling"
        )
        for _ in range(_TRIES):
            record = self.journal.get(execution_id)
            state = load_state(self.journal, execution_id, record.head.last_seq)
            own = control_id if idempotency_key is not None and control_id in state.controls else None
            if state.closed and own is None:
                raise _closed(state)  # whoever has cancelled it: this key has not
            known = own or _cancel_under_way(state, force=force)
            is_held = record.lease_owner is not None
            if known is None or not (is_held or state.closed):
                try:
                    self._append(self._cancellation(state, None if known else asked, is_held=is_held))
                except (AppendConflict, ExecutionClosed):
                    continue
            return ControlReceipt(control_id=known or control_id, control="cancel", execution_id=execution_id)
        raise AppendConflict(f"execution {execution_id} moves too fast to be cancelled; try again")

    def answer(
        self,
        execution_id: ExecutionId,
        approval_id: str,
        *,
        approved: bool,
        values: Any = None,
        reason: str | None = None,
        by: str | None = None,
    ) -> ControlReceipt:
        """Answer a question of the workflow; the same answer again gives the same receipt.

        Args:
            execution_id: Who asks.
            approval_id: The question, as the log names it.
            approved: Yes or no.
            values: What comes with it: an object that fits the question's form.
            reason: Why, in the words of who answers; at most 2,000 characters.
            by: Who answers.

        Raises:
            ApprovalNotFound: It has asked no such question.
            ApprovalClosed: It was answered otherwise, has expired, or is no longer asked.
            InvalidInput: Naming each field that does not fit the form.
        """
        by, reason = checked_name(by), _checked_reason(reason)
        said = _Answer(approved, values, reason, by)
        state = load_state(self.journal, execution_id)
        for _ in range(_TRIES):
            approval = _approval(state, approval_id)
            control_id = said.control_id(execution_id, approval)
            if approval.status != "answered" or approval.control_id != control_id:
                batch = self._answering(execution_id, state, approval, said)
                try:
                    self._append(batch)
                except (AppendConflict, ExecutionClosed):
                    catch_up(self.journal, execution_id, state)
                    continue
            return ControlReceipt(control_id=control_id, control="approve", execution_id=execution_id)
        raise AppendConflict(f"execution {execution_id} moves too fast to be answered; try again")

    def signal(
        self,
        execution_id: ExecutionId,
        name: str,
        value: Any = None,
        *,
        by: str | None = None,
        idempotency_key: str | None = None,
    ) -> ControlReceipt:
        """Send the workflow a message; it stays in the log until a wait of the name takes it.

        Args:
            execution_id: To whom.
            name: Of 1 to 100 printable characters.
            value: Any JSON, at most 64 KiB.
            by: Who sends it.
            idempotency_key: With a known one nothing is sent again.

        Raises:
            IdempotencyConflict: The key came with another name or value.
            PayloadTooLarge: The value is above the limit.
            TooManySignals: The execution has not taken those that came before.
        """
        check_key(idempotency_key)
        by = checked_name(by)
        if not (0 < len(name) <= MAX_NAME_LENGTH and name.isprintable()):
            raise ClientError(
                f"a signal's name has 1 to {MAX_NAME_LENGTH} printable characters", field="name"
            )
        encoded = _encode(value, "value", within=("value",))
        if len(encoded) > MAX_SIGNAL_BYTES:
            raise PayloadTooLarge(
                f"the value has {len(encoded):,} bytes; at most {MAX_SIGNAL_BYTES:,}",
                limit_bytes=MAX_SIGNAL_BYTES,
            )
        state = load_state(self.journal, execution_id)
        unique = f"key {idempotency_key}" if idempotency_key is not None else f"{self.entropy():x}"
        signal_id = receipt_id("signal", execution_id, unique)
        if idempotency_key is None and state.closed:
            raise _closed(state)
        is_full = sum(state.waiting.signals.values()) >= MAX_UNTAKEN_SIGNALS
        sent = e.SignalReceived(signal_id=signal_id, name=name, value=Raw(encoded), by=by)
        requested = e.ControlRequested(
            control="signal", control_id=signal_id, by=by, message=f"signal {name}"
        )
        now = timestamp(self.clock.now_ns())
        batch = Batch(
            execution_id=execution_id,
            producer_id=f"server:{signal_id}",
            first_producer_seq=1,
            bodies=[e.encode_body(data, now) for data in (requested, sent)],
            # Only the journal knows every key there was: where there is no room it is asked for a known one.
            expected_last_seq=_NOWHERE if is_full else None,
        )
        try:
            stored = self._append(batch)
        except AppendConflict:
            told = f"execution {execution_id} has not taken {MAX_UNTAKEN_SIGNALS:,} signals"
            raise TooManySignals(told) from None
        if stored.duplicate:
            self._check_repeated(execution_id, stored.last_seq, sent)
        return ControlReceipt(control_id=signal_id, control="signal", execution_id=execution_id)

    def _answering(
        self, execution_id: ExecutionId, state: State, approval: ApprovalState, said: "_Answer"
    ) -> Batch:
        """The answer, for a log where the question is as `state` says: open."""
        if state.closed:
            raise _closed(state)
        now = timestamp(self.clock.now_ns())
        if approval.status != "open" or (approval.deadline is not None and approval.deadline <= now):
            raise _approval_closed(approval)
        approval_id, control_id = approval.approval_id, said.control_id(execution_id, approval)
        said.check(approval)
        requested = e.ControlRequested(
            control="approve",
            control_id=control_id,
            by=said.by,
            message=f"{'yes' if said.approved else 'no'} to {approval_id}: {approval.message}",
        )
        encoded = said.encoded(approval)
        answered = e.ApprovalAnswered(
            approval_id=approval_id,
            approved=said.approved,
            by=said.by,
            values=UNSET if encoded is None else Raw(encoded),
            reason=said.reason,
            control_id=control_id,
        )
        answered.phase = _apply(state.copy(), answered, now).phase
        return Batch(
            execution_id=execution_id,
            # A question may be asked again and get the same answer, at another place in the log.
            producer_id=f"server:{control_id}:{state.seq}",
            first_producer_seq=1,
            bodies=[e.encode_body(data, now) for data in (requested, answered)],
            expected_last_seq=state.seq,
            overlooks=_BESIDE_QUESTIONS,
        )

    def _check_repeated(self, execution_id: ExecutionId, seq: int, sent: e.SignalReceived) -> None:
        [first] = events_between(self.journal, execution_id, seq - 1, seq)
        data = first.data
        if not isinstance(data, e.SignalReceived) or (data.name, data.value) != (sent.name, sent.value):
            raise IdempotencyConflict(execution_id=execution_id)

    def _cancellation(self, state: State, asked: e.ControlRequested | None, *, is_held: bool) -> Batch:
        """The request alone where a worker holds the execution, else with its effect and the end."""
        now = timestamp(self.clock.now_ns())
        if asked is None or not is_held:
            return cancelled_batch(state, now, asked)
        return Batch(
            execution_id=ExecutionId(state.execution_id),
            producer_id=f"{FORCED if asked.force else 'server:'}{asked.control_id}",
            first_producer_seq=1,
            bodies=[e.encode_body(asked, now)],
        )

    def _append(self, batch: Batch) -> Appended:
        (outcome,) = self.journal.append([batch])
        if isinstance(outcome, Exception):
            raise outcome
        self.hints.publish([Hint("events", batch.execution_id, outcome.last_seq)])
        return outcome


@dataclass(frozen=True, slots=True)
class _Answer:
    """What somebody says to a question."""

    approved: bool
    values: Any
    reason: str | None
    by: str | None

    def values_for(self, approval: ApprovalState) -> Any:
        """Without a form there are none; a yes to a form has some, if only its defaults."""
        if approval.form is UNSET:
            return self.values or None
        return {} if self.approved and self.values is None else self.values

    def encoded(self, approval: ApprovalState) -> bytes | None:
        values = self.values_for(approval)
        return None if values is None else _encode(values, "values")

    def control_id(self, execution_id: ExecutionId, approval: ApprovalState) -> str:
        """The same for the same answer, whoever gives it."""
        said = (
            str(self.approved),
            (self.encoded(approval) or b"").decode(),
            *([self.reason] if self.reason else ()),
        )
        return receipt_id("approve", execution_id, approval.approval_id, *said)

    def check(self, approval: ApprovalState) -> None:
        """Raises `InvalidInput` where the values do not fit."""
        values, what = self.values_for(approval), f"the answer to {approval.approval_id}"
        if approval.form is UNSET:
            if values:
                fault = {"field": "", "message": "no values are asked for"}
                raise InvalidInput(f"{what} takes no values", errors=[fault])
        elif self.approved or values is not None:
            check_values(msgspec.json.decode(approval.form), values, what)


def receipt_id(*parts: str) -> str:
    """The same for the same request, so that its repetition is known for one."""
    return sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:26]


def check_key(key: str | None) -> None:
    """Raises `ClientError` unless it is fit to be an idempotency key."""
    if key is not None and not (0 < len(key) <= MAX_KEY_LENGTH and key.isprintable()):
        raise ClientError(
            f"an idempotency key has 1 to {MAX_KEY_LENGTH} printable characters", field="Idempotency-Key"
        )


def checked_name(by: str | None) -> str | None:
    """Who asks, as the log will say; `None` where nobody says. Raises `ClientError`."""
    if by and not (len(by) <= MAX_NAME_LENGTH and by.isprintable()):
        raise ClientError(f"a name has at most {MAX_NAME_LENGTH} printable characters", field="by")
    return by or None


def _checked_reason(reason: str | None) -> str | None:
    reason = (reason or "").strip()
    if len(reason) > MAX_REASON_LENGTH:
        raise ClientError(f"a reason has at most {MAX_REASON_LENGTH:,} characters", field="reason")
    return reason or None


def _cancel_under_way(state: State, *, force: bool) -> str | None:
    """Receipt of a cancel that was requested; where force is asked for, of one with it."""
    cancels = (control for control in state.controls.values() if control.control == "cancel")
    return next((control.control_id for control in cancels if control.force or not force), None)


def _apply(state: State, data: e.EventData, now: str) -> State:
    state.apply(e.Event(state.seq + 1, now, data))
    return state


def _approval(state: State, approval_id: str) -> ApprovalState:
    approval = state.waiting.approvals.get(approval_id)
    if approval is None:
        asked = ", ".join(key for key, one in state.waiting.approvals.items() if one.status == "open")
        raise ApprovalNotFound(
            f"execution {state.execution_id} has asked no {approval_id!r}; open are: {asked or 'none'}",
            approval_id=approval_id,
        )
    return approval


def _approval_closed(approval: ApprovalState) -> ApprovalClosed:
    if approval.status == "answered":
        who = f" by {approval.by}" if approval.by else " by its deadline" if approval.expired else ""
        told = f"was already answered with {'yes' if approval.approved else 'no'}{who}"
    else:
        told = "is no longer asked" if approval.status == "withdrawn" else "has expired"
    return ApprovalClosed(
        f"{approval.approval_id} {told}", approval_id=approval.approval_id, approved=approval.approved
    )


def _closed(state: State) -> ExecutionClosed:
    return ExecutionClosed(
        f"execution {state.execution_id} has already ended: {state.status}",
        execution_id=state.execution_id,
        status=state.status,
    )


def _encode(value: Any, field: str, within: tuple[str, ...] = ()) -> bytes:
    try:
        check_finite(value, field, within)
        return msgspec.json.encode(value, order="deterministic")
    except (TypeError, ValueError) as error:
        raise not_json(value, field, error) from error
