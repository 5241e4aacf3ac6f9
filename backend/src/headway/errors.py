"""Every error Headway raises, as one tree with stable codes.

The branch tells the caller what to do next:

* `ClientError`: the caller must change something (HTTP 4xx).
* `ConflictError`: the state moved; read again, then decide (409).
* `PositionLost`: the log was trimmed or recreated; take a new snapshot (410).
* `OverloadError`: back off, then resume from the same position (429).
* `UnavailableError`: a dependency failed; retry with jitter (503).
* `WorkflowError`: a user's workflow ended or could not run; shown on its page, never an HTTP status.
"""

from collections.abc import Iterator
from typing import ClassVar


class HeadwayError(Exception):
    """Root of the tree.

    Args:
        message: What happened and what to do next; defaults to the first line of the class docstring.
        **fields: Facts about the fault, shown beside `code` in problem documents.
    """

    code: ClassVar[str] = "internal"
    http_status: ClassVar[int] = 500

    def __init__(self, message: str | None = None, **fields: object) -> None:
        self.message = message or (type(self).__doc__ or self.code).strip().splitlines()[0]
        self.fields = fields
        super().__init__(self.message)


class ClientError(HeadwayError):
    """The request cannot be served as it is."""

    code = "bad_request"
    http_status = 400


class InvalidMessage(ClientError):
    """The message or frame does not fit the protocol."""

    code = "invalid_message"


class InvalidSetting(ClientError):
    """A setting or command-line value does not fit."""

    code = "invalid_setting"


class InvalidInput(ClientError):
    """The input does not fit the workflow's schema.

    `errors` is a list of `{"field": "a.b[0]", "message": "..."}`, never empty.
    """

    code = "invalid_input"
    http_status = 422

    def __init__(self, message: str, *, errors: list[dict[str, str]]) -> None:
        super().__init__(message, errors=errors)
        self.errors = errors


class Unauthorized(ClientError):
    """A token is needed; send `Authorization: Bearer TOKEN`."""

    code = "unauthorized"
    http_status = 401


class Forbidden(ClientError):
    """This origin, host or token may not do that."""

    code = "forbidden"
    http_status = 403


class NotFound(ClientError):
    """Nothing has this address."""

    code = "not_found"
    http_status = 404


class WorkflowNotFound(NotFound):
    """No workflow has this id."""

    code = "workflow_not_found"


class ExecutionNotFound(NotFound):
    """No execution has this id."""

    code = "execution_not_found"


class ApprovalNotFound(NotFound):
    """This execution has asked no such question."""

    code = "approval_not_found"


class OutputNotFound(NotFound):
    """This execution has no output of that name."""

    code = "output_not_found"


class PayloadTooLarge(ClientError):
    """The request body is above the limit."""

    code = "payload_too_large"
    http_status = 413


class InsecureBinding(ClientError):
    """Listening beyond this machine needs a token."""

    code = "insecure_binding"


class DefinitionError(ClientError):
    """A workflow or step is declared in a way that cannot run."""

    code = "invalid_definition"


class ConflictError(HeadwayError):
    """The state moved; read it again, then decide."""

    code = "conflict"
    http_status = 409


class AppendConflict(ConflictError):
    """The execution is at another seq than expected; nothing was stored."""

    code = "append_conflict"


class ProducerGap(ConflictError):
    """The producer skipped numbers; nothing was stored."""

    code = "producer_gap"


class LeaseLost(ConflictError):
    """Another worker holds this execution now; nothing was stored."""

    code = "lease_lost"


class ExecutionClosed(ConflictError):
    """The execution has ended; nothing was stored."""

    code = "execution_closed"


class ApprovalClosed(ConflictError):
    """The question was answered otherwise, has expired, or is no longer asked; nothing was stored."""

    code = "approval_closed"


class IdempotencyConflict(ConflictError):
    """This idempotency key was used with another request."""

    code = "idempotency_conflict"


class WorkflowUnavailable(ConflictError):
    """The workflow's file does not import; mend it, then start again."""

    code = "workflow_unavailable"


class DatabaseInUse(ConflictError):
    """Another server holds this database."""

    code = "database_in_use"


class AddressInUse(ConflictError):
    """Another program listens on this address."""

    code = "address_in_use"


class TooManyProducers(ConflictError):
    """The execution has lines of as many programs as it takes; write under one of their names."""

    code = "too_many_producers"


class PositionLost(HeadwayError):
    """The log no longer reaches back to this position; take a new snapshot."""

    code = "position_lost"
    http_status = 410


class OverloadError(HeadwayError):
    """Too much at once; back off, then go on from the same position."""

    code = "overloaded"
    http_status = 429


class TooManySignals(OverloadError):
    """The execution has not taken the signals it was sent before."""

    code = "too_many_signals"


class TooManyConnections(OverloadError):
    """This client holds too many connections."""

    code = "too_many_connections"


class TooManySubscriptions(OverloadError):
    """This connection holds as many subscriptions as it may."""

    code = "too_many_subscriptions"


class UnavailableError(HeadwayError):
    """A dependency failed; retry with jitter."""

    code = "unavailable"
    http_status = 503


class JournalUnavailable(UnavailableError):
    """The journal cannot be read or written."""

    code = "journal_unavailable"


class JournalCorrupt(UnavailableError):
    """What is stored does not match its tag chain."""

    code = "journal_corrupt"


class JournalTooNew(UnavailableError):
    """The database was written by a newer Headway; upgrade this one."""

    code = "journal_too_new"


class ServerUnreachable(UnavailableError):
    """No server answers at this address."""

    code = "server_unreachable"


class ServerDraining(UnavailableError):
    """This server is about to end; connect again, to another one or to its successor."""

    code = "draining"


class ServerBusy(UnavailableError):
    """More connections a second than this server accepts; try again a little later."""

    code = "server_busy"


class WorkflowError(HeadwayError):
    """A user's workflow cannot go on; the execution ends as failed with this code."""

    code = "workflow_failed"


class StepTimeout(WorkflowError):
    """A step ran longer than its timeout."""

    code = "step_timeout"


class ExecutionTimeout(WorkflowError):
    """The execution ran longer than its timeout."""

    code = "execution_timeout"


class ApprovalTimeout(WorkflowError):
    """Nobody answered a question before its deadline."""

    code = "approval_timeout"


class SignalTimeout(WorkflowError):
    """No signal of the name came in time."""

    code = "signal_timeout"


class CodeChanged(WorkflowError):
    """The code no longer asks for steps that this execution has already done."""

    code = "code_changed"


class CrashLoop(WorkflowError):
    """The worker died again and again while it ran this execution."""

    code = "crash_loop"


class WorkerLost(WorkflowError):
    """The worker died and nobody can go on with this execution."""

    code = "worker_lost"


class CommandFailed(WorkflowError):
    """A shell command ended with an exit code other than 0."""

    code = "command_failed"


class ResultTooLarge(WorkflowError):
    """A step's result is above the limit; write it to a file and return the path."""

    code = "result_too_large"


class NotInWorkflow(WorkflowError):
    """This only works inside a running workflow."""

    code = "not_in_workflow"


def errors_by_code() -> dict[str, type[HeadwayError]]:
    """Every error of the tree by its code, as a client meets them."""
    return {kind.code: kind for kind in _descendants(HeadwayError)}


def _descendants(root: type[HeadwayError]) -> Iterator[type[HeadwayError]]:
    yield root
    for child in root.__subclasses__():
        yield from _descendants(child)
