"""Hints between the processes of one user on one machine, over Unix datagram sockets.

Each member of a database's bus binds a socket in a folder that all of them derive from the database's path.
A datagram is a JSON list of `[topic, execution_id or null, last_seq]`. Whatever fails is a lost hint.
"""

import contextlib
import hashlib
import logging
import os
import secrets
import socket
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from typing_extensions import override

from headway.adapters.hints.memory import MemoryHintBus, Receive
from headway.ports import Hint, HintBus

_log = logging.getLogger(__name__)

MAX_DATAGRAM_BYTES = 8_192
MAX_SOCKET_PATH_BYTES = 100  # sun_path holds 104 on macOS, 108 on Linux
LISTING_S = 1.0  # how long a member may not know of one that was killed before it said it had come

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Hint]).decode
_HELLO = b"[]"  # from a new member: list the others anew


class LocalHintBus(HintBus):
    """Reaches every process that has a bus of the same database open, this one included.

    Where the system has no such sockets, or their folder cannot be trusted, it reaches this process only.

    Args:
        database_path: Names the bus; members may spell the path differently.
        runtime_dir: Where the folder of sockets is; the same for all members.
    """

    def __init__(self, database_path: str | Path, *, runtime_dir: Path | None = None) -> None:
        self._own = MemoryHintBus()
        self._member: _Member | None = None
        try:
            self._member = _join(database_path, runtime_dir or Path(tempfile.gettempdir()), self._own.publish)
        except OSError as error:
            _log.warning("hints stay inside this process: %s", error)

    @property
    def address(self) -> Path | None:
        """The socket of this member; `None` where it reaches its own process only."""
        return Path(self._member.address) if self._member else None

    @override
    def publish(self, hints: Sequence[Hint]) -> None:
        self._own.publish(hints)
        if self._member is not None:
            for datagram in _datagrams(hints):
                self._member.send(datagram)

    @override
    def subscribe(self, receive: Receive) -> Callable[[], None]:
        return self._own.subscribe(receive)

    @override
    def close(self) -> None:
        self._own.close()
        if self._member is not None:
            self._member.close()


class _Member:
    """One bound socket among those of its folder, and the thread that reads it."""

    def __init__(self, directory: Path, deliver: Receive) -> None:
        self.address = str(directory / f"{os.getpid()}-{secrets.token_hex(4)}")
        self._directory = directory
        self._deliver = deliver
        self._others: list[str] = []
        self._listed_at = -LISTING_S
        self._is_closed = False
        self._socket = _bind(self.address)
        self._thread = threading.Thread(target=self._receive, name="headway-hints", daemon=True)
        self._thread.start()
        self.send(_HELLO)

    def send(self, datagram: bytes) -> None:
        for address in self._list_others():
            self._send_to(address, datagram)

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        # Either wakes the thread, which then sees that it is over: macOS knows no shutdown of such a socket,
        # and the address is gone where somebody has tidied up the folder.
        self._send_to(self.address, _HELLO)
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)
        self._thread.join(timeout=1.0)
        self._socket.close()
        _unlink(self.address)
        with contextlib.suppress(OSError):
            self._directory.rmdir()  # the last one to leave

    def _send_to(self, address: str, datagram: bytes) -> None:
        try:
            self._socket.sendto(datagram, socket.MSG_DONTWAIT, address)
        except (ConnectionRefusedError, FileNotFoundError):
            _unlink(address)  # its process was killed
            self._listed_at = -LISTING_S
        except OSError:
            return  # full: the receiver has hints to wake up to already; or closed

    def _list_others(self) -> list[str]:
        now = time.monotonic()
        if now - self._listed_at >= LISTING_S:
            self._listed_at = now
            try:
                with os.scandir(self._directory) as entries:
                    self._others = [entry.path for entry in entries if entry.path != self.address]
            except OSError:
                self._others = []
        return self._others

    def _receive(self) -> None:
        while True:
            datagram = self._socket.recv(2 * MAX_DATAGRAM_BYTES)
            if self._is_closed:
                return
            if datagram == _HELLO:
                self._listed_at = -LISTING_S
            else:
                self._deliver(_hints(datagram))


def _join(database_path: str | Path, runtime_dir: Path, deliver: Receive) -> _Member:
    try:
        return _Member(_member_directory(database_path, runtime_dir), deliver)
    except FileNotFoundError:  # the last member left, and took the folder with it, just now
        return _Member(_member_directory(database_path, runtime_dir), deliver)


def _member_directory(database_path: str | Path, runtime_dir: Path) -> Path:
    """The folder of this database's sockets, made if need be; only its owner may enter it."""
    if not hasattr(socket, "AF_UNIX"):
        raise OSError("this system has no Unix sockets")
    name = hashlib.sha256(os.fsencode(os.path.realpath(database_path))).hexdigest()[:16]
    directory = runtime_dir / f"headway-{os.getuid()}-{name}"
    directory.mkdir(mode=0o700, exist_ok=True)
    status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise PermissionError(f"{directory} is open to others")
    return directory


def _bind(address: str) -> socket.socket:
    if len(os.fsencode(address)) > MAX_SOCKET_PATH_BYTES:
        raise OSError(f"{address} is too long for a socket")
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        bound.bind(address)
    except BaseException:
        bound.close()
        raise
    return bound


def _datagrams(hints: Sequence[Hint]) -> list[bytes]:
    encoded = _encode(hints)
    if len(encoded) <= MAX_DATAGRAM_BYTES:
        return [encoded] if hints else []
    if len(hints) == 1:
        return []
    half = len(hints) // 2
    return _datagrams(hints[:half]) + _datagrams(hints[half:])


def _hints(datagram: bytes) -> list[Hint]:
    try:
        return _decode(datagram)
    except msgspec.MsgspecError:
        return []


def _unlink(address: str) -> None:
    try:
        os.unlink(address)
    except OSError:
        return
