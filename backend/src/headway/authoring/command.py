"""One operating-system command: started in a group of its own, read line by line, ended as a whole."""

import asyncio
import codecs
import os
import shlex
import signal
from asyncio.subprocess import DEVNULL
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from typing_extensions import override

from headway.domain.lines import LineSplitter
from headway.errors import CommandFailed

KEPT_CHARS = 16_384  # of each stream in the result, which fits a recorded result even if all are escaped
SHOWN_CHARS = 1_000
KILL_AFTER_S = 3.0
LEFT_OPEN_S = 1.0  # how long to read on when the command has ended but a child of it holds its output open
LAST_LINES = 10
SLICE_BYTES = 16_384  # given on at once, before it is asked again whether there is room
PAUSE_S = 0.01

Line = Callable[[str, str], None]
"""Takes a stream's name and one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """How a command ended.

    Args:
        stdout: Its last 16,384 characters; `truncated` says whether there were more. Likewise `stderr`.
    """

    command: str
    exit_code: int
    stdout: str
    stderr: str
    truncated: bool = False


class _Tail:
    """The last lines of a stream, bounded in characters."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._size = 0
        self.truncated = False

    def add(self, line: str) -> None:
        self.truncated |= len(line) >= KEPT_CHARS
        self._lines.append(line[1 - KEPT_CHARS :] + "\n")
        self._size += len(self._lines[-1])
        while self._size > KEPT_CHARS:
            self._size -= len(self._lines.popleft())
            self.truncated = True

    def text(self) -> str:
        return "".join(self._lines)

    def last(self) -> str:
        return "".join(list(self._lines)[-LAST_LINES:]).rstrip()


def shown(command: str | Sequence[str | Path]) -> str:
    """The command as one would type it, a very long one cut."""
    typed = command if isinstance(command, str) else shlex.join(str(part) for part in command)
    return typed if len(typed) <= SHOWN_CHARS else typed[:SHOWN_CHARS] + "…"


async def run_command(
    command: str | Sequence[str | Path],
    *,
    cwd: str | Path | None,
    env: Mapping[str, str] | None,
    check: bool,
    line: Line,
    is_crowded: Callable[[], bool] = lambda: False,
) -> CommandResult:
    """Run it to its end; when cancelled, end its whole process group first.

    Args:
        command: A line for the shell, or a program and its arguments.
        cwd: Where it runs.
        env: Variables added to those of this process.
        check: Raise when the exit code is not 0.
        line: Called with each line as it comes.
        is_crowded: While true no more is read, and the command waits for its reader as with any pipe.

    Raises:
        CommandFailed: It cannot be started, or `check` and it ended with another code than 0.
    """
    output = _Output(line, is_crowded)
    process = await _whole(_started(command, output, cwd, {**os.environ, **env} if env else None), output)
    try:
        await output.exited.wait()
        await output.read_on(LEFT_OPEN_S)
    finally:
        await _end_group(process, output)
        process.close()
        output.stop()
    exit_code = process.get_returncode() or 0
    if check and exit_code != 0:
        raise _failed(command, exit_code, output)
    return CommandResult(
        command=shown(command),
        exit_code=exit_code,
        stdout=output.tail("stdout").text(),
        stderr=output.tail("stderr").text(),
        truncated=output.tail("stdout").truncated or output.tail("stderr").truncated,
    )


class _Output(asyncio.SubprocessProtocol):
    """Takes what the command writes, apart from its end: a child it left behind may hold its output open."""

    def __init__(self, line: Line, is_crowded: Callable[[], bool]) -> None:
        self.exited = asyncio.Event()
        self.closed = asyncio.Event()
        self._pipes = {1: _Pipe("stdout", line), 2: _Pipe("stderr", line)}
        self._open = len(self._pipes)
        self._is_crowded = is_crowded
        self._is_paused = False
        self._again: asyncio.TimerHandle | None = None
        self._process: asyncio.SubprocessTransport | None = None

    async def read_on(self, left_open_s: float) -> None:
        """Read what the command has left, to the end or for so long; the time does not run while paused."""
        is_held = True
        while is_held and not self.closed.is_set():
            is_held = self._is_paused
            with suppress(TimeoutError):
                async with asyncio.timeout(left_open_s):
                    await self.closed.wait()
            is_held |= self._is_paused

    def tail(self, name: str) -> _Tail:
        """What is kept of a stream, its unfinished last line included."""
        pipe = next(pipe for pipe in self._pipes.values() if pipe.name == name)
        pipe.finish()
        return pipe.tail

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._process = cast(asyncio.SubprocessTransport, transport)

    @override
    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._pipes[fd].held += data
        if not self._is_paused:
            self._give_on()

    @override
    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd in self._pipes:
            self._open -= 1
        self._close_if_done()

    @override
    def process_exited(self) -> None:
        self.exited.set()

    def stop(self) -> None:
        """Give nothing on by itself any more."""
        if self._again is not None:
            self._again.cancel()

    def _give_on(self) -> None:
        """Give on what is held while there is room; then read on, or look again soon."""
        for pipe in self._pipes.values():
            while pipe.held and not self._is_crowded():
                pipe.give(SLICE_BYTES)
        is_full = any(pipe.held for pipe in self._pipes.values())
        if is_full != self._is_paused:
            self._is_paused = is_full
            self._read(not is_full)
        if is_full:
            self._again = asyncio.get_running_loop().call_later(PAUSE_S, self._give_on)
        self._close_if_done()

    def _read(self, is_on: bool) -> None:
        for fd in self._pipes:
            transport = self._process.get_pipe_transport(fd) if self._process is not None else None
            if transport is None or transport.is_closing():
                continue
            pipe = cast(asyncio.ReadTransport, transport)  # which uvloop's does not say of itself
            if is_on:
                pipe.resume_reading()
            else:
                pipe.pause_reading()

    def _close_if_done(self) -> None:
        if self._open == 0 and not self._is_paused:
            self.closed.set()


class _Pipe:
    """One stream of the command, from bytes to lines."""

    def __init__(self, name: str, line: Line) -> None:
        self.name = name
        self.tail = _Tail()
        self.held = bytearray()  # read, and not given on yet
        self._line = line
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._splitter = LineSplitter()

    def give(self, size: int) -> None:
        """Give on the first bytes that are held."""
        text = self._decode(bytes(self.held[:size]))
        del self.held[:size]
        self._give(self._splitter.feed(text))

    def finish(self) -> None:
        self.give(len(self.held))
        self._give(self._splitter.feed(self._decode(b"", True)) + self._splitter.flush())

    def _give(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.tail.add(line)
            self._line(self.name, line)


async def _started(
    command: str | Sequence[str | Path],
    output: _Output,
    cwd: str | Path | None,
    env: Mapping[str, str] | None,
) -> asyncio.SubprocessTransport:
    loop = asyncio.get_running_loop()
    own_group = os.name == "posix"
    try:
        if isinstance(command, str):
            process, _ = await loop.subprocess_shell(
                lambda: output, command, stdin=DEVNULL, cwd=cwd, env=env, start_new_session=own_group
            )
        else:
            words = [str(word) for word in command]
            process, _ = await loop.subprocess_exec(
                lambda: output, *words, stdin=DEVNULL, cwd=cwd, env=env, start_new_session=own_group
            )
    except (OSError, ValueError) as error:
        # A missing program, a missing folder, a null byte.
        place = f" in {cwd}" if cwd is not None else ""
        raise CommandFailed(
            f"`{shown(command)}` could not be started{place}: {error}", command=shown(command), exit_code=127
        ) from error
    return process


async def _whole(
    starting: Coroutine[None, None, asyncio.SubprocessTransport], output: _Output
) -> asyncio.SubprocessTransport:
    """Start it to the end also when cancelled meanwhile: half started, its children would be left behind."""
    task = asyncio.ensure_future(starting)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with suppress(CommandFailed):
            process = await task
            await _end_group(process, output)
            process.close()
        raise


async def _end_group(process: asyncio.SubprocessTransport, output: _Output) -> None:
    """End what still runs: politely, then not. Nothing to do for a command that ended by itself."""
    for name in ("SIGTERM", "SIGKILL"):
        if process.get_returncode() is not None:
            return
        _signal(process, name)
        with suppress(TimeoutError):
            async with asyncio.timeout(KILL_AFTER_S):
                await output.exited.wait()


def _signal(process: asyncio.SubprocessTransport, name: str) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(process.get_pid(), signal.Signals[name])
        else:
            process.kill()


def _failed(command: str | Sequence[str | Path], exit_code: int, output: _Output) -> CommandFailed:
    last = output.tail("stderr").last() or output.tail("stdout").last()
    ended = f"was ended by signal {-exit_code}" if exit_code < 0 else f"ended with exit code {exit_code}"
    return CommandFailed(
        f"`{shown(command)}` {ended}" + (f":\n{last}" if last else ""),
        command=shown(command),
        exit_code=exit_code,
        last_lines=last,
    )
