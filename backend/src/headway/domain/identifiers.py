"""Names of things: what an id looks like and how it is made; knows no clock and no randomness."""

import re
from typing import NewType

ExecutionId = NewType("ExecutionId", str)
WorkflowId = NewType("WorkflowId", str)
StepId = NewType("StepId", str)

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
EXECUTION_ID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
WORKFLOW_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


def execution_id(unix_ms: int, entropy: int) -> ExecutionId:
    """Make an id that sorts by time: 48 bits of milliseconds, then 80 bits of `entropy` (a ULID)."""
    value = (unix_ms & (1 << 48) - 1) << 80 | entropy & (1 << 80) - 1
    return ExecutionId("".join(_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5)))


def is_execution_id(text: str) -> bool:
    """True for the reserved shape that no workflow id may have (it starts with a digit)."""
    return EXECUTION_ID.fullmatch(text) is not None


def is_workflow_id(text: str) -> bool:
    return WORKFLOW_ID.fullmatch(text) is not None
