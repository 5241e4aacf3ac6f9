"""The processes of a chaos run and the proxy in front of them: starts, breaks, restores and examines them."""

import asyncio
import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
from tests.support.chaos.plan import Fault, Start
from tests.support.chaos.watch import Watch
from tests.support.eventually import eventually
from tests.support.fault_proxy import FaultProxy, Link
from tests.support.serving import Serving, StoredLog, is_alive, journal_of, serving, stored_log

from headway.adapters.journal.sqlite import SqliteJournal
from headway.domain.identifiers import ExecutionId
from headway.errors import ExecutionNotFound

FLOWS = Path(__file__).parents[1] / "flows" / "chatty.py"
CHILDREN = {
    "kill server": ("headway.server",),
    "kill worker": ("headway.worker",),
    "kill both": ("headway.server", "headway.worker"),
}
CLOSED_WITHIN_S = 90.0
STILL_S = 0.5
T = TypeVar("T")


class Arena:
    """A supervised server with workers on a database of its own; an asynchronous context manager.

    Attributes:
        seen: All viewers so far, in the order in which they came; `watches` those that are not examined yet.
        restores: How often an older copy was put back.
        errors: What the processes said, for who reads a failure.
    """

    def __init__(self, folder: Path) -> None:
        self._database = folder / "headway.db"
        self._copy = folder / "older.db"
        self._served: Serving | None = None
        self._stop = ExitStack()
        self._began = time.monotonic()
        self._started = 0
        self.proxy = FaultProxy(1)
        self.seen: list[Watch] = []
        self.watches: list[Watch] = []
        self.restores = 0
        self.errors = ""

    async def __aenter__(self) -> Self:
        await self.proxy.__aenter__()
        await self._serve()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.proxy.__aexit__(None, None, None)
        await to_its_end(self._halt)

    def tell(self, what: object) -> None:
        """Say what happens now, for who reads a failure."""
        print(f"{time.monotonic() - self._began:6.2f}s {what}")  # noqa: T201 - shown on a failure, or with -s

    async def start(self, start: Start) -> ExecutionId:
        """Start an execution through the proxy, over any fault; the key makes it one execution."""
        self._started += 1
        headers = {"Idempotency-Key": f"chaos {self._started}"}
        body = {"input": {"steps": start.steps, "lines": start.lines}}
        while True:
            with suppress(httpx.HTTPError):
                async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
                    address = f"{self.proxy.url}/api/workflows/chatty/executions"
                    answer = await client.post(address, headers=headers, json=body)
                if answer.status_code in (HTTPStatus.OK, HTTPStatus.CREATED):
                    return ExecutionId(answer.json()["execution_id"])
            await asyncio.sleep(0.05)

    # Faults.

    async def strike(self, fault: Fault) -> None:
        """Let it happen; returns once it is lifted."""
        self.tell(fault)
        chance = random.Random(fault.seed)
        if fault.kind in CHILDREN:
            await asyncio.to_thread(self._kill, CHILDREN[fault.kind], chance)
        elif fault.kind == "refuse":
            self.proxy.refuses = True
            await asyncio.sleep(fault.hold_s)
            self.proxy.refuses = False
        else:
            await self._disturb(fault, self.proxy.some(fault.share, chance))

    async def _disturb(self, fault: Fault, links: list[Link]) -> None:
        for link in links:
            match fault.kind:
                case "cut":
                    link.cut_after(fault.after_bytes)
                case "freeze up":
                    link.freeze("up")
                case "freeze down":
                    link.freeze("down")
                case _:
                    link.delay_s = fault.hold_s / 5
        await asyncio.sleep(fault.hold_s)
        for link in links:
            link.delay_s = 0.0
            if fault.kind != "delay" and fault.cuts:
                link.cut()
            link.thaw()

    def _kill(self, modules: tuple[str, ...], chance: random.Random) -> None:
        """`kill -9` one child of each; one that is not there has been killed already."""
        assert self._served is not None
        for module in modules:
            if pids := self._served.children(module):
                with suppress(ProcessLookupError):
                    os.kill(chance.choice(pids), signal.SIGKILL)

    # The older copy.

    async def copy(self) -> None:
        """Take a copy as a backup tool does, while everything runs."""
        await asyncio.to_thread(backup, self._database, self._copy)
        self.tell("copied")

    async def restore(self, how: str) -> None:
        """Put the copy back in place of the database, with everything stopped; then start again."""
        assert self._served is not None
        self.tell(f"restore: {how}")
        if how == "killed":
            children = self._served.children("headway.")
            self._served.process.kill()
            gone = partial(lambda pids: not any(map(is_alive, pids)), children)
            await asyncio.to_thread(eventually, gone, 20)
        await to_its_end(self._halt)
        await self._settle()
        await asyncio.to_thread(self.examine)
        for suffix in ("", "-wal", "-shm"):
            self._database.with_name(self._database.name + suffix).unlink(missing_ok=True)
        shutil.copy(self._copy, self._database)
        self.restores += 1
        await self._serve()

    async def _serve(self) -> None:
        served = await to_its_end(
            self._stop.enter_context,
            serving(self._database, [FLOWS], HEADWAY_WORKERS="2", HEADWAY_LOG_LEVEL="WARNING"),
        )
        self._served, self.proxy.target = served, int(served.url.rpartition(":")[2])
        self.tell("serving")

    def _halt(self) -> None:
        """Stop all processes; what they said is kept."""
        if self._served is not None:
            self.errors += self._served.log
        self._served = None
        self._stop.close()

    async def _settle(self) -> None:
        """Wait until every viewer has applied what reached it: from here on nothing of this history comes."""
        for link in self.proxy.links:
            link.cut()
        before: list[int] = []
        while before != (now := [watch.seq for watch in self.watches]):
            before = now
            await asyncio.sleep(STILL_S)

    # Afterwards.

    async def until_closed(self) -> None:
        """Wait until no execution runs any more."""

        def nothing_runs() -> bool:
            with closing(sqlite3.connect(self._database)) as connection:
                (count,) = connection.execute("SELECT count(*) FROM execution WHERE closed = 0").fetchone()
            return bool(count == 0)

        await asyncio.to_thread(eventually, nothing_runs, CLOSED_WITHIN_S)
        self.tell("all closed")

    def examine(self) -> None:
        """Hold every viewer to what is stored now; those that are over are not looked at again."""
        with journal_of(self._database) as journal:
            logs: dict[str, StoredLog] = {}
            for watch in self.watches:
                log = logs.get(watch.execution_id) or _log_of(journal, watch)
                logs[watch.execution_id] = log
                if watch.gone:
                    assert not log.lines, f"{watch}, but it is in the journal"
                    assert self.restores, f"{watch}, but no older copy was put back"
                else:
                    watch.check_against(log)
                    watch.check_resets(log, self.restores)
        self.watches = [watch for watch in self.watches if not watch.is_over]


def backup(source: Path, target: Path) -> None:
    """A consistent copy of a database in use."""
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)


async def to_its_end(call: Callable[..., T], *args: Any) -> T:
    """Run it in a thread; who is cancelled meanwhile waits, so that no process is left behind."""
    work = asyncio.ensure_future(asyncio.to_thread(call, *args))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


def _log_of(journal: SqliteJournal, watch: Watch) -> StoredLog:
    try:
        return stored_log(journal, watch.execution_id)
    except ExecutionNotFound:
        return StoredLog([], [0])
