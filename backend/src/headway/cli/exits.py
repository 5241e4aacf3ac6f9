"""Exit codes, and how an error of any kind becomes two lines and one of them."""

import sys
import traceback

from headway.errors import (
    ClientError,
    ConflictError,
    ExecutionNotFound,
    Forbidden,
    HeadwayError,
    Unauthorized,
    UnavailableError,
)

COMPLETED, FAILED, USAGE, CANCELLED, UNREACHABLE, UNWRITTEN = 0, 1, 2, 3, 4, 5
INTERRUPTED = 130
OF_STATUS = {"completed": COMPLETED, "failed": FAILED, "cancelled": CANCELLED}

_HINTS: dict[type[HeadwayError], str] = {
    ExecutionNotFound: "List what there is: headway ls",
    Unauthorized: "Set HEADWAY_TOKEN to the server's token",
    Forbidden: "Call the server by a name it allows: see HEADWAY_ALLOWED_HOSTS",
}


def code_of(error: BaseException) -> int:
    """2 where the caller can change something, 4 where a server or database cannot be used, else 1.

    5 where the system refuses what a command itself writes or reads.
    """
    match error:
        case ClientError() | ConflictError():
            return USAGE
        case UnavailableError():
            return UNREACHABLE
        case OSError():
            return UNWRITTEN
        case KeyboardInterrupt():
            return INTERRUPTED
        case _:
            return FAILED


def explain(error: BaseException, *, debug: bool) -> str:
    """What happened in one line and the next step in another; the whole traceback where asked for."""
    if debug:
        return "".join(traceback.format_exception(error)).rstrip()
    if isinstance(error, HeadwayError):
        what, _, hint = error.message.partition("; ")
        hint = _HINTS.get(type(error)) or f"{hint[:1].upper()}{hint[1:]}"
        lines = [f"Error: {what}", *([f"  {hint}"] if hint else [])]
        details = error.fields.get("errors")
        if isinstance(details, list):
            lines[1:1] = [f"  {each['field']}: {each['message']}" for each in details]
        request_id = error.fields.get("request_id")
        if request_id and not isinstance(error, ClientError | ConflictError):
            lines.append(f"  Request id: {request_id}")
        return "\n".join(lines)
    if isinstance(error, OSError):  # what of Headway's own files and sockets fails is a `HeadwayError`
        named = f"{error.filename}: " if error.filename else ""
        return f"Error: the system refuses to write or read on: {named}{error.strerror or error}"
    summary = "".join(traceback.format_exception_only(error)).strip()
    return f"Error: {summary}\n  This is a bug of Headway; HEADWAY_DEBUG=1 shows where it is."


def report(error: BaseException, *, debug: bool) -> int:
    """Print the error to stderr and return the exit code."""
    if not isinstance(error, KeyboardInterrupt):
        sys.stderr.write(explain(error, debug=debug) + "\n")
    return code_of(error)
