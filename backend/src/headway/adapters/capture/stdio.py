"""What is printed to stdout and stderr as log lines of the execution it was printed in."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, TextIO

from headway.adapters.capture import logging as capture_logging
from headway.domain.events import Log, cut_message
from headway.domain.lines import LineSplitter
from headway.ports import Scope, current_scope

PARTIAL_LINE_S = 0.5  # how long a line without its newline is held back

_EMIT = logging.StreamHandler.emit.__code__
_streams: tuple["ScopedStream", ...] = ()  # never changed in place: other threads may go through it


def install() -> Callable[[], None]:
    """Put our streams in place of `sys.stdout` and `sys.stderr`, whatever these are now."""
    global _streams  # noqa: PLW0603
    ours = {name: ScopedStream(name, getattr(sys, name)) for name in ("stdout", "stderr")}
    for name, stream in ours.items():
        setattr(sys, name, stream)
    _streams = (*_streams, *ours.values())

    def uninstall() -> None:
        global _streams  # noqa: PLW0603
        for name, stream in ours.items():
            stream.close_capture()
            if getattr(sys, name) is stream:
                setattr(sys, name, stream.real)
        _streams = tuple(stream for stream in _streams if stream not in ours.values())

    return uninstall


def flush(scope: Scope) -> None:
    """Emit the unfinished lines of a scope that ends."""
    for stream in _streams:
        if stream.has_unfinished:  # asked at the end of each step, and nearly never so
            stream.flush_scope(scope)


def stand_in_front() -> None:
    """Put our streams back where user code has set the real ones, as `sys.stdout = sys.__stdout__` does."""
    for stream in _streams:
        if getattr(sys, stream.name) is stream.real:
            setattr(sys, stream.name, stream)


def is_installed() -> bool:
    return bool(_streams)


def begin_in_fork() -> None:
    """In a process that was just forked: unfinished lines are the parent's, and there are no threads."""
    for stream in _streams:
        stream.begin_in_fork()


def take_over_in_fork() -> None:
    """The same where the standard streams are not ours, but report to a pipe that is the parent's."""
    for name in ("stdout", "stderr"):
        stream = ScopedStream(name, sys.__stderr__ or sys.stderr)
        setattr(sys, name, stream)
        stream.begin_in_fork()


class ScopedStream:
    """A text stream that stands before the real one; it takes what is written inside an execution.

    All but `write` and `writelines` (`isatty`, `fileno`, `encoding`, `buffer`, …) is the real stream's.
    """

    def __init__(self, name: str, real: TextIO) -> None:
        self.real = real
        self.name = name
        self._partial = _PartialLines(name)
        self._active = True

    def write(self, text: str) -> int:
        """Like the real stream's; outside an execution it is."""
        scope = current_scope.get()
        if scope is None or not self._active or not isinstance(text, str) or _is_log_output():
            return self.real.write(text)
        self._partial.write(scope, text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Like the real stream's; a fork may end at any time, so there it ends an unfinished line too."""
        if self._partial.in_fork:
            self._partial.flush(lambda _: True)
        self.real.flush()

    def begin_in_fork(self) -> None:
        self._partial = _PartialLines(self.name, in_fork=True)

    def flush_scope(self, scope: Scope) -> None:
        self._partial.flush(lambda line: _address(line.scope) == _address(scope))

    @property
    def has_unfinished(self) -> bool:
        """True while an unfinished line is held."""
        return bool(self._partial.lines)

    def close_capture(self) -> None:
        """Let everything pass from now on: others may still hold this stream."""
        self._active = False
        self._partial.flush(lambda _: True)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


class _Line:
    """An unfinished line: its text so far, whose it is, and when it was last written to."""

    __slots__ = ("scope", "splitter", "written_at")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.splitter = LineSplitter()
        self.written_at = 0.0


class _PartialLines:
    """The unfinished lines of one stream, by execution, step and thread: nobody ends another's line."""

    def __init__(self, stream: str, *, in_fork: bool = False) -> None:
        self._stream = stream
        self.in_fork = in_fork
        self.lines: dict[tuple[str, str | None, int], _Line] = {}
        self._lock = threading.RLock()  # a signal handler may print while its thread does
        self._timer: threading.Timer | None = None

    def write(self, scope: Scope, text: str) -> None:
        key = (*_address(scope), threading.get_ident())
        with self._lock:
            line = self.lines.pop(key, None) or _Line(scope)
            self._emit(scope, line.splitter.feed(text))
            if line.splitter.pending:
                line.written_at = time.monotonic()
                self.lines[key] = line
                if not self.in_fork:
                    self._arm()

    def flush(self, wanted: Callable[[_Line], bool]) -> None:
        with self._lock:
            for key in [key for key, line in self.lines.items() if wanted(line)]:
                line = self.lines.pop(key)
                self._emit(line.scope, line.splitter.flush())

    def _emit(self, scope: Scope, lines: Iterable[str]) -> None:
        for line in lines:
            text, length = cut_message(line)
            scope.emit(Log("INFO", text, scope.step_id, scope.step_name, None, self._stream, length))

    def _arm(self) -> None:
        if self._timer is None:
            self._timer = threading.Timer(PARTIAL_LINE_S, self._flush_old)
            self._timer.daemon = True
            self._timer.start()

    def _flush_old(self) -> None:
        old = time.monotonic() - PARTIAL_LINE_S
        self.flush(lambda line: line.written_at <= old)
        with self._lock:
            self._timer = None
            if self.lines:
                self._arm()


def _address(scope: Scope) -> tuple[str, str | None]:
    return scope.execution_id, scope.step_id


def _is_log_output() -> bool:
    """True where a logging handler writes here what has an event of its own already."""
    if capture_logging.handles_told():
        return True
    writer = sys._getframe(2)  # in the thread of a `QueueListener`
    return writer.f_code is _EMIT and capture_logging.is_told(writer.f_locals.get("record"))
