"""The socket the server listens on, set so that a peer that stops reading costs little and does not stay."""

import errno
import socket

from headway.errors import AddressInUse, ClientError

SEND_BUFFER_BYTES = 128 << 10
USER_TIMEOUT_MS = 30_000  # unacknowledged for so long, the kernel gives a connection up
BACKLOG = 2_048


def listening_socket(host: str, port: int) -> socket.socket:
    """Bind and listen; accepted connections inherit the options.

    Args:
        host: Name or address of this machine.
        port: 0 takes a free one.

    Raises:
        AddressInUse: Another program listens there.
        ClientError: The address is not one of this machine, or may not be used.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise ClientError(f"cannot listen on {host}: {error.strerror or error}", host=host) from error
    listener = socket.socket(family, kind, protocol)
    try:
        _set_options(listener)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise AddressInUse(
                f"another program listens on {host} port {port}; choose another --port, or stop it",
                host=host,
                port=port,
            ) from error
        raise ClientError(
            f"cannot listen on {host} port {port}: {error.strerror}", host=host, port=port
        ) from error
    listener.setblocking(False)
    return listener


def lift_user_timeout(connection: socket.socket) -> None:
    """For a connection that is otherwise looked after.

    The kernel counts a peer that reads a little at a time as gone too: its window never admits the whole of
    what is to be sent next.
    """
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 0)


def _set_options(listener: socket.socket) -> None:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
    if listener.family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
