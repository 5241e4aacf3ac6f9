"""One operating-system command: started in a group of its own, read line by line, ended as a whole."""

import asyncio
import codecs
import os
import shlex
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from headway.domain.lines import LineSplitter
from headway.errors import CommandFailed

KEPT_CHARS = 65_536  # of each stream, in the result
KILL_AFTER_S = 3.0
LEFT_OPEN_S = 1.0  # how long to read on when the command has ended but a child of it holds its output open
LAST_LINES = 10

Line = Callable[[str, str], None]
"""Takes a stream's name and one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """How a command ended.

    Args:
        stdout: Its last 65,536 characters; `truncated` says whether there were more. Likewise `stderr`.
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
        self._lines.append(line[-KEPT_CHARS:] + "\n")
        self._size += len(self._lines[-1])
        while self._size > KEPT_CHARS + 1:
            self._size -= len(self._lines.popleft())
            self.truncated = True

    def text(self) -> str:
        return "".join(self._lines)

    def last(self) -> str:
        return "".join(list(self._lines)[-LAST_LINES:]).rstrip()


def shown(command: str | Sequence[str | Path]) -> str:
    """The command as one would type it."""
    return command if isinstance(command, str) else shlex.join(str(part) for part in command)


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
    process = await _started(command, cwd, {**os.environ, **env} if env else None)
    tails = {"stdout": _Tail(), "stderr": _Tail()}
    assert process.stdout is not None
    assert process.stderr is not None
    readers = [
        asyncio.create_task(_read(process.stdout, "stdout", tails["stdout"], line)),
        asyncio.create_task(_read(process.stderr, "stderr", tails["stderr"], line)),
    ]
    try:
        exit_code = await process.wait()
        await asyncio.wait(readers, timeout=LEFT_OPEN_S)
    finally:
        await _end_group(process)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    if check and exit_code != 0:
        raise _failed(command, exit_code, tails)
    return CommandResult(
        command=shown(command),
        exit_code=exit_code,
        stdout=tails["stdout"].text(),
        stderr=tails["stderr"].text(),
        truncated=tails["stdout"].truncated or tails["stderr"].truncated,
    )


async def _started(
    command: str | Sequence[str | Path], cwd: str | Path | None, env: Mapping[str, str] | None
) -> asyncio.subprocess.Process:
    own_group = os.name == "posix"
    try:
        if isinstance(command, str):
            return await asyncio.create_subprocess_shell(
                command,
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=PIPE,
                cwd=cwd,
                env=env,
                start_new_session=own_group,
            )
        program, *arguments = [str(part) for part in command]
        return await asyncio.create_subprocess_exec(
            program,
            *arguments,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            cwd=cwd,
            env=env,
            start_new_session=own_group,
        )
    except (OSError, ValueError) as error:
        # A missing program, a missing directory, a null byte: the error names which.
        raise CommandFailed(
            f"`{shown(command)}` could not be started: {error}", command=shown(command), exit_code=127
        ) from error


async def _read(stream: asyncio.StreamReader, name: str, tail: _Tail, line: Line) -> None:
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    splitter = LineSplitter()
    finished = False
    while not finished:
        piece = await stream.read(65_536)
        finished = not piece
        lines = splitter.feed(decode(piece, finished))
        for text in lines + splitter.flush() if finished else lines:
            tail.add(text)
            line(name, text)


async def _end_group(process: asyncio.subprocess.Process) -> None:
    """End what still runs: politely, then not. Nothing to do for a command that ended by itself."""
    if process.returncode is not None:
        return
    _signal(process, "SIGTERM")
    try:
        async with asyncio.timeout(KILL_AFTER_S):
            await process.wait()
    except TimeoutError:
        _signal(process, "SIGKILL")
        await process.wait()


def _signal(process: asyncio.subprocess.Process, name: str) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(process.pid, signal.Signals[name])
        else:
            process.kill()


def _failed(command: str | Sequence[str | Path], exit_code: int, tails: Mapping[str, _Tail]) -> CommandFailed:
    last = tails["stderr"].last() or tails["stdout"].last()
    ended = f"was ended by signal {-exit_code}" if exit_code < 0 else f"ended with exit code {exit_code}"
    return CommandFailed(
        f"`{shown(command)}` {ended}" + (f":\n{last}" if last else ""),
        command=shown(command),
        exit_code=exit_code,
        last_lines=last,
    )
