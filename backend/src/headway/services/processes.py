"""Steps in processes of their own: children that take one call after another and can be killed.

A child loads the user's file itself and finds the function in it by name; arguments and results are pickled.
What the function prints or reports arrives as it happens. See `process_child` for the other end.
"""

import contextlib
import pickle
import struct
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

from headway.domain import events as e
from headway.errors import DefinitionError, WorkflowError

if TYPE_CHECKING:
    from headway.services.scopes import EngineScope

MAX_IDLE = 4  # children of one file that are kept for the next call
_HEADER = struct.Struct("!I")
Module = tuple[str, str]  # its name, its file


class ChildTraceback(Exception):
    """Where in the child the error came from."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


class Processes:
    """The children of this worker, kept for reuse by the module they have loaded.

    Args:
        prepare: Called in each child before it loads the user's file, as `package.module:function`; returns
            what is told of each call's scope as it ends.
    """

    def __init__(self, prepare: str | None = None) -> None:
        self._prepare = prepare
        self._idle: dict[Module, list[_Child]] = defaultdict(list)
        self._lock = threading.Lock()

    def job(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        scope: "EngineScope",
    ) -> "Job":
        """A call to be made with `Job.run` in a thread, and stopped with `Job.kill` from any other."""
        return Job(self, function, args, kwargs, scope)

    def take(self, module: Module) -> "_Child":
        with self._lock:
            idle = self._idle[module]
            while idle:
                child = idle.pop()
                if child.is_alive:
                    return child
        return _Child(module, self._prepare)

    def give_back(self, child: "_Child") -> None:
        with self._lock:
            idle = self._idle[child.module]
            if len(idle) < MAX_IDLE:
                idle.append(child)
                return
        child.kill()

    def close(self) -> None:
        """End the children that wait for work; those at work end with their jobs."""
        with self._lock:
            idle = [child for children in self._idle.values() for child in children]
            self._idle.clear()
        for child in idle:
            child.kill()


class Job:
    """One call of a function in a child."""

    def __init__(
        self,
        processes: Processes,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        scope: "EngineScope",
    ) -> None:
        self._processes, self._scope = processes, scope
        self._function, self._args, self._kwargs = function, args, kwargs
        self._child: _Child | None = None
        self._lock = threading.Lock()
        self._is_killed = False

    def run(self) -> Any:
        """Make the call; blocks until it is done.

        Raises:
            WorkflowError: The process died in it.
        """
        message = self._message()
        child = self._processes.take(_module_of(self._function))
        with self._lock:
            self._child = child
            if self._is_killed:
                child.kill()
        try:
            child.send(message)
            while True:
                what, content = child.receive()
                if what == "event":
                    self._scope.emit(content)
                elif what == "line":
                    self._scope.emit(_log_of(self._scope, *content))
                else:
                    break
        except (OSError, EOFError):
            raise WorkflowError(
                f"the process of {self._scope.step_id} died with exit code {child.kill()}"
            ) from None
        except BaseException:
            child.kill()
            raise
        with self._lock:
            self._child = None
        self._processes.give_back(child)
        if what == "result":
            return content
        error, told = content
        raise error from ChildTraceback(told)

    def kill(self) -> None:
        """Stop the call, whatever it does."""
        with self._lock:
            self._is_killed = True
            if self._child is not None:
                self._child.kill()

    def _message(self) -> bytes:
        qualname = self._function.__qualname__
        names = (self._scope.execution_id, self._scope.step_id, self._scope.step_name)
        # The call is pickled apart: the child can only read it once it has loaded the user's module.
        try:
            call = pickle.dumps((self._args, self._kwargs))
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            raise DefinitionError(
                f"the arguments of {self._scope.step_id} cannot go to its process ({error}): "
                "give it plain values, or declare the step without process=True"
            ) from error
        return pickle.dumps((qualname, names, call))


class _Child:
    """A process that has loaded one module."""

    def __init__(self, module: Module, prepare: str | None) -> None:
        self.module = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", "headway.services.process_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.send(pickle.dumps((module, sys.path, prepare)))

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def send(self, message: bytes) -> None:
        assert self._process.stdin is not None
        write_message(self._process.stdin, message)

    def receive(self) -> tuple[str, Any]:
        assert self._process.stdout is not None
        what, content = pickle.loads(read_message(self._process.stdout))
        return what, content

    def kill(self) -> int:
        """End it and its pipes; returns the exit code."""
        self._process.kill()
        code = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        return code


def write_message(pipe: IO[bytes], message: bytes) -> None:
    pipe.write(_HEADER.pack(len(message)) + message)
    pipe.flush()


def read_message(pipe: IO[bytes]) -> bytes:
    """The next message.

    Raises:
        EOFError: The other end is gone.
    """
    header = pipe.read(_HEADER.size)
    if len(header) < _HEADER.size:
        raise EOFError
    (size,) = _HEADER.unpack(header)
    message = pipe.read(size)
    if len(message) < size:
        raise EOFError
    return message


def _module_of(function: Callable[..., Any]) -> Module:
    return function.__module__, function.__code__.co_filename


def _log_of(scope: "EngineScope", stream: str, line: str) -> e.Log:
    message, length = e.cut_message(line)
    return e.Log(
        level="INFO",
        message=message,
        step_id=scope.step_id,
        step=scope.step_name,
        stream=stream,
        length=length,
    )
