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
from headway.api.draining import DrainingServer
from headway.api.listening import listening_socket
from headway.api.uvicorn_protocol import server_config
from headway.ports import HintBus, Journal, OutputStore
from headway.services.event_streams import EventStreams
from headway.services.executions import Executions
from headway.services.fanout import Fanout
from headway.services.feed import Feed


@dataclass(frozen=True)
class RunningServer:
    """What a test talks to, and what it looks behind the wire with."""

    port: int
    journal: Journal
    hints: HintBus
    outputs: OutputStore
    executions: Executions
    fanout: Fanout
    feed: Feed
    server: uvicorn.Server
    prefix: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.prefix}"

    @property
    def rich(self) -> str:
        return f"ws://127.0.0.1:{self.port}{self.prefix}/ws"

    def ws(self, target: str, query: str = "") -> str:
        return f"ws://127.0.0.1:{self.port}{self.prefix}/ws/workflow/{target}{query}"


@contextmanager
def listening(server: uvicorn.Server) -> Iterator[int]:
    """Run a server in a thread; gives its port, and ends it with the block."""
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
    feed: dict[str, Any] | None = None,
    streams: dict[str, Any] | None = None,
    drain_s: float = 5.0,
    config: dict[str, Any] | None = None,
    **options: Any,
) -> Iterator[RunningServer]:
    """Serve the application.

    Args:
        journal: In memory unless given.
        hints: In this process unless given.
        fanout: Further arguments of `Fanout`.
        feed: Further arguments of `Feed`.
        streams: Further arguments of `EventStreams`.
        drain_s: How long the server may drain.
        config: Attributes of the uvicorn configuration to change, as another server might have them.
        options: Of `create_app`.
    """
    journal, hints, clock = journal or MemoryJournal(), hints or MemoryHintBus(), SystemClock()
    executions = Executions(journal, hints, clock, lambda: secrets.randbits(80))
    fan, outputs = Fanout(journal, hints, clock, **fanout or {}), MemoryOutputStore()
    rich = Feed(journal, hints, fan.tails, clock, **{"node": "test", **(feed or {})})
    http = EventStreams(executions, fan.tails, **streams or {})
    app: ASGIApp = create_app(executions, fan, outputs, feed=rich, streams=http, **options)
    settings = server_config(app, log_level="warning")
    for name, value in (config or {}).items():
        setattr(settings, name, value)
    server = DrainingServer(settings, rich, drain_s=drain_s)
    with listening(server) as port:
        prefix = options.get("prefix", "")
        yield RunningServer(port, journal, hints, outputs, executions, fan, rich, server, prefix)
