"""The process of a step with `process=True`: loads the user's file, makes calls until its parent is gone."""

import contextlib
import importlib.util
import io
import os
import pickle
import pkgutil
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable, Sequence
from types import ModuleType
from typing import IO, Any, NoReturn

from headway.domain.events import EventData
from headway.domain.identifiers import ExecutionId
from headway.errors import WorkflowError
from headway.ports import RunnableStep, Scope, Wait, current_scope
from headway.services.failures import error_line
from headway.services.processes import Module, read_message, write_message


class Reports:
    """The way back to the parent; whole messages, from any thread."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe, self._lock = pipe, threading.Lock()

    def send(self, what: str, content: object) -> None:
        message = pickle.dumps((what, content))
        with self._lock:
            write_message(self._pipe, message)


class Lines(io.TextIOBase):
    """A standard stream whose lines become log events."""

    def __init__(self, reports: Reports, stream: str) -> None:
        self._reports, self._stream, self._partial = reports, stream, ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._partial = (self._partial + text).split("\n")
        for line in lines:
            self._reports.send("line", (self._stream, line))
        return len(text)

    def end(self) -> None:
        """Send what stands without a newline."""
        if self._partial:
            self._reports.send("line", (self._stream, self._partial))
            self._partial = ""


class ChildScope:
    """Where the code in the child is: it reports, but steps of its own it cannot run."""

    cancelled = False
    is_crowded = False

    def __init__(
        self, reports: Reports, execution_id: ExecutionId, step_id: str | None, step_name: str | None
    ) -> None:
        self._reports = reports
        self.execution_id, self.step_id, self.step_name = execution_id, step_id, step_name

    def emit(self, data: EventData) -> None:
        with contextlib.suppress(OSError):
            self._reports.send("event", data)

    def run_step(self, step: RunnableStep, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Awaitable[Any]:
        self._refuse()

    def run_step_blocking(self, step: RunnableStep, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._refuse()

    def map(
        self, step: RunnableStep, items: Sequence[Any], *, concurrency: int | None, return_exceptions: bool
    ) -> Awaitable[list[Any]]:
        self._refuse()

    def map_blocking(
        self, step: RunnableStep, items: Sequence[Any], *, concurrency: int | None, return_exceptions: bool
    ) -> list[Any]:
        self._refuse()

    def wait(self, wanted: Wait) -> Awaitable[Any]:
        self._refuse()

    def wait_blocking(self, wanted: Wait) -> Any:
        self._refuse()

    def branch(self, index: int) -> "ChildScope":
        return self

    def save_output(self, name: str, content: bytes, media_type: str) -> None:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise WorkflowError(
            f"{self.step_name or 'this code'} runs in a process of its own, from where it can neither run "
            "steps, wait, nor keep outputs: return the value, and do that in the workflow"
        )


def main() -> None:
    """Make the parent's calls, one after another."""
    # What C code prints goes to the worker's stderr: the pipe is for messages only.
    reports = Reports(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)
    calls = sys.stdin.buffer
    streams = Lines(reports, "stdout"), Lines(reports, "stderr")
    module: ModuleType | Exception
    scope_ended: Callable[[Scope], None] | None = None
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        name_and_file, sys.path[:], prepare = pickle.loads(read_message(calls))
        with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
            try:
                if prepare is not None:
                    scope_ended = pkgutil.resolve_name(prepare)()
                module = load_module(name_and_file)
            except Exception as error:  # noqa: BLE001 - told to each call
                module = error
            while True:
                qualname, names, call = pickle.loads(read_message(calls))
                scope = ChildScope(reports, *names)
                current_scope.set(scope)
                what, content = answer(module, qualname, call)
                if scope_ended is not None:
                    scope_ended(scope)
                for stream in streams:
                    stream.end()
                send_answer(reports, what, content)


def load_module(module: Module) -> ModuleType:
    """The user's module under the name it has in the parent, so that pickled objects find their classes."""
    name, file = module
    if name in sys.modules and name != "__main__":
        return sys.modules[name]
    with contextlib.suppress(ImportError, ValueError):
        found = importlib.util.find_spec(name)
        if name != "__main__" and found is not None and found.origin == file:
            return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location(name if name != "__main__" else "__mp_main__", file)
    if spec is None or spec.loader is None:
        raise WorkflowError(f"{file} cannot be loaded in a process of its own")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = sys.modules[spec.name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


def answer(module: ModuleType | Exception, qualname: str, call: bytes) -> tuple[str, Any]:
    """Make one call: `result` and its value, or `error` with its traceback."""
    try:
        function = _find(module, qualname)
        args, kwargs = pickle.loads(call)
        return "result", function(*args, **kwargs)
    except SystemExit as left:
        return "error", (WorkflowError(f"the step ended with {error_line(left)}"), traceback.format_exc())
    except Exception as error:  # noqa: BLE001 - user code: the parent raises it again
        return "error", (error, traceback.format_exc())


def _find(module: ModuleType | Exception, qualname: str) -> Callable[..., Any]:
    if isinstance(module, Exception):
        raise module
    target: Any = module
    for part in qualname.split("."):
        target = getattr(target, part)
    function: Callable[..., Any] = getattr(target, "function", target)  # a step stands for its function
    return function


def send_answer(reports: Reports, what: str, content: Any) -> None:
    """Send it, or say why it cannot be sent."""
    try:
        pickle.loads(pickle.dumps(content))  # an error may pickle and still not be made again
        reports.send(what, content)
    except Exception as error:  # noqa: BLE001 - whatever pickling user objects raises
        told = content[1] if what == "error" else traceback.format_exc()
        reason = error_line(content[0]) if what == "error" else f"its result cannot be pickled: {error}"
        reports.send("error", (WorkflowError(reason), told))


if __name__ == "__main__":
    main()
