"""Which process listens on a port, where the system tells: Linux, and processes of this user."""

import os
from collections.abc import Iterator
from pathlib import Path

_LISTEN = "0A"
_PROC = Path("/proc")


def port_owner(port: int) -> str | None:
    """`process 4711 (python -m http.server)` for whoever listens on this TCP port, or `None`."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    if not sockets:
        return None
    for process in _PROC.iterdir():
        if process.name.isdigit() and sockets & set(_open_files(process)):
            return f"process {process.name} ({_command(process)})"
    return None


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        try:
            rows = (_PROC / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _open_files(process: Path) -> Iterator[str]:
    try:
        for descriptor in (process / "fd").iterdir():
            yield os.readlink(descriptor)
    except OSError:
        return  # another user's, or gone meanwhile


def _command(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return "unknown"
    text = b" ".join(words).decode(errors="replace").strip()
    return text if len(text) <= 80 else text[:79] + "…"
