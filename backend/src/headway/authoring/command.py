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

from typing_extensions import override

from headway.domain.lines import LineSplitter
from headway.errors import CommandFailed

KEPT_CHARS = 16_384  # of each stream in the result, which fits a recorded result even if all are escaped
SHOWN_CHARS = 1_000
KILL_AFTER_S = 3.0
LEFT_OPEN_S = 1.0  # how long to read on when the command has ended but a child of it holds its output open
LAST_LINES = 10

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
) -> CommandResult:
    """Run it to its end; when cancelled, end its whole process group first.

    Args:
        command: A line for the shell, or a program and its arguments.
        cwd: Where it runs.
        env: Variables added to those of this process.
        check: Raise when the exit code is not 0.
        line: Called with each line as it comes.

    Raises:
        CommandFailed: It cannot be started, or `check` and it ended with another code than 0.
    """
    output = _Output(line)
    process = await _whole(_started(command, output, cwd, {**os.environ, **env} if env else None), output)
    try:
        await output.exited.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(LEFT_OPEN_S):
                await output.closed.wait()
    finally:
        await _end_group(process, output)
        process.close()
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

    def __init__(self, line: Line) -> None:
        self.exited = asyncio.Event()
        self.closed = asyncio.Event()
        self._pipes = {1: _Pipe("stdout", line), 2: _Pipe("stderr", line)}
        self._open = len(self._pipes)

    def tail(self, name: str) -> _Tail:
        """What is kept of a stream, its unfinished last line included."""
        pipe = next(pipe for pipe in self._pipes.values() if pipe.name == name)
        pipe.finish()
        return pipe.tail

    @override
    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._pipes[fd].write(data)

    @override
    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd in self._pipes:
            self._open -= 1
        if self._open == 0:
            self.closed.set()

    @override
    def process_exited(self) -> None:
        self.exited.set()


class _Pipe:
    """One stream of the command, from bytes to lines."""

    def __init__(self, name: str, line: Line) -> None:
        self.name = name
        self.tail = _Tail()
        self._line = line
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._splitter = LineSplitter()

    def write(self, data: bytes) -> None:
        self._give(self._splitter.feed(self._decode(data)))

    def finish(self) -> None:
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
