"""What every bus of hints promises, and what the one between processes adds."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from tests.support.builders import an_execution_id
from tests.support.eventually import eventually

from headway.adapters.hints.local import LocalHintBus
from headway.adapters.hints.memory import MemoryHintBus
from headway.domain.identifiers import ExecutionId
from headway.ports import Hint, HintBus

GREW = Hint("events", ExecutionId("01JD000000000000000000000A"), 17)


class Received(list[Hint]):
    """Remembers the hints it is called with."""

    def __call__(self, hints: Sequence[Hint]) -> None:
        self.extend(hints)


@pytest.fixture
def runtime_dir() -> Iterator[Path]:
    """Short, as paths of sockets must be."""
    with tempfile.TemporaryDirectory(prefix="hw") as directory:
        yield Path(directory)


@pytest.fixture
def join(runtime_dir: Path, tmp_path: Path) -> Iterator[Callable[[], LocalHintBus]]:
    """Makes members of one database's bus."""
    members: list[LocalHintBus] = []

    def make() -> LocalHintBus:
        members.append(LocalHintBus(tmp_path / "h.db", runtime_dir=runtime_dir))
        return members[-1]

    yield make
    for member in members:
        member.close()


@pytest.fixture(params=["memory", "local", "local without sockets"])
def bus(request: pytest.FixtureRequest, runtime_dir: Path, tmp_path: Path) -> Iterator[HintBus]:
    if request.param == "memory":
        bus: HintBus = MemoryHintBus()
    else:
        place = runtime_dir if request.param == "local" else runtime_dir / "missing"
        bus = LocalHintBus(tmp_path / "h.db", runtime_dir=place)
    yield bus
    bus.close()


class TestEveryBus:
    def test_each_subscriber_gets_what_this_process_publishes(self, bus: HintBus) -> None:
        one, two = Received(), Received()
        bus.subscribe(one)
        bus.subscribe(two)
        bus.publish([GREW, Hint("queue")])
        assert one == two == [GREW, Hint("queue")]

    def test_an_ended_subscription_gets_nothing(self, bus: HintBus) -> None:
        received = Received()
        end = bus.subscribe(received)
        bus.subscribe(received)
        end()
        end()
        bus.publish([GREW])
        assert received == [GREW]

    def test_a_subscriber_that_fails_harms_nobody(
        self, bus: HintBus, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(hints: Sequence[Hint]) -> None:
            raise RuntimeError("mine")

        received = Received()
        bus.subscribe(fail)
        bus.subscribe(received)
        bus.publish([GREW])
        assert received == [GREW]
        assert "RuntimeError: mine" in caplog.text

    def test_a_closed_bus_is_silent(self, bus: HintBus) -> None:
        received = Received()
        bus.subscribe(received)
        bus.close()
        bus.close()
        bus.publish([GREW])
        assert received == []


class TestBetweenMembers:
    def test_hints_reach_the_others(self, join: Callable[[], LocalHintBus]) -> None:
        """At once, also those who came after the publisher last looked."""
        first, received = join(), Received()
        first.publish([GREW])
        second = join()
        second.subscribe(received)
        hint = Hint("queue")
        eventually(lambda: first.publish([hint]) or received)
        assert set(received) == {hint}

    def test_hints_reach_another_process(self, join: Callable[[], LocalHintBus], tmp_path: Path) -> None:
        bus, received = join(), Received()
        bus.subscribe(received)
        script = (
            "import sys; from pathlib import Path; from headway.ports import Hint\n"
            "from headway.adapters.hints.local import LocalHintBus\n"
            "bus = LocalHintBus(sys.argv[1], runtime_dir=Path(sys.argv[2])); bus.publish([Hint('queue')])\n"
            "bus.close()"
        )
        place = bus.address.parent.parent if bus.address else tmp_path
        subprocess.run([sys.executable, "-c", script, str(tmp_path / "h.db"), str(place)], check=True)
        assert eventually(lambda: received) == [Hint("queue")]

    def test_another_database_is_another_bus(
        self, join: Callable[[], LocalHintBus], runtime_dir: Path, tmp_path: Path
    ) -> None:
        mine, received = join(), Received()
        mine.subscribe(received)
        other = LocalHintBus(tmp_path / "other.db", runtime_dir=runtime_dir)
        other.publish([Hint("queue")])
        other.close()
        witness = join()
        eventually(lambda: witness.publish([GREW]) or received)
        assert set(received) == {GREW}

    def test_a_long_list_arrives_whole(self, join: Callable[[], LocalHintBus]) -> None:
        sender, receiver, received = join(), join(), Received()
        receiver.subscribe(received)
        hints = [Hint("events", an_execution_id(), n) for n in range(600)]
        eventually(lambda: sender.publish([GREW]) or received)
        sender.publish(hints)
        assert (
            eventually(lambda: received[-1:] == hints[-1:] and [hint for hint in received if hint != GREW])
            == hints
        )

    def test_what_is_no_hint_is_ignored(self, join: Callable[[], LocalHintBus]) -> None:
        receiver, received = join(), Received()
        receiver.subscribe(received)
        assert receiver.address is not None
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
            for junk in (b"", b"{", b"\xff" * 9, b'[["events", 1, 2]]', b'["x"]', b"[" * 5_000):
                stranger.sendto(junk, str(receiver.address))
        sender = join()
        eventually(lambda: sender.publish([GREW]) or received)
        assert set(received) == {GREW}

    def test_the_socket_of_a_killed_member_is_removed(
        self, join: Callable[[], LocalHintBus], runtime_dir: Path
    ) -> None:
        bus = join()
        assert bus.address is not None
        dead = bus.address.with_name("99999-dead")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as killed:
            killed.bind(str(dead))
        assert dead.exists()
        eventually(lambda: bus.publish([GREW]) or not dead.exists())

    def test_a_member_that_reads_nothing_blocks_nobody(self, join: Callable[[], LocalHintBus]) -> None:
        bus = join()
        assert bus.address is not None
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stalled:
            stalled.bind(str(bus.address.with_name("1-stalled")))
            full = [Hint("events", an_execution_id(), n) for n in range(150)]
            for _ in range(2_000):  # far more than a socket's buffer holds
                bus.publish(full)

    def test_leaving_removes_the_socket_and_at_last_the_folder(
        self, join: Callable[[], LocalHintBus]
    ) -> None:
        first, last = join(), join()
        assert first.address is not None
        assert first.address.exists()
        first.close()
        assert not first.address.exists()
        assert first.address.parent.exists()
        last.close()
        assert not first.address.parent.exists()

    def test_only_the_owner_may_enter_the_folder(self, join: Callable[[], LocalHintBus]) -> None:
        bus = join()
        assert bus.address is not None
        assert os.stat(bus.address.parent).st_mode & 0o777 == 0o700

    def test_a_folder_open_to_others_is_not_trusted(
        self, join: Callable[[], LocalHintBus], caplog: pytest.LogCaptureFixture
    ) -> None:
        first = join()
        assert first.address is not None
        os.chmod(first.address.parent, 0o777)
        assert join().address is None
        assert "open to others" in caplog.text
