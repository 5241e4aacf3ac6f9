"""A command in a terminal of its own, as a person has it: what it shows, and keys sent to it."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class InTerminal:
    """A running command; `shown` is all that it has written to its terminal, on stdout or stderr."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process = process
        self._terminal = terminal
        self._shown = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def shown(self) -> str:
        return self._shown.decode(errors="replace").replace("\r\n", "\n")

    def press_ctrl_c(self) -> None:
        """As the terminal does: a signal to all of the foreground."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self, within_s: float = 40) -> int:
        """Wait for its end; the exit code."""
        code = self.process.wait(within_s)
        self._reader.join(within_s)
        return code

    def _read(self) -> None:
        while True:
            try:
                piece = os.read(self._terminal, 65_536)
            except OSError:  # so Linux says that nobody holds the other end any more
                return
            if not piece:
                return
            self._shown += piece


@contextmanager
def in_terminal(
    command: Sequence[str], environment: dict[str, str], *, columns: int = 80
) -> Iterator[InTerminal]:
    """Run it in a terminal of this width; killed, where it still runs, when the block ends."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    kept = {name: value for name, value in environment.items() if name not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        command,
        env=kept | {"TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield InTerminal(process, ours)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        os.close(ours)
