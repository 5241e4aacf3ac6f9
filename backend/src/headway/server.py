"""The server process: answers HTTP and WebSockets on the supervisor's socket; user code never runs in it."""

import socket

import uvicorn

from headway import bootstrap
from headway.child import Order, run_loop, take_order

DRAIN_S = 5  # open requests get so long once the server is told to end


def main() -> None:
    """Entry point; ended by SIGTERM, or by the supervisor's death."""
    order = take_order()
    run_loop(serve(order))


async def serve(order: Order) -> None:
    """Serve until SIGTERM, which uvicorn takes."""
    assert order.socket_fd is not None
    with (
        bootstrap.open_store(order.settings) as (journal, hints),
        socket.socket(fileno=order.socket_fd) as sock,
    ):
        async with bootstrap.build_app(order.settings, journal, hints) as app:
            await uvicorn.Server(bootstrap.uvicorn_config(app, order.settings)).serve(sockets=[sock])


if __name__ == "__main__":
    main()
