"""How much of what was written to a connection its peer has not taken yet."""

import asyncio
import sys

if sys.platform == "linux":
    from fcntl import ioctl
    from struct import unpack
    from termios import TIOCOUTQ

    def _in_kernel(fd: int) -> int:
        """Bytes in the send queue: not sent, or sent and not acknowledged."""
        return int(unpack("i", ioctl(fd, TIOCOUTQ, bytes(4)))[0])
else:

    def _in_kernel(fd: int) -> int:
        """Not told here: only what the kernel has no room for counts."""
        return 0


def unsent_bytes(transport: asyncio.Transport) -> int:
    """What waits in this process and, where the system tells, in the kernel."""
    size: int = transport.get_write_buffer_size()
    try:
        return size + _in_kernel(transport.get_extra_info("socket").fileno())
    except (OSError, ValueError):  # it is closed
        return size
