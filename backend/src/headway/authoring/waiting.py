"""`sleep`, `approval` and `signal`: where a workflow stands still, and goes on after a crash."""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar, Unpack, cast, get_args

from headway.authoring.declared import check_number, check_seconds
from headway.errors import DefinitionError, NotInWorkflow
from headway.ports import OnDeadline, Question, Reply, Scope, Signal, Timer, current_scope

if TYPE_CHECKING:
    from headway.authoring.forms import Form

T = TypeVar("T")
MAX_NAME_CHARS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[T]):
    """What became of a question; true where the answer was yes.

    Args:
        by: Who answered, as far as they said; empty where nobody did.
        values: What came with it, as the form's type; `None` where nothing did.
        reason: Why, in the words of who answered; empty where they gave none.
        expired: Nobody answered in time.
    """

    approved: bool
    by: str = ""
    values: T | None = None
    reason: str = ""
    expired: bool = False

    def __bool__(self) -> bool:
        return self.approved


class ApprovalOptions(TypedDict, total=False):
    """What `approval` takes by name beside its form.

    Args:
        deadline_s: So long the question can be answered.
        on_deadline: What silence means: `reject` (the default), `approve`, or `fail`.
    """

    deadline_s: float | None
    on_deadline: OnDeadline


class _Sleep:
    """Wait for so many seconds, across crashes: the moment at which it ends is in the log.

    The time counts from the first call, also while no worker runs. Cancelling the execution ends it at once.
    Outside a workflow it is `asyncio.sleep`.
    """

    def __call__(self, seconds: float) -> Coroutine[Any, Any, None]:
        """Wait; await it. In plain code it returns when the time is over, as `wait` does."""
        if not _loop_runs_here():
            return cast(Coroutine[Any, Any, None], self.wait(seconds))
        return _sleep(check_number("seconds", seconds, 0.0))

    def wait(self, seconds: float) -> None:
        """The same from a plain function."""
        _refuse_loop("sleep")
        scope, seconds = current_scope.get(), check_number("seconds", seconds, 0.0)
        if scope is None:
            time.sleep(seconds)
        else:
            scope.wait_blocking(Timer(seconds))


class _Approval:
    """Ask a person, and wait for the answer, across crashes and restarts.

    The question shows on the execution's page and in its log; it is answered there, by `headway approve` or
    over HTTP. An asynchronous workflow waits without a thread.
    """

    def __call__(
        self, message: str, form: type[T] | None = None, **options: Unpack[ApprovalOptions]
    ) -> Coroutine[Any, Any, Answer[T]]:
        """Ask; await the answer. In plain code it returns the answer itself, as `wait` does.

        Args:
            message: The question.
            form: Type of what comes with a yes: a Pydantic model, a dataclass, or a plain type like `int`.
            options: See `ApprovalOptions`.

        Raises:
            ApprovalTimeout: Nobody answered in time, and `on_deadline` is `fail`.
            NotInWorkflow: There is nobody to ask.
            DefinitionError: The form cannot come from JSON, or an option is no such thing.
        """
        if not _loop_runs_here():
            return cast(Coroutine[Any, Any, Answer[T]], self.wait(message, form, **options))
        return _ask(_scope("approval"), message, form, options)

    def wait(
        self, message: str, form: type[T] | None = None, **options: Unpack[ApprovalOptions]
    ) -> Answer[T]:
        """The same from a plain function."""
        _refuse_loop("approval")
        reply = _scope("approval").wait_blocking(_question(message, form, options))
        return _answer(reply, form)


class _Signal:
    """Wait for a message of a name, sent by `headway signal` or over HTTP.

    One that came before is taken first; each is taken once, in the order in which they came.
    """

    def __call__(self, name: str, *, timeout_s: float | None = None) -> Coroutine[Any, Any, Any]:
        """Wait; await the message's value. In plain code it returns the value, as `wait` does.

        Raises:
            SignalTimeout: None came in time.
            NotInWorkflow: Nobody could send one.
        """
        if not _loop_runs_here():
            return cast(Coroutine[Any, Any, Any], self.wait(name, timeout_s=timeout_s))
        return _receive(_scope("signal"), _expected(name, timeout_s))

    def wait(self, name: str, *, timeout_s: float | None = None) -> Any:
        """The same from a plain function."""
        _refuse_loop("signal")
        return _scope("signal").wait_blocking(_expected(name, timeout_s))


sleep = _Sleep()
approval = _Approval()
signal = _Signal()


async def _sleep(seconds: float) -> None:
    scope = current_scope.get()  # looked up here: in a branch of a gather that is the branch's scope
    if scope is None:
        await asyncio.sleep(seconds)
    else:
        await scope.wait(Timer(seconds))


async def _ask(scope: Scope, message: str, form: type[T] | None, options: ApprovalOptions) -> Answer[T]:
    here = current_scope.get() or scope
    return _answer(await here.wait(_question(message, form, options)), form)


async def _receive(scope: Scope, expected: Signal) -> Any:
    return await (current_scope.get() or scope).wait(expected)


def _scope(what: str) -> Scope:
    scope = current_scope.get()
    if scope is None:
        raise NotInWorkflow(f"{what}() only works inside a running workflow: nobody could answer here")
    return scope


def _question(message: str, form: type[Any] | None, options: ApprovalOptions) -> Question:
    on_deadline = options.get("on_deadline", "reject")
    if on_deadline not in get_args(OnDeadline):
        raise DefinitionError(f"on_deadline={on_deadline!r} must be one of {', '.join(get_args(OnDeadline))}")
    return Question(
        message=str(message),
        form=None if form is None else _form(form).schema,
        deadline_s=check_seconds("deadline_s", options.get("deadline_s")),
        on_deadline=on_deadline,
    )


def _answer(reply: Reply, form: type[T] | None) -> Answer[T]:
    values = None if form is None or reply.values is None else cast(T, _form(form).read(reply.values))
    return Answer(
        approved=reply.approved, by=reply.by, values=values, reason=reply.reason, expired=reply.expired
    )


def _expected(name: str, timeout_s: float | None) -> Signal:
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= MAX_NAME_CHARS:
        raise DefinitionError(f"{name!r} is no name of a signal: up to {MAX_NAME_CHARS} characters of text")
    return Signal(name=name, timeout_s=check_seconds("timeout_s", timeout_s))


def _form(form: type[Any]) -> "Form":
    from headway.authoring.forms import Form  # brings Pydantic, half the time of `import headway`

    return Form(form)


def _refuse_loop(what: str) -> None:
    if _loop_runs_here():
        raise RuntimeError(f"{what}.wait() would stop the event loop that runs here: await {what}(...)")


def _loop_runs_here() -> bool:
    return asyncio._get_running_loop() is not None
