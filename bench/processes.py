"""Headway's own processes, each bound to a core, and the database between them.

They are started as `headway serve` starts them, but one by one: a worker without a server is the
"unwatched" that watching is compared with.
"""

import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec
from headway.adapters.hints.local import LocalHintBus
from headway.adapters.journal.sqlite import SqliteJournal
from headway.api.listening import listening_socket
from headway.child import Order
from headway.config import Settings
from headway.domain import events as e
from headway.domain.execution import State
from headway.domain.identifiers import ExecutionId, WorkflowId, execution_id
from headway.ports import Hint, NewExecution
from headway.services.states import load_state
from headway.succession import ALONE, COMING, RELIEVED

from machine import HERE, SERVER_CORE, pinned

FILES = tuple(str(HERE / name) for name in ("workflows.py", "emitting.py"))
READY_WITHIN_S = 60.0
POLL_S = 0.05


class Database:
    """A fresh database and a client's view of it: queue executions, wait for their end."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "headway.db"
        self.journal = SqliteJournal(self.path)
        self.hints = LocalHintBus(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.hints.close()
        self.journal.close()

    def settings(self, **changes: Any) -> Settings:
        """Settings of the processes that share it."""
        return Settings(
            database=f"sqlite:///{self.path}", port=1, reload=False, log_level="WARNING", **changes
        )

    def queue(self, workflow_id: str, arguments: Mapping[str, Any]) -> ExecutionId:
        """Queue an execution, without a server."""
        body = msgspec.json.encode(arguments)
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        new = NewExecution(
            execution_id=execution_id(time.time_ns() // 1_000_000, secrets.randbits(80)),
            workflow_id=WorkflowId(workflow_id),
            input=body,
            queued=e.encode_body(e.ExecutionQueued(input=msgspec.Raw(body)), now),
            created_at=now,
        )
        self.journal.create(new)
        self.hints.publish([Hint("queue")])
        return new.execution_id

    def wait(self, execution: ExecutionId, limit_s: float) -> State:
        """Wait for the end of an execution.

        Raises:
            RuntimeError: It did not complete in time, or not well.
        """
        until(lambda: self.journal.heads([execution])[execution].closed, limit_s, f"end of {execution}")
        state = load_state(self.journal, execution)
        if state.status != e.Status.COMPLETED:
            raise RuntimeError(f"{execution} ended as {state.status}: {state.error}")
        return state


class Child:
    """One process of Headway; entered, it runs; left, it has ended."""

    def __init__(self, order: Order, core: int | None) -> None:
        module = "headway.worker" if order.socket_fd is None else "headway.server"
        command = [sys.executable, "-m", module]
        self._order = order
        self._command = command if core is None else pinned(core, command)

    def __enter__(self) -> Self:
        fds = [fd for fd in (self._order.socket_fd, self._order.line_fd) if fd is not None]
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, pass_fds=fds)
        assert self._process.stdin is not None
        self._process.stdin.write(self._order.encode())
        self._process.stdin.flush()  # it stays open: its end would end the child
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(10.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def signal(self, number: int) -> None:
        self._process.send_signal(number)


def worker(database: Database, core: int | None, **settings: Any) -> Child:
    """A worker with the workflows under measurement."""
    owner = f"worker-1.{secrets.token_hex(4)}"
    wanted = database.settings(**settings)
    return Child(Order(name="worker-1", owner=owner, settings=wanted, files=FILES), core)


class Server(Child):
    """The server alone, on a free port of 127.0.0.1; entered, it answers.

    Args:
        listener: The socket of another server, to share its port.
    """

    def __init__(
        self, database: Database, core: int | None = SERVER_CORE, listener: socket.socket | None = None
    ) -> None:
        self._database, self._core = database, core
        self._listener = listener or listening_socket("127.0.0.1", 0)
        self.port: int = self._listener.getsockname()[1]
        settings = database.settings().listening_on(self.port)
        self._line, self._theirs = socket.socketpair()
        order = Order(
            name="server",
            owner="server",
            settings=settings,
            socket_fd=self._listener.fileno(),
            line_fd=self._theirs.fileno(),
        )
        super().__init__(order, core)

    def successor(self) -> "Server":
        """Another one on the same port; enter it before this one is told to end, as the supervisor does."""
        self._line.send(COMING + RELIEVED)
        return Server(self._database, self._core, self._listener)

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            until(lambda: answers(f"http://127.0.0.1:{self.port}/readyz"), READY_WITHIN_S, "the server")
        except TimeoutError:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.send(ALONE)
        super().__exit__(kind, error, trace)
        self._line.close()
        self._theirs.close()
        self._listener.close()


def until(holds: Callable[[], bool], limit_s: float, awaited: str) -> None:
    """Wait until `holds()`.

    Raises:
        TimeoutError: Naming what was awaited.
    """
    end = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"{awaited} did not come within {limit_s:g} s")
        time.sleep(POLL_S)


def answers(url: str) -> bool:
    """Whether an HTTP server answers there with 200."""
    try:
        return httpx.get(url, timeout=2.0).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
