"""`shell`: run a command as a step, its output line by line in the log."""

import asyncio
import shlex
import sys
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack, cast

from headway.authoring.command import CommandResult, Line, run_command, shown
from headway.authoring.declared import check_seconds
from headway.authoring.step import AsyncStep
from headway.domain.events import Log, cut_message
from headway.errors import StepTimeout
from headway.ports import Scope, StepOptions, current_scope

POLL_S = 0.1


class ShellOptions(TypedDict, total=False):
    """What `shell` takes by name.

    Args:
        cwd: Where the command runs.
        env: Variables added to those of this process.
        timeout_s: It is ended, with all it started, when it runs longer.
        check: Raise `CommandFailed` when its exit code is not 0; `True` by default.
        name: Of the step; the program's name by default.
    """

    cwd: str | Path | None
    env: Mapping[str, str] | None
    timeout_s: float | None
    check: bool
    name: str | None


class _Shell:
    """Run a command as a step, its output line by line in the log as it comes.

    A string goes to the system's shell; a list is a program and its arguments, taken literally: use that for
    anything that comes from input. On cancel and timeout its whole process group is ended. Inside a step it
    is part of that step. Outside a workflow the lines go to this process's own stdout and stderr.
    """

    def __call__(
        self, command: str | Sequence[str | Path], **options: Unpack[ShellOptions]
    ) -> Coroutine[Any, Any, CommandResult]:
        """Run it; await the result. Plain code gets the result itself (`wait` says so to type checkers).

        Raises:
            CommandFailed: It cannot be started or, with `check`, its exit code is not 0.
            StepTimeout: It ran longer than `timeout_s`.
        """
        if _loop_runs_here():
            return _run(command, options)
        return cast(Coroutine[Any, Any, CommandResult], self.wait(command, **options))

    def wait(self, command: str | Sequence[str | Path], **options: Unpack[ShellOptions]) -> CommandResult:
        """The same from a plain function: returns when the command has ended."""
        scope = current_scope.get()
        if scope is not None and scope.step_id is None:
            step, arguments = _as_step(command, options)
            return cast(CommandResult, scope.run_step_blocking(step, arguments, {}))
        return asyncio.run(_run_until_cancelled(command, options))


shell = _Shell()


async def _run(command: str | Sequence[str | Path], options: ShellOptions) -> CommandResult:
    scope = current_scope.get()
    step, arguments = _as_step(command, options)
    if scope is not None and scope.step_id is None:
        return cast(CommandResult, await scope.run_step(step, arguments, {}))
    timeout_s = step.options.timeout_s
    try:
        async with asyncio.timeout(timeout_s):
            return await _command(*arguments)
    except TimeoutError:
        raise StepTimeout(
            f"`{shown(command)}` ran longer than {timeout_s:g} s", timeout_s=timeout_s
        ) from None


async def _run_until_cancelled(command: str | Sequence[str | Path], options: ShellOptions) -> CommandResult:
    """For a plain step in its thread: nobody cancels it, so it looks at the scope itself."""
    scope = current_scope.get()
    running = asyncio.ensure_future(_run(command, options))
    while not running.done():
        await asyncio.wait([running], timeout=POLL_S)
        if scope is not None and scope.cancelled:
            running.cancel()
    return await running


async def _command(
    command: str | list[str], cwd: str | None, env: dict[str, str] | None, check: bool
) -> CommandResult:
    scope = current_scope.get()
    return await run_command(
        command,
        cwd=cwd,
        env=env,
        check=check,
        line=_line_to(scope),
        is_crowded=lambda: scope is not None and scope.is_crowded,
    )


def _as_step(
    command: str | Sequence[str | Path], options: ShellOptions
) -> tuple[AsyncStep[..., CommandResult], tuple[Any, ...]]:
    plain = command if isinstance(command, str) else [str(part) for part in command]
    if not plain:
        raise ValueError("shell() needs a command: a string, or a list of a program and its arguments")
    cwd, env = options.get("cwd"), options.get("env")
    step: AsyncStep[..., CommandResult] = AsyncStep(
        _command,
        StepOptions(
            name=options.get("name") or _program(plain),
            timeout_s=check_seconds("timeout_s", options.get("timeout_s")),
        ),
    )
    arguments = (
        plain,
        None if cwd is None else str(cwd),
        dict(env) if env else None,
        options.get("check", True),
    )
    return step, arguments


def _program(command: str | list[str]) -> str:
    """`git` for `/usr/bin/git log`."""
    try:
        words = shlex.split(command) if isinstance(command, str) else command
    except ValueError:
        words = []
    name = Path(words[0]).name if words else ""
    return name if name.isprintable() and name and not set(name) & set("#[") else "shell"


def _line_to(scope: Scope | None) -> Line:
    """The scope is bound here: the loop calls with each line, outside of any task."""

    def show(stream: str, line: str) -> None:
        print(line, file=sys.stderr if stream == "stderr" else sys.stdout)

    def emit(stream: str, line: str) -> None:
        if scope is not None:
            text, length = cut_message(line)
            scope.emit(Log("INFO", text, scope.step_id, scope.step_name, None, stream, length))

    return show if scope is None else emit


def _loop_runs_here() -> bool:
    return asyncio._get_running_loop() is not None
