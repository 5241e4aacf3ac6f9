"""The server process: answers HTTP and WebSockets on the supervisor's socket; user code never runs in it."""

import socket

import uvicorn

from headway import bootstrap
from headway.child import Order, run_loop, take_order


def main() -> None:
    """Entry point; ended by SIGTERM, or by the supervisor's death."""
    order = take_order()
    run_loop(serve(order))


async def serve(order: Order) -> None:
    """Serve until SIGTERM, which uvicorn takes."""
    settings = order.settings
    with (
        bootstrap.open_store(settings) as (journal, hints),
        socket.socket(fileno=order.socket_fd) as listener,
    ):
        server = uvicorn.Server(bootstrap.build_server(settings, journal, hints))
        await server.serve(sockets=[listener])


if __name__ == "__main__":
    main()
