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
from headway.domain.identifiers import ExecutionId
from headway.errors import JournalUnavailable
from headway.ports import Clock, HintBus, Journal
from headway.services import crash_guard
from headway.services.forced_cancels import ForcedCancels
from headway.succession import ALONE, COMING, LEAVES, RELIEVED, SERVES, ServerLine

BACKOFF_FIRST_S, BACKOFF_MAX_S = 0.2, 10.0
HEALTHY_AFTER_S = 10.0  # a child that lived this long starts over with the first backoff
KILL_AFTER_S = 5.0  # past the grace that a child was given
FORCED_SWEEP_S = 1.0  # looks for cancels that are forced
LEAVING_S = 60.0  # in which all viewers that a server may have go from it to its successor

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
        pass_fds=[fd for fd in (order.socket_fd, order.line_fd) if fd is not None],
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
        self._alive: set[Process] = set()
        self._leaving: set[ServerLine] = set()
        self._workers: dict[str, Process] = {}  # by owner
        self._forced: dict[str, list[ExecutionId]] = {}  # for which a worker was ended, by owner

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
                forcing = tasks.create_task(self._force_cancels())
                async with asyncio.TaskGroup() as workers:
                    for number in range(1, self._settings.workers + 1):
                        workers.create_task(self._keep(f"worker-{number}", self._stopping))
                forcing.cancel()
                self._workers_gone.set()  # the server goes last: its viewers see how the executions ended
        finally:
            self.kill()

    def stop(self) -> None:
        """End all in order; a second call kills what is left."""
        if self._stopping.is_set():
            self.kill()
        self._stopping.set()
        for line in self._leaving:
            line.say(ALONE)

    def kill(self) -> None:
        for process in list(self._alive):
            _signal_session(process, signal.SIGKILL)

    async def _keep(self, name: str, stop: asyncio.Event) -> None:
        """Keep one child alive until `stop`; a server that leaves is relieved by the next at once."""
        backoff = Backoff()
        async with asyncio.TaskGroup() as lives:
            while not stop.is_set():
                line = ServerLine() if name == "server" else None
                began = time.monotonic()
                order = self._order(name, line)
                life = lives.create_task(self._live(order, line, stop))
                if line is not None and await _came_first(line.is_left, life):
                    logger.info("%s leaves; starting its successor", name)
                    continue
                code = await life
                forced = self._forced.pop(order.owner, None)
                if stop.is_set() or (self._stopping.is_set() and code == 0):
                    return
                delay = backoff.after(time.monotonic() - began)
                why = describe_exit(code)
                if forced:
                    why = f"the cancel of {', '.join(forced)} is forced, and its event loop did not answer"
                level = logging.WARNING if forced else logging.ERROR
                logger.log(level, "%s ended (%s); starting it again in %.1f s", name, why, delay)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), delay)

    async def _live(self, order: Order, line: ServerLine | None, stop: asyncio.Event) -> int:
        """One child, from its start to what is to be settled after its end."""
        process = await self._spawn(order)
        self._alive.add(process)
        if line is None:
            self._workers[order.owner] = process
        listening = asyncio.ensure_future(self._listen(line)) if line is not None else None
        try:
            code = await self._until_ended(process, line, stop)
        finally:
            _signal_session(process, signal.SIGKILL)  # what the child itself has started ends with it
            self._alive.discard(process)
            self._workers.pop(order.owner, None)
            if line is not None and listening is not None:
                self._leaving.discard(line)
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
                line.close()
        await self._settle(order, crashed=not stop.is_set(), death=describe_exit(code))
        return code

    async def _force_cancels(self) -> None:
        """End each worker that holds up a cancel which is forced; its end is settled as any other."""
        cancels = ForcedCancels(self._journal, self._clock.monotonic)
        while True:
            await asyncio.sleep(FORCED_SWEEP_S)
            try:
                overdue = await asyncio.to_thread(cancels.overdue, list(self._workers))
            except JournalUnavailable as error:
                logger.debug("cannot look for forced cancels: %s", error)
                continue
            except Exception:
                logger.exception("cannot look for forced cancels")
                continue
            for owner, forced in overdue.items():
                if owner in self._workers:
                    self._forced[owner] = forced
                    _signal_session(self._workers[owner], signal.SIGKILL)

    async def _listen(self, line: ServerLine) -> None:
        """Answer what a server says of itself."""
        async for word in line.words():
            if word == SERVES:
                for predecessor in self._leaving:
                    predecessor.say(RELIEVED)
            elif word == LEAVES and self._stopping.is_set():
                line.say(ALONE)
            elif word == LEAVES:
                line.say(COMING)
                self._leaving.add(line)
                line.is_left.set()

    def _order(self, name: str, line: ServerLine | None) -> Order:
        listener = self._listener if line is not None else None
        return Order(
            name=name,
            owner=f"{name}.{secrets.token_hex(4)}",
            settings=self._settings,
            files=() if listener else self._files,
            socket_fd=listener.fileno() if listener else None,
            line_fd=line.theirs if line is not None else None,
        )

    async def _until_ended(self, process: Process, line: ServerLine | None, stop: asyncio.Event) -> int:
        """Wait for the child's end; once `stop` is set, ask for it, and in the end insist."""
        ended = asyncio.ensure_future(process.wait())
        limit_s = self._settings.grace_s + KILL_AFTER_S
        over = [asyncio.ensure_future(stop.wait())]
        if line is not None:
            over.append(asyncio.ensure_future(line.is_left.wait()))
        await asyncio.wait({ended, *over}, return_when=asyncio.FIRST_COMPLETED)
        for each in over:
            each.cancel()
        if line is not None and line.is_left.is_set():
            limit_s += LEAVING_S
        elif not ended.done():
            with contextlib.suppress(ProcessLookupError):
                # `process.terminate` would first poll a child that has just died, and lose its exit code.
                os.kill(process.pid, signal.SIGTERM)
        await asyncio.wait({ended}, timeout=limit_s)
        if not ended.done():
            _signal_session(process, signal.SIGKILL)
        return await ended

    async def _settle(self, order: Order, *, crashed: bool, death: str) -> None:
        """Free what a worker held; no new one could write while the journal cannot."""
        backoff = Backoff()
        forced = self._forced.get(order.owner, ())
        while order.socket_fd is None:
            try:
                await asyncio.to_thread(
                    crash_guard.settle,
                    self._journal,
                    self._hints,
                    self._clock,
                    order.owner,
                    crashed=crashed and not forced,  # nobody is to blame
                    death=death,
                    forced=forced,
                )
            except JournalUnavailable as error:
                logger.error("%s", error)  # noqa: TRY400 - the message says it all
                if self._stopping.is_set():
                    return  # the next start settles it
                await asyncio.sleep(backoff.after(0))
            else:
                return


async def _came_first(event: asyncio.Event, task: "asyncio.Task[int]") -> bool:
    """Wait for either; whether it was the event."""
    happens = asyncio.ensure_future(event.wait())
    await asyncio.wait({happens, task}, return_when=asyncio.FIRST_COMPLETED)
    happens.cancel()
    return event.is_set()


def describe_exit(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        return f"killed by signal {-code}"
    hint = ", as the system does when memory runs out" if name == "SIGKILL" else ""
    return f"killed by {name}{hint}"


def _signal_session(process: Process, number: signal.Signals) -> None:
    """Signal a child and the processes it has started, which share its session's group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
