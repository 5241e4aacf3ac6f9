"""How an execution ended, in words and as an exit code."""

import msgspec

from headway.cli import exits
from headway.domain.execution import State


def describe_end(state: State) -> str:
    """Result or error, outputs, and the seal."""
    lines = []
    if state.status == "completed" and bytes(state.output) != b"null":
        lines.append(msgspec.json.format(bytes(state.output), indent=2).decode())
    elif state.status == "failed":
        where = f" in step {state.step}" if state.step else ""
        lines.extend(filter(None, [state.traceback, f"Failed{where}: {state.error}"]))
    lines.extend(f"Output: {each.name} ({each.size:,} bytes)" for each in state.outputs.values())
    totals = state.totals
    if totals is not None:
        dropped = f", {totals.dropped:,} dropped" if totals.dropped else ""
        logs = f"{totals.logs:,} log lines, {totals.errors:,} errors{dropped}"
        lines.append(f"{state.status}: {totals.events:,} events, {logs}")
    return "\n".join(lines)


def describe_proof(state: State, verified_from: int | None) -> str:
    """How much of the log was seen, and from where on its chain was checked; empty without a seal."""
    totals = state.totals
    if totals is None:
        return ""
    before = totals.events - state.counts.events  # not asked for
    proof = ""
    if verified_from is not None and verified_from >= totals.events:
        proof = ", as the server says; headway verify checks them"
    elif verified_from is not None:
        proof = ", verified" if verified_from == before else f", verified from event {verified_from + 1:,}"
    dropped = f"; {totals.dropped:,} lines were dropped before they were stored" if totals.dropped else ""
    if before > 0:
        return f"complete from event {before + 1:,} on{proof}{dropped}"
    whole = "complete" if state.counts.logs == totals.logs else "INCOMPLETE"
    return f"{whole}: {state.counts.logs:,} of {totals.logs:,} lines{proof}{dropped}"


def exit_code(state: State | None) -> int:
    return exits.FAILED if state is None else exits.OF_STATUS.get(state.status, exits.FAILED)
