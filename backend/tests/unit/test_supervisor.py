"""The supervisor's rules, on small real children in place of the server and the workers."""

import asyncio
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from tests.support.builders import WORKFLOW, a_new_execution

from headway.adapters.clock import SystemClock
from headway.adapters.hints.memory import MemoryHintBus
from headway.adapters.journal.memory import MemoryJournal
from headway.child import Order
from headway.config import Settings
from headway.supervisor import Backoff, Supervisor, describe_exit

OBEDIENT = "import sys; sys.stdin.read()"
DEAF = (
    "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('deaf', flush=True); sys.stdin.read()"
)
SHORT_LIVED = "import sys; sys.exit(3)"
LEAVER = """
import signal, socket, sys
line = socket.socket(fileno=int(sys.argv[1]))
signal.signal(signal.SIGTERM, lambda *_: line.send(b"l"))
line.send(b"s")
print("serves", flush=True)
while answer := line.recv(1):
    print(answer.decode(), flush=True)
    if answer != b"c":
        sys.exit()
"""  # a server, as far as a supervisor can tell


class Children:
    """Starts small processes, and remembers what was asked for.

    Args:
        scripts: What each runs, by name; of a list, one a start, the last again and again.
    """

    def __init__(self, **scripts: str | list[str]) -> None:
        self.orders: list[Order] = []
        self.processes: dict[str, Process] = {}
        self._scripts = scripts

    async def spawn(self, order: Order) -> Process:
        script = self._scripts.get(order.name.replace("-", "_"), OBEDIENT)
        if isinstance(script, list):
            script = script.pop(0) if len(script) > 1 else script[0]
        line = [] if order.line_fd is None else [order.line_fd]
        process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-S", "-c", script, *map(str, line)],
            stdin=PIPE,
            stdout=PIPE,
            pass_fds=line,
            start_new_session=True,
        )
        if script == DEAF:
            assert process.stdout is not None
            await process.stdout.readline()
        self.orders.append(order)
        self.processes[order.name] = process
        return process

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.orders) < count:
                await asyncio.sleep(0.01)


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@asynccontextmanager
async def supervising(
    children: Children, journal: MemoryJournal | None = None, **settings: Any
) -> AsyncIterator[Supervisor]:
    """Run a supervisor; in the end it has stopped by itself, or the test fails."""
    with listening() as listener:
        supervisor = Supervisor(
            Settings(**settings),
            ["/srv/flows.py"],
            listener,
            journal=journal or MemoryJournal(),
            hints=MemoryHintBus(),
            clock=SystemClock(),
            spawn=children.spawn,
        )
        running = asyncio.create_task(supervisor.run())
        try:
            yield supervisor
            await asyncio.wait_for(running, 10)
        finally:
            running.cancel()


def test_the_wait_doubles_to_a_limit_and_starts_over_after_a_healthy_life() -> None:
    backoff = Backoff()
    assert [backoff.after(0.1) for _ in range(8)] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert backoff.after(60.0) == 0.2


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (3, "exit code 3"),
        (-9, "killed by SIGKILL, as the system does when memory runs out"),
        (-11, "killed by SIGSEGV"),
        (-200, "killed by signal 200"),
    ],
)
def test_an_end_is_described_as_a_person_would(code: int, told: str) -> None:
    assert describe_exit(code) == told


async def test_one_server_with_the_socket_and_each_worker_with_the_files() -> None:
    children = Children()
    async with supervising(children, workers=2) as supervisor:
        await children.until(3)
        supervisor.stop()
    by_name = {order.name: order for order in children.orders}
    assert set(by_name) == {"server", "worker-1", "worker-2"}
    assert by_name["server"].socket_fd is not None
    assert by_name["server"].files == ()
    assert by_name["worker-1"].files == ("/srv/flows.py",)
    assert by_name["worker-1"].socket_fd is None


async def test_a_dead_worker_is_replaced_under_another_owner_and_its_executions_are_freed() -> None:
    journal = MemoryJournal()
    children = Children()
    async with supervising(children, journal) as supervisor:
        await children.until(2)
        first = next(order for order in children.orders if order.name == "worker-1")
        journal.create(a_new_execution())
        journal.claim(first.owner, [WORKFLOW], 10)
        children.processes["worker-1"].kill()
        await children.until(3)
        assert journal.owners() == []
        supervisor.stop()
    assert children.orders[-1].name == "worker-1"
    assert children.orders[-1].owner != first.owner
    [record] = journal.claim("next", [WORKFLOW], 10)
    assert record.crashes == 1


async def test_a_child_that_ends_at_once_is_started_again_and_again_and_does_not_hold_up_the_end() -> None:
    children = Children(worker_1=SHORT_LIVED)
    async with supervising(children) as supervisor:
        await children.until(4)
        supervisor.stop()
    assert [order.name for order in children.orders].count("server") == 1


async def test_a_worker_that_was_told_to_end_counts_no_crash() -> None:
    journal = MemoryJournal()
    children = Children()
    async with supervising(children, journal) as supervisor:
        await children.until(2)
        worker = next(order for order in children.orders if order.name == "worker-1")
        journal.create(a_new_execution())
        journal.claim(worker.owner, [WORKFLOW], 10)
        supervisor.stop()
    [record] = journal.claim("next", [WORKFLOW], 10)
    assert record.crashes == 0


async def test_the_server_outlives_the_workers_so_that_viewers_see_how_it_ended() -> None:
    children = Children(worker_1=DEAF)
    async with supervising(children, grace_s=3600) as supervisor:
        await children.until(2)
        supervisor.stop()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(children.processes["server"].wait(), 0.3)
        children.processes["worker-1"].kill()
    assert children.processes["server"].returncode == -signal.SIGTERM


async def test_a_second_stop_kills_a_child_that_does_not_end() -> None:
    children = Children(worker_1=DEAF, server=DEAF)
    async with supervising(children, grace_s=3600) as supervisor:
        await children.until(2)
        supervisor.stop()
        supervisor.stop()
        await asyncio.wait_for(children.processes["worker-1"].wait(), 5)
        supervisor.stop()
    assert children.processes["worker-1"].returncode == -signal.SIGKILL
    assert children.processes["server"].returncode == -signal.SIGKILL


async def test_what_a_cut_off_run_has_left_is_freed_before_any_worker_starts() -> None:
    journal = MemoryJournal()
    journal.create(a_new_execution())
    journal.claim("worker-1.dead", [WORKFLOW], 10)
    children = Children()
    async with supervising(children, journal) as supervisor:
        await children.until(1)
        assert journal.owners() == []
        supervisor.stop()


async def said(process: Process) -> str:
    """The next line of a child."""
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 10)).decode().strip()


async def test_a_server_that_leaves_stays_until_its_successor_serves_on_the_same_socket() -> None:
    children = Children(server=LEAVER)
    async with supervising(children) as supervisor:
        await children.until(2)
        leaving = children.processes["server"]
        assert await said(leaving) == "serves"
        leaving.terminate()
        assert [await said(leaving), await said(leaving)] == ["c", "r"]
        successor = children.processes["server"]
        assert successor is not leaving
        assert await said(successor) == "serves"
        assert await leaving.wait() == 0
        supervisor.stop()
        assert await said(successor) == "a"
    servers = [order for order in children.orders if order.name == "server"]
    assert len(servers) == 2
    assert len({order.socket_fd for order in servers}) == 1


async def test_a_successor_that_dies_before_it_serves_is_followed_by_another() -> None:
    children = Children(server=[LEAVER, SHORT_LIVED, LEAVER])
    async with supervising(children) as supervisor:
        await children.until(2)
        leaving = children.processes["server"]
        assert await said(leaving) == "serves"
        leaving.terminate()
        assert [await said(leaving), await said(leaving)] == ["c", "r"]
        assert await said(children.processes["server"]) == "serves"
        supervisor.stop()
    assert [order.name for order in children.orders].count("server") == 3


async def test_no_successor_is_started_once_all_are_to_end() -> None:
    """Not even for a server that is told so before the workers have ended."""
    children = Children(server=LEAVER, worker_1=DEAF)
    async with supervising(children, grace_s=3600) as supervisor:
        await children.until(2)
        server = children.processes["server"]
        assert await said(server) == "serves"
        supervisor.stop()
        server.terminate()
        assert await said(server) == "a"
        assert await server.wait() == 0
        children.processes["worker-1"].kill()
    assert len(children.orders) == 2


async def test_a_server_that_waits_for_its_successor_is_let_go_when_all_are_to_end() -> None:
    children = Children(server=[LEAVER, OBEDIENT])
    async with supervising(children) as supervisor:
        await children.until(2)
        leaving = children.processes["server"]
        assert await said(leaving) == "serves"
        leaving.terminate()
        assert await said(leaving) == "c"
        await children.until(3)
        supervisor.stop()
        assert await said(leaving) == "a"
