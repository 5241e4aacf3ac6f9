"""The server process: answers HTTP and WebSockets on the supervisor's socket; user code never runs in it."""

import logging
import signal
import socket

from headway import bootstrap
from headway.child import Order, run_child, take_order
from headway.collector import Collector
from headway.succession import SupervisorLine

COLLECT_AFTER = 30_000  # objects: those of two hundred viewers


def main() -> None:
    """Entry point; ended by SIGTERM, or by the supervisor's death."""
    run_child(serve(take_order()))


async def serve(order: Order) -> None:
    """Serve until SIGTERM, which uvicorn takes."""
    settings = order.settings
    listener = socket.socket(fileno=order.socket_fd)
    with listener, bootstrap.open_store(settings) as (journal, hints):
        line = await SupervisorLine.open(order.line_fd) if order.line_fd is not None else None
        server = bootstrap.build_server(settings, journal, hints, succession=line)
        _adopt_log(settings.log_level)
        async with bootstrap.build_housekeeper(settings, journal), Collector(COLLECT_AFTER):
            signal.signal(signal.SIGTERM, _stay)  # before, nothing is open that would not bear a sudden end
            await server.serve(sockets=[listener])


def _stay(number: int, frame: object) -> None:
    """Uvicorn raises the signal again once it has drained; what is open is closed first, then we end."""


def _adopt_log(level: str) -> None:
    """Uvicorn's own messages look like ours, without a line for each connection."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers[:] = logging.getLogger("headway").handlers if name == "uvicorn" else []
        logger.setLevel("DEBUG" if level == "DEBUG" else "WARNING")


if __name__ == "__main__":
    main()
