"""The process that keeps the server and the workers alive; runs no user code and serves no request.

It gives each worker incarnation its own lease owner and settles what a dead one leaves behind: on one
machine a lease ends here, when the worker is seen to be dead, and never by a clock.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from typing import Protocol

from headway.child import Order
from headway.config import Settings
from headway.errors import JournalUnavailable
from headway.ports import Clock, HintBus, Journal
from headway.services import crash_guard

BACKOFF_FIRST_S, BACKOFF_MAX_S = 0.2, 10.0
HEALTHY_AFTER_S = 10.0  # a child that lived this long starts over with the first backoff
KILL_AFTER_S = 5.0  # past the grace that a child was given

logger = logging.getLogger("headway.supervisor")


class Spawn(Protocol):
    """Starts a child process; tests give their own."""

    async def __call__(self, order: Order) -> Process: ...


class Backoff:
    """How long to wait before the next start: doubled each time, reset by a healthy life."""

    def __init__(self) -> None:
        self._next_s = BACKOFF_FIRST_S

    def after(self, lived_s: float) -> float:
        if lived_s >= HEALTHY_AFTER_S:
            self._next_s = BACKOFF_FIRST_S
        delay, self._next_s = self._next_s, min(BACKOFF_MAX_S, self._next_s * 2)
        return delay


async def spawn_child(order: Order) -> Process:
    """Start `headway.server` or `headway.worker` in a session of its own, and hand it its order."""
    is_server = order.socket_fd is not None
    arguments = ["-P", "-m", "headway.server"] if is_server else ["-m", "headway.worker"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdin=PIPE,
        stdout=sys.__stderr__,
        pass_fds=() if order.socket_fd is None else (order.socket_fd,),
        start_new_session=True,  # Ctrl-C in a terminal reaches the supervisor alone, which ends all in order
    )
    assert process.stdin is not None
    with contextlib.suppress(ConnectionError):
        process.stdin.write(order.encode())
        await process.stdin.drain()
    return process


class Supervisor:
    """Runs one server and the workers until it is told to stop.

    Args:
        files: Users' files, absolute.
        listener: The bound and listening socket, or `None` for workers only.
        journal: Used to settle what dead workers leave; stays open.
        spawn: Starts a child.
    """

    def __init__(
        self,
        settings: Settings,
        files: Sequence[str],
        listener: socket.socket | None,
        *,
        journal: Journal,
        hints: HintBus,
        clock: Clock,
        spawn: Spawn = spawn_child,
    ) -> None:
        self._settings = settings
        self._files = tuple(files)
        self._listener = listener
        self._journal = journal
        self._hints = hints
        self._clock = clock
        self._spawn = spawn
        self._stopping = asyncio.Event()
        self._workers_gone = asyncio.Event()
        self._alive: dict[str, Process] = {}

    async def run(self, on_started: Callable[[], None] = lambda: None) -> None:
        """Start everything and return once all has ended after `stop`."""
        left = await asyncio.to_thread(crash_guard.settle_all, self._journal, self._hints, self._clock)
        if left:
            logger.warning("%d executions of a run that was cut off go on now", left)
        try:
            async with asyncio.TaskGroup() as tasks:
                if self._listener is not None:
                    tasks.create_task(self._keep("server", self._workers_gone))
                on_started()
                async with asyncio.TaskGroup() as workers:
                    for number in range(1, self._settings.workers + 1):
                        workers.create_task(self._keep(f"worker-{number}", self._stopping))
                self._workers_gone.set()  # the server goes last: its viewers see how the executions ended
        finally:
            self.kill()

    def stop(self) -> None:
        """End all in order; a second call kills what is left."""
        if self._stopping.is_set():
            self.kill()
        self._stopping.set()

    def kill(self) -> None:
        for process in list(self._alive.values()):
            _signal_session(process, signal.SIGKILL)

    async def _keep(self, name: str, stop: asyncio.Event) -> None:
        """Keep one child alive until `stop`."""
        backoff = Backoff()
        while not stop.is_set():
            order = self._order(name)
            began = time.monotonic()
            process = self._alive[name] = await self._spawn(order)
            try:
                code = await self._until_ended(process, stop)
            finally:
                _signal_session(process, signal.SIGKILL)  # what the child itself has started ends with it
                del self._alive[name]
            await self._settle(order, crashed=not stop.is_set())
            if stop.is_set():
                return
            delay = backoff.after(time.monotonic() - began)
            logger.error("%s ended (%s); starting it again in %.1f s", name, describe_exit(code), delay)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), delay)

    def _order(self, name: str) -> Order:
        listener = self._listener if name == "server" else None
        return Order(
            name=name,
            owner=f"{name}.{secrets.token_hex(4)}",
            settings=self._settings,
            files=() if listener else self._files,
            socket_fd=listener.fileno() if listener else None,
        )

    async def _until_ended(self, process: Process, stop: asyncio.Event) -> int:
        """Wait for the child's end; once `stop` is set, ask for it, and in the end insist."""
        ended = asyncio.ensure_future(process.wait())
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not ended.done():
            with contextlib.suppress(ProcessLookupError):
                # `process.terminate` would first poll a child that has just died, and lose its exit code.
                os.kill(process.pid, signal.SIGTERM)
            await asyncio.wait({ended}, timeout=self._settings.grace_s + KILL_AFTER_S)
        if not ended.done():
            _signal_session(process, signal.SIGKILL)
        return await ended

    async def _settle(self, order: Order, *, crashed: bool) -> None:
        """Free what a worker held; no new one could write while the journal cannot."""
        backoff = Backoff()
        while order.socket_fd is None:
            try:
                await asyncio.to_thread(
                    crash_guard.settle,
                    self._journal,
                    self._hints,
                    self._clock,
                    order.owner,
                    crashed=crashed,
                )
            except JournalUnavailable as error:
                logger.error("%s", error)  # noqa: TRY400 - the message says it all
                if self._stopping.is_set():
                    return  # the next start settles it
                await asyncio.sleep(backoff.after(0))
            else:
                return


def describe_exit(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _signal_session(process: Process, number: signal.Signals) -> None:
    """Signal a child and the processes it has started, which share its session's group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
