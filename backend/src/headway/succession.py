"""How one server takes over from another on the same socket: what each of them and the supervisor say.

Over a socket pair of its own a server says that it serves and, once it is told to end, that it leaves. The
supervisor answers that a successor is coming, and later that it serves; or that there will be none.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Self

SERVES, LEAVES = b"s", b"l"
COMING, RELIEVED, ALONE = b"c", b"r", b"a"
RELIEF_WITHIN_S = 10.0  # a server that leaves does not wait longer for its successor


class SupervisorLine:
    """The server's end.

    Args:
        reader: What the supervisor says.
        writer: To the supervisor.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, fd: int) -> Self:
        return cls(*await asyncio.open_unix_connection(sock=socket.socket(fileno=fd)))

    def serves(self) -> None:
        """Connections are answered from now on."""
        self._writer.write(SERVES)

    async def leave(self, stop_accepting: Callable[[], None]) -> bool:
        """Leave new connections to the successor; true once it serves, false where there will be none."""
        self._writer.write(LEAVES)
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(RELIEF_WITHIN_S):
                if await self._reader.read(1) == COMING:
                    stop_accepting()
                    return await self._reader.read(1) == RELIEVED
        return False


class ServerLine:
    """The supervisor's end. Give `theirs` to the server, then `listen`."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        self.is_left = asyncio.Event()  # the server leaves, and a successor is wanted

    @property
    def theirs(self) -> int:
        """The file descriptor that the server inherits."""
        return self._theirs.fileno()

    async def words(self) -> AsyncIterator[bytes]:
        """What the server says, to its end."""
        self._theirs.close()
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while word := await loop.sock_recv(self._ours, 1):
                yield word

    def say(self, word: bytes) -> None:
        with contextlib.suppress(OSError):  # it has just ended
            self._ours.send(word)

    def close(self) -> None:
        self._ours.close()
        self._theirs.close()
