"""Runs the servers that Headway is measured beside, each on the server's core and for one measurement."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from machine import HERE, SERVER_CORE, pinned
from processes import READY_WITHIN_S, until
from viewers import Viewers, judged

PEERS = HERE / "peers"


@dataclass(frozen=True, slots=True)
class Peer:
    """A server to measure: how it is started, and what its viewers speak."""

    name: str
    command: tuple[str, ...]
    path: str = "/ws/workflow/ticker"
    dialect: str = "simple"

    def measure(
        self, viewers: int, rate: float, seconds: float, *, stalled: int = 0, frame_events: int = 1
    ) -> dict[str, Any]:
        """What its viewers received of `rate` events a second."""
        load = {"rate": rate, "seconds": seconds, "viewers": viewers + stalled, "frame-events": frame_events}
        words = [word for name, value in load.items() for word in (f"--{name}", str(value))]
        with (
            self._serving(words) as (port, pid),
            Viewers(
                port,
                self.path,
                viewers=viewers,
                stalled=stalled,
                dialect=self.dialect,
                pid=str(pid),
                limit_s=limit_s(seconds),
            ) as load_generator,
        ):
            result = load_generator.result()
        return judged(result, viewers, rate, seconds)

    @contextmanager
    def _serving(self, words: list[str]) -> Iterator[tuple[int, int]]:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port: int = probe.getsockname()[1]
        command = pinned(SERVER_CORE, [*self.command, "--port", str(port), *words])
        process = subprocess.Popen(command, cwd=HERE)
        try:
            until(lambda: accepts(port), READY_WITHIN_S, self.name)
            yield port, process.pid
        finally:
            process.kill()
            process.wait()


def limit_s(seconds: float) -> float:
    """How long the viewers of a peer wait for `seconds` of events: what is not there by then is late."""
    return 15 + 1.5 * seconds


def accepts(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2.0).close()
    except OSError:
        return False
    return True


def python(name: str, module: str, **different: str) -> Peer:
    """A peer in this Python."""
    return Peer(name, (sys.executable, "-m", f"peers.{module}"), **different)


SOCKETIO = {"path": "/socket.io/?EIO=4&transport=websocket", "dialect": "socketio"}
RAW = python("raw uvloop", "raw")
NAIVE = python("naive FastAPI loop", "naive")


def installed() -> list[Peer]:
    """The peers that can run here; Socket.IO on Node needs npm to reach a registry once."""
    peers = [
        NAIVE,
        python("`websockets.broadcast`", "broadcast"),
        python("python-socketio", "socketio_python", **SOCKETIO),
    ]
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return peers
    if not (PEERS / "node_modules" / "socket.io").exists():
        install = [npm, "ci", "--no-audit", "--no-fund", "--silent"]
        if subprocess.run(install, cwd=PEERS, check=False).returncode:
            print("Socket.IO could not be installed: it is left out.", flush=True)
            return peers
    return [*peers, Peer("Node Socket.IO", (node, str(PEERS / "socketio.mjs")), **SOCKETIO)]
