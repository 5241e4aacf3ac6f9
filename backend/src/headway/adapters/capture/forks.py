"""What a process that was forked inside an execution says goes to its parent, and there into the log.

A fork has a copy of the inbox which nobody empties. So it gets a scope that sends each event over a socket of
its own: whole messages, so that one that is killed tears none, and bounded by the socket's buffer. A thread
of the parent reads until the fork, and all that it has forked itself, have ended.
"""

import errno
import os
import pickle
import select
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

from typing_extensions import override

from headway.adapters.capture import stdio
from headway.domain.events import EventData, Log
from headway.ports import Scope, current_scope
from headway.services.process_child import ChildScope, Reports

SEND_WITHIN_S = 1.0  # then the fork goes on without its line, and without waiting until one gets through
MAX_MESSAGE_BYTES = 1 << 18
MAX_AT_END = 10_000  # messages that the end of a scope waits for

_installed = 0
_is_registered = False
_forking = threading.local()  # what the thread that forks has prepared
_links: set["_Link"] = set()


def install() -> Callable[[], None]:
    """Follow forks from now on."""
    global _installed, _is_registered  # noqa: PLW0603 - hooks at a fork are the process's, and stay
    _installed += 1
    if not _is_registered and hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_prepare, after_in_parent=_go_on, after_in_child=_begin)
        _is_registered = True

    def uninstall() -> None:
        global _installed  # noqa: PLW0603
        _installed -= 1

    return uninstall


def end_of_scope(scope: Scope) -> None:
    """Take what its forks have sent so far; when a workflow body ends, what they say later is no log."""
    for link in tuple(_links):
        link.end(scope)


def _prepare() -> None:
    scope = current_scope.get()
    if not _installed or scope is None or isinstance(scope, ChildScope):
        return
    with suppress(OSError, AttributeError):  # no descriptors left, or no such sockets on this system
        _forking.begun = scope, *socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def _go_on() -> None:
    begun = _forking.__dict__.pop("begun", None)
    if begun is not None:
        scope, ours, theirs = begun
        theirs.close()
        _Link(scope, ours).open()


def _begin() -> None:
    begun = _forking.__dict__.pop("begun", None)
    for link in _links:
        link.socket.close()
    _links.clear()
    stdio.begin_in_fork()
    if begun is not None:
        scope, ours, theirs = begun
        ours.close()
        if not stdio.is_installed():
            stdio.take_over_in_fork()
        reports = _Reports(theirs, scope)
        current_scope.set(ChildScope(reports, scope.execution_id, scope.step_id, scope.step_name))
    elif not isinstance(current_scope.get(), ChildScope):
        current_scope.set(None)  # where nothing can be sent, text goes to the real streams


class _Link:
    """The parent's end of one fork."""

    def __init__(self, scope: Scope, ours: socket.socket) -> None:
        self.socket = ours
        self._scope: Scope | None = scope
        self._address = scope.execution_id, scope.step_id
        self._lock = threading.Lock()
        self._buffer = bytearray(MAX_MESSAGE_BYTES)

    def open(self) -> None:
        with suppress(BlockingIOError):
            if not self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                self.socket.close()  # it was forked to become another program, and has
                return
        _links.add(self)
        threading.Thread(target=self._read, name="headway-fork", daemon=True).start()

    def end(self, scope: Scope) -> None:
        of_body = scope.step_id is None and self._address[0] == scope.execution_id
        if of_body or self._address == (scope.execution_id, scope.step_id):
            self._take()
        if of_body:
            self._scope = None

    def _read(self) -> None:
        with self.socket, suppress(OSError):
            while self.socket.recv(1, socket.MSG_PEEK):
                self._take()
        _links.discard(self)

    def _take(self) -> None:
        """What is there, in order; the thread and the end of a scope may meet here."""
        with self._lock, suppress(OSError):
            for _ in range(MAX_AT_END):
                size = self.socket.recv_into(self._buffer, 0, socket.MSG_DONTWAIT)
                if not size:
                    return
                for data in pickle.loads(memoryview(self._buffer)[:size]):
                    self._show(data)

    def _show(self, data: EventData) -> None:
        if self._scope is not None:
            self._scope.emit(data)
        elif isinstance(data, Log) and sys.__stderr__ is not None:
            sys.__stderr__.write(f"{data.message}\n")


class _Reports(Reports):
    """The fork's end: sends what its scope is given."""

    def __init__(self, theirs: socket.socket, scope: Scope) -> None:
        theirs.setblocking(False)
        self._socket = theirs
        self._step = scope.step_id, scope.step_name
        self._lost = 0

    @override
    def send(self, what: str, content: object) -> None:
        message = pickle.dumps([*self._loss(), content])
        try:
            self._put(message)
        except OSError:  # late, too long, or nobody reads any more
            self._lost += 1
        else:
            self._lost = 0

    def _put(self, message: bytes) -> None:
        if len(message) > MAX_MESSAGE_BYTES:
            raise OSError(errno.EMSGSIZE, "too long")
        try:
            self._socket.send(message)
        except BlockingIOError:
            if self._lost:
                raise  # it has waited for the line before this one
            room = select.poll()
            room.register(self._socket, select.POLLOUT)
            room.poll(SEND_WITHIN_S * 1_000)
            self._socket.send(message)

    def _loss(self) -> Iterator[Log]:
        """Goes with the next line: by itself it would find room where a longer line finds none."""
        if self._lost:
            lost = (
                f"{self._lost:,} lines of a forked process were dropped: they came faster than could be read"
            )
            yield Log("WARNING", lost, *self._step, "headway")
