"""Threads for plain functions: as many as are needed at once, none of which keeps the process alive.

The standard pool joins its threads at exit, so one user function that never returns would hang the worker.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

IDLE_S = 10.0


@dataclass(frozen=True, slots=True)
class Returned:
    value: Any


@dataclass(frozen=True, slots=True)
class Raised:
    error: BaseException


Outcome = Returned | Raised
_Job = tuple[Callable[[], Any], "asyncio.Future[Outcome]"]


class Threads:
    """Runs calls off the loop; a thread that has had nothing to do for a while ends."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._lock = threading.Lock()
        self._free = 0  # threads that wait for a job, less the jobs that wait for them

    def run(self, call: Callable[[], Any]) -> "asyncio.Future[Outcome]":
        """Start `call` in a thread; the future of the running loop tells how it ended, and never raises."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._free -= 1
            is_short = self._free < 0
            self._free += is_short
        if is_short:
            threading.Thread(target=self._work, args=((call, future),), name=self._name, daemon=True).start()
        else:
            self._jobs.put((call, future))
        return future

    def _work(self, job: _Job | None) -> None:
        while job is not None:
            call, future = job
            outcome = run_guarded(call)
            with self._lock:
                self._free += 1
            with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
                future.get_loop().call_soon_threadsafe(_settle, future, outcome)
            del call, future, outcome  # an idle thread keeps nobody's objects alive
            job = self._next_job()

    def _next_job(self) -> _Job | None:
        try:
            return self._jobs.get(timeout=IDLE_S)
        except Empty:
            with self._lock:
                if self._free > 0:
                    self._free -= 1
                    return None
            return self._jobs.get()  # a job was given to us as we gave up: it is on its way


def run_guarded(call: Callable[[], Any]) -> Outcome:
    """Whatever user code raises ends the call, not the thread."""
    try:
        return Returned(call())
    except BaseException as error:  # noqa: BLE001 - SystemExit of user code is its own end only
        return Raised(error)


def _settle(future: "asyncio.Future[Outcome]", outcome: Outcome) -> None:
    if not future.done():
        future.set_result(outcome)
