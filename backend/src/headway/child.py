"""What a child process and its supervisor share: the order it starts with, its life line, its log.

A child gets its `Order` as the first line of its standard input (so a token never stands in a list of
processes). The pipe then stays open as long as the supervisor lives; its end is the end of the child.
"""

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from headway.config import Settings
from headway.errors import HeadwayError

EXIT_REFUSED = 1
EXIT_ORPHANED = 70  # the supervisor died
EXIT_HELD = 71  # the work had ended, but what user code left behind kept the process
EXIT_WITHIN_S = 2.0  # for exit functions of user code, once the work has ended
_PR_SET_PDEATHSIG = 1
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the supervisor tells a child.

    Args:
        name: Of the slot, as it stands in the log: `server`, `worker-1`.
        owner: Of the leases of this incarnation; another one after each restart.
        files: Users' files, absolute; only for workers.
        socket_fd: The listening socket; only for the server.
        line_fd: Where it and the supervisor agree on its successor; only for the server.
    """

    name: str
    owner: str
    settings: Settings
    files: tuple[str, ...] = ()
    socket_fd: int | None = None
    line_fd: int | None = None

    def encode(self) -> bytes:
        return msgspec.json.encode(self) + b"\n"


def take_order() -> Order:
    """Read the order, tie this process's life to the supervisor's, set up the log."""
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    life_line = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    threading.Thread(target=_end_with, args=(life_line,), name="headway-life-line", daemon=True).start()
    _die_with_parent()
    log_to_stderr(order.name, order.settings.log_level)
    return order


def log_to_stderr(name: str, level: str) -> None:
    """Log Headway's own messages with the process's name before them."""
    handler = logging.StreamHandler(sys.__stderr__)
    handler.setFormatter(logging.Formatter(f"%(asctime)s {name:<9} %(levelname)-7s %(message)s", "%H:%M:%S"))
    logger = logging.getLogger("headway")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False


def _end_with(life_line: int) -> None:
    """Wait for the supervisor's end; then nobody is left to end this process in order."""
    with contextlib.suppress(OSError):
        while os.read(life_line, 64):
            pass
    os._exit(EXIT_ORPHANED)


def _die_with_parent() -> None:
    """On Linux the kernel ends us too, even while user code holds the interpreter's lock."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def let_forks_go() -> None:
    """Let signals to a process that user code forks end that process, and not reach this one's loop.

    The fork inherits the loop's handlers and its wake-up pipe: what `multiprocessing.Pool` sends to end its
    workers would be read here as an order to this process.
    """
    os.register_at_fork(after_in_child=_forget_signals)


def _forget_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def end_soon() -> None:
    """End this process even if an exit function waits for ever, as one that joins a stuck child does."""
    watch = threading.Timer(EXIT_WITHIN_S, _leave)
    watch.daemon = True
    watch.start()


def _leave() -> None:
    logging.getLogger("headway").warning("an exit function or a thread does not end: leaving without it")
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(EXIT_HELD)


def run_loop(main: Coroutine[Any, Any, _T]) -> _T:
    """Run a process's main coroutine, on uvloop where there is one."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main)


def run_child(main: Coroutine[Any, Any, None]) -> None:
    """Run a child's main coroutine; what the journal or the system refuses is one line in the log."""
    try:
        run_loop(main)
    except HeadwayError as error:
        logging.getLogger("headway").error("%s", error)  # noqa: TRY400 - the message says it all
        sys.exit(EXIT_REFUSED)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
