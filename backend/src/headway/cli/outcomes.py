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


def exit_code(state: State | None) -> int:
    return exits.FAILED if state is None else exits.OF_STATUS.get(state.status, exits.FAILED)
