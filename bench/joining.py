"""What it costs to come late, to see all of a long history, and to move to another server.

The client is on another core than the server, and is bare sockets or the compiled load generator: what is
measured is the server.
"""

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Self

from headway.domain.identifiers import ExecutionId
from headway.protocol.frames import messages

from fanout import cursor_at_start
from histories import write_history
from machine import SERVER_CORE, work_folder
from processes import Database, Server, worker
from viewers import Viewers, judged

SHORT, LONG = 1_000, 1_000_000  # events
APART_S = 0.7  # those who join together share one snapshot: each of these makes its own
LIMIT_S = 60.0
Measured = dict[str, Any]


class Joiner:
    """A WebSocket client of few words, for one join."""

    def __init__(self, port: int, path: str, *, offer: str | None = None) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            *([f"Sec-WebSocket-Protocol: {offer}"] if offer else []),
        ]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = self.until(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise RuntimeError(f"refused: {head!r}")
        self._received = self._received[head.index(b"\r\n\r\n") + 4 :]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def say(self, **message: object) -> None:
        """Send a text frame, masked by zero; short ones only."""
        text = json.dumps(message).encode()
        assert len(text) < 126
        self._socket.sendall(bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text)

    def until(self, mark: bytes) -> bytes:
        """All that has come, once `mark` is among it."""
        looked = 0
        while self._received.find(mark, looked) < 0:
            looked = max(0, len(self._received) - len(mark))
            self._receive()
        return self._received

    def until_frame_with(self, mark: bytes) -> None:
        """Wait for the last byte of the frame that holds `mark`."""
        self.until(mark)
        while whole_bytes(self._received) <= self._received.find(mark):
            self._receive()

    def _receive(self) -> None:
        piece = self._socket.recv(1 << 20)
        if not piece:
            raise RuntimeError("the server closed the connection")
        self._received += piece

    def take(self) -> int:
        """Forget what has come; how much that was."""
        size, self._received = len(self._received), b""
        return size

    def snapshot_texts(self) -> Iterator[dict[str, Any]]:
        """The parts of the snapshot that has come."""
        for _, payload in messages(self._received[: whole_bytes(self._received)]):
            text = json.loads(payload.split(b"\n", 1)[0])
            if text["t"] == "snap":
                yield text


def whole_bytes(received: bytes) -> int:
    """How much of it is whole frames, which a server sends unmasked."""
    at = 0
    while at + 2 <= len(received):
        size, head = received[at + 1], 2
        if size >= 126:
            head = 4 if size == 126 else 10
            size = int.from_bytes(received[at + 2 : at + head], "big")
        if at + head + size > len(received):
            break
        at += head + size
    return at


def join_simple(port: int, execution: ExecutionId, last_seq: int) -> tuple[float, int]:
    """Seconds from the request to the last event there is, and bytes received."""
    began = time.perf_counter()
    with Joiner(port, f"/ws/workflow/{execution}") as viewer:
        viewer.until(b'"seq":%d,' % last_seq)
        return time.perf_counter() - began, viewer.take()


def join_rich(port: int, execution: ExecutionId, last_seq: int) -> tuple[float, int]:
    """Seconds from the subscription to the end of the snapshot, and bytes received."""
    with Joiner(port, "/ws", offer="headway.v1") as viewer:
        viewer.say(t="hello")
        viewer.until(b'"now":')
        viewer.take()
        began = time.perf_counter()
        viewer.say(t="sub", x=execution)
        viewer.until_frame_with(b'"logs":[')
        took = time.perf_counter() - began
        (part,) = viewer.snapshot_texts()
        if part["parts"] != 1 or int(part["cur"].split(".")[1]) != last_seq:
            raise RuntimeError(f"not the snapshot that was expected: {part['cur']} of {last_seq}")
        return took, viewer.take()


def measure_joins(server: Server, executions: dict[int, ExecutionId], times: int) -> Measured:
    """Late joins to a short and a long history in turn: medians."""
    took: dict[tuple[str, int], list[tuple[float, int]]] = {}
    for _ in range(times):
        for mode, join in (("simple", join_simple), ("rich", join_rich)):
            for events, execution in executions.items():
                time.sleep(APART_S / 2)
                took.setdefault((mode, events), []).append(join(server.port, execution, events))
    return {
        f"{mode} {events}": {
            "ms": median(seconds for seconds, _ in samples) * 1e3,
            "kib": median(size for _, size in samples) / 1024,
        }
        for (mode, events), samples in took.items()
    }


def measure_replay(server: Server, database: Database, execution: ExecutionId, dialect: str) -> Measured:
    """All of a closed history to one viewer."""
    with Viewers(
        server.port,
        f"/ws/workflow/{execution}?after=0",
        viewers=1,
        dialect=dialect,
        execution=execution,
        cursor=cursor_at_start(database, execution),
        pid=str(server.pid),
        limit_s=LIMIT_S,
        check_after=dialect == "deflate",
    ) as load:
        result = load.result()
    last_seq = database.journal.get(execution).head.last_seq
    whole = bool(result["done"] and result["events"] == last_seq and not result["broken"])
    return {
        "complete": whole,
        "events_per_s": result["events"] / result["whole_s"],
        "bytes_an_event": result["bytes"] / result["events"],
    }


def measure_histories(*, quick: bool) -> Measured:
    """Late joins while two executions are open, and replays of a third."""
    with work_folder() as folder, Database(folder) as database:
        opened = {events: write_history(database, events, closed=False) for events in (SHORT, LONG)}
        ended = write_history(database, LONG, closed=True)
        with Server(database) as server:
            joins = measure_joins(server, opened, times=5 if quick else 20)
            replays = {
                dialect: measure_replay(server, database, ended, dialect)
                for dialect in ("rich", "deflate", "simple")
            }
        # At once: a server compacts by and by what has ended.
        just_ended = write_history(database, LONG, closed=True, compacted=False)
        with Server(database) as server:
            replays["rich, just ended"] = measure_replay(server, database, just_ended, "rich")
    return {"joins": joins, "replays": replays}


@contextmanager
def stopping(server: Server, after_s: float) -> Iterator[None]:
    """Tell the server to stop after so long."""
    timer = threading.Timer(after_s, server.signal, (signal.SIGTERM,))
    timer.start()
    yield
    timer.cancel()


def measure_drain(viewers: int, rate: float, seconds: float) -> Measured:
    """A server ends while it has viewers, and another takes its place on the same port."""
    with work_folder() as folder, Database(folder) as database, worker(database, SERVER_CORE):
        gate = folder / "gate"
        execution = database.queue("ticker", {"gate": str(gate), "rate": rate, "seconds": seconds})
        with (
            Server(database) as leaving,
            leaving.successor() as taking_over,
            Viewers(
                leaving.port,
                "/ws",
                viewers=viewers,
                dialect="rich",
                execution=execution,
                cursor=cursor_at_start(database, execution),
                reconnect=True,
                pid=f"{leaving.pid},{taking_over.pid}",
                limit_s=LIMIT_S + seconds,
            ) as load,
            stopping(leaving, 2.0),
        ):
            gate.touch()
            return judged(load.result(), viewers, rate, seconds)


def measure(*, quick: bool = False) -> Measured:
    """All of it."""
    return measure_histories(quick=quick) | {"drain": measure_drain(2_000, 5.0, 20.0 if quick else 30.0)}


if __name__ == "__main__":
    from results import run_alone

    run_alone(Path(__file__).stem, measure)
