"""A real server for tests: uvicorn in a thread, on a free port, over a journal in memory."""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from tests.support.eventually import eventually

from headway.adapters.clock import SystemClock
from headway.adapters.hints.memory import MemoryHintBus
from headway.adapters.journal.memory import MemoryJournal
from headway.adapters.outputs import MemoryOutputStore
from headway.api.app import create_app
from headway.api.listening import listening_socket
from headway.api.uvicorn_protocol import server_config
from headway.ports import HintBus, Journal, OutputStore
from headway.services.executions import Executions
from headway.services.fanout import Fanout


@dataclass(frozen=True)
class RunningServer:
    """What a test talks to, and what it looks behind the wire with."""

    port: int
    journal: Journal
    hints: HintBus
    outputs: OutputStore
    executions: Executions
    fanout: Fanout
    prefix: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.prefix}"

    def ws(self, target: str, query: str = "") -> str:
        return f"ws://127.0.0.1:{self.port}{self.prefix}/ws/workflow/{target}{query}"


@contextmanager
def listening(config: uvicorn.Config) -> Iterator[int]:
    """Run a configured server in a thread; gives its port, and ends it with the block."""
    server = uvicorn.Server(config)
    with listening_socket("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="uvicorn")
        thread.start()
        try:
            eventually(lambda: server.started or not thread.is_alive())
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(15)
            assert not thread.is_alive(), "the server did not stop"


@contextmanager
def serving(
    journal: Journal | None = None,
    hints: HintBus | None = None,
    *,
    fanout: dict[str, Any] | None = None,
    config: dict[str, Any] | None = None,
    **options: Any,
) -> Iterator[RunningServer]:
    """Serve the application.

    Args:
        journal: In memory unless given.
        hints: In this process unless given.
        fanout: Further arguments of `Fanout`.
        config: Attributes of the uvicorn configuration to change, as another server might have them.
        options: Of `create_app`.
    """
    journal, hints, clock = journal or MemoryJournal(), hints or MemoryHintBus(), SystemClock()
    executions = Executions(journal, hints, clock, lambda: secrets.randbits(80))
    fan, outputs = Fanout(journal, hints, clock, **fanout or {}), MemoryOutputStore()
    app: ASGIApp = create_app(executions, fan, outputs, **options)
    settings = server_config(app, log_level="warning")
    for name, value in (config or {}).items():
        setattr(settings, name, value)
    with listening(settings) as port:
        yield RunningServer(port, journal, hints, outputs, executions, fan, options.get("prefix", ""))
