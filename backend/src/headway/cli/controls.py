"""`headway approve` and `signal`: what a waiting execution is told."""

import json
import sys
from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from headway.cli import exits
from headway.cli.backends import Backend
from headway.cli.executions import with_backend
from headway.cli.inputs import read_input
from headway.cli.plain_view import without_controls
from headway.config import Settings
from headway.domain.execution import State
from headway.domain.waiting import ApprovalState
from headway.errors import ApprovalNotFound, InvalidSetting


def approve(
    settings: Settings,
    execution_id: str,
    approval_id: str | None,
    pairs: Sequence[str],
    *,
    approved: bool,
    reason: str | None = None,
) -> int:
    async def ask(backend: Backend) -> int:
        question = _question((await backend.execution(execution_id)).state, approval_id)
        form = {} if question.form is UNSET else msgspec.json.decode(question.form)
        values = read_input(pairs, None, form, option="--value") if pairs else None
        receipt = await backend.answer(
            execution_id, question.approval_id, approved=approved, values=values, reason=reason
        )
        told = "yes" if approved else "no"
        sys.stdout.write(f"{without_controls(question.message)} {told} ({receipt.control_id}).\n")
        sys.stdout.write(f"See it go on: headway watch {execution_id}\n")
        return exits.COMPLETED

    return with_backend(settings, ask)


def signal(settings: Settings, execution_id: str, name: str, json_text: str, key: str | None) -> int:
    try:
        value = json.loads(json_text)
    except ValueError as error:
        raise InvalidSetting(
            f"--json {json_text!r} is no JSON ({error}); text needs quotes of its own: --json '\"text\"'"
        ) from error

    async def ask(backend: Backend) -> int:
        receipt = await backend.signal(execution_id, name, value, idempotency_key=key)
        sys.stdout.write(f"Signal {name} sent ({receipt.control_id}).\n")
        return exits.COMPLETED

    return with_backend(settings, ask)


def _question(state: State, approval_id: str | None) -> ApprovalState:
    """The one that is meant: by its id, else the only open one."""
    approvals = state.waiting.approvals
    if approval_id is not None and approval_id in approvals:
        return approvals[approval_id]
    waiting = [one for one in approvals.values() if one.status == "open"]
    if approval_id is None and len(waiting) == 1:
        return waiting[0]
    shown = "; ".join(f"{one.approval_id}: {without_controls(one.message)}" for one in waiting)
    if approval_id is None and waiting:
        raise InvalidSetting(f"several questions are open; choose one with --question: {shown}")
    raise ApprovalNotFound(f"{state.execution_id} has no such open question; open are: {shown or 'none'}")
