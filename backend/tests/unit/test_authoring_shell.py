"""`shell`: a command's output in the log as it comes, its end as the step's end."""

import asyncio
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import from_json, to_json
from tests.support.eventually import eventually
from tests.support.recording_scope import RecordingScope, entered

from headway import shell, workflow
from headway.authoring.command import KEPT_CHARS, CommandResult
from headway.domain.events import Log
from headway.errors import CommandFailed, StepTimeout
from headway.ports import RunnableStep
from headway.services.values import encode_result
from headway.testing import run_async

PYTHON = sys.executable


async def test_lines_are_logged_by_stream_and_the_result_holds_them() -> None:
    with entered(RecordingScope()) as scope:
        result = await shell("echo one; echo two >&2; printf 10%%'\\r'20%%; exit 0", name="count")
    assert result.exit_code == 0
    assert (result.stdout, result.stderr, result.truncated) == ("one\n20%\n", "two\n", False)
    assert scope.ran[0][0] == "count"
    lines = {(data.stream, data.message, data.step) for data in scope.of(Log)}
    assert lines == {("stdout", "one", "count"), ("stdout", "20%", "count"), ("stderr", "two", "count")}


async def test_a_list_is_taken_literally_and_names_the_step() -> None:
    with entered(RecordingScope()) as scope:
        result = await shell([PYTHON, "-c", "import sys; print(sys.argv[1:])", "$HOME; a"])
    assert result.stdout == "['$HOME; a']\n"
    assert scope.ran[0][0] == Path(PYTHON).name


async def test_cwd_and_env(tmp_path: Path) -> None:
    result = await shell("pwd; echo $COLOUR", cwd=tmp_path, env={"COLOUR": "red"})
    assert result.stdout == f"{tmp_path.resolve()}\nred\n"


async def test_failure_shows_the_last_lines() -> None:
    with pytest.raises(CommandFailed, match=r"`.*` ended with exit code 3:\nno such table") as caught:
        await shell("echo hello; echo no such table >&2; exit 3")
    assert caught.value.fields["exit_code"] == 3
    assert (await shell("exit 3", check=False)).exit_code == 3


async def test_what_cannot_be_started_says_why(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="no-such-program"):
        await shell(["no-such-program", "x"], check=False)
    with pytest.raises(CommandFailed, match="missing"):
        await shell("true", cwd=tmp_path / "missing")
    with pytest.raises(ValueError, match="needs a command"):
        await shell([])
    with entered(RecordingScope()) as scope:
        await shell("'", check=False)
    assert scope.ran[0][0] == "shell"


async def test_inside_a_step_it_is_part_of_that_step() -> None:
    with entered(RecordingScope("build")) as scope:
        await shell("echo compiling")
    assert scope.ran == []
    assert scope.events == [Log("INFO", "compiling", "build#1", "build", None, "stdout")]


async def test_a_timeout_ends_all_it_started(tmp_path: Path) -> None:
    with pytest.raises(StepTimeout, match=r"longer than 0\.5 s"):
        await shell(f"sleep 60 & echo $! > {tmp_path}/pid; wait", timeout_s=0.5)
    assert_ended(tmp_path / "pid")


async def test_a_cancel_ends_all_it_started(tmp_path: Path) -> None:
    running = asyncio.create_task(aio(f"sleep 60 & echo $! > {tmp_path}/pid; wait"))
    await asyncio.to_thread(eventually, lambda: (tmp_path / "pid").is_file(), within_s=10)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert_ended(tmp_path / "pid")


async def test_a_cancel_while_it_starts_ends_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    start, begun, may_go_on = loop.subprocess_shell, asyncio.Event(), asyncio.Event()

    async def slow_start(*arguments: Any, **options: Any) -> Any:
        started = await start(*arguments, **options)
        begun.set()
        await may_go_on.wait()
        return started

    monkeypatch.setattr(loop, "subprocess_shell", slow_start)
    running = asyncio.create_task(aio(f"sleep 60 & echo $! > {tmp_path}/pid; wait"))
    await begun.wait()
    await asyncio.to_thread(eventually, lambda: (tmp_path / "pid").is_file(), within_s=10)
    running.cancel()
    loop.call_soon(may_go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await running
    assert_ended(tmp_path / "pid")


async def aio(command: str) -> CommandResult:
    return await shell(command)


def assert_ended(pid_file: Path) -> None:
    def ended() -> bool:
        try:
            stat = Path(f"/proc/{pid_file.read_text().strip()}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return True
        return stat.rpartition(")")[2].split()[0] == "Z"

    eventually(ended, within_s=10)


async def test_a_child_that_holds_the_output_open_does_not_hold_the_step() -> None:
    result = await shell("(sleep 5 & echo $!)")
    os.kill(int(result.stdout), 9)
    assert result.exit_code == 0


async def test_endless_output_is_kept_to_its_end() -> None:
    with entered(RecordingScope()) as scope:
        result = await shell([PYTHON, "-c", "print('x' * 200_000); [print(i) for i in range(30_000)]"])
    assert result.truncated
    assert KEPT_CHARS - 10 < len(result.stdout) <= KEPT_CHARS
    assert result.stdout.endswith("\n29999\n")
    assert len(scope.lines) == 30_001
    assert scope.of(Log)[0].length == 200_000


async def test_a_command_waits_while_the_log_is_crowded_and_loses_nothing() -> None:
    with entered(RecordingScope("build")) as scope:
        scope.is_crowded = True
        running = asyncio.create_task(aio("yes | head -c 300000"))
        read = asyncio.create_task(asyncio.to_thread(eventually, lambda: running.done(), within_s=0.5))
        with pytest.raises(AssertionError):
            await read
        assert scope.lines == []
        scope.is_crowded = False
        result = await running
    assert result.exit_code == 0
    assert scope.lines == ["y"] * 150_000


async def test_a_fast_command_in_a_running_workflow_loses_no_line() -> None:
    @workflow
    async def fast() -> None:
        await shell("yes | head -c 300000")

    result = await run_async(fast)
    assert (result.state.counts.logs, result.state.counts.dropped) == (150_000, 0)


async def test_any_output_can_be_recorded() -> None:
    """Else a command that has done its work would fail for what it said of it."""
    noise = "import sys; [print(chr(27) * 200_000, file=f) for f in (sys.stdout, sys.stderr)]"
    result = await shell([PYTHON, "-c", noise, "argument" * 10_000])
    assert result.truncated
    assert len(result.stdout) == len(result.stderr) == KEPT_CHARS
    assert encode_result(result) is not None


def test_in_plain_code_it_returns_the_result(capfd: pytest.CaptureFixture[str]) -> None:
    """Outside a workflow too, where its lines go to this process's own output."""
    assert shell.wait("echo out; echo err >&2").exit_code == 0
    assert capfd.readouterr() == ("out\n", "err\n")
    with entered(RecordingScope()) as scope:
        result: Any = shell("echo in a plain workflow")
        assert result.exit_code == 0
        assert [name for name, _, _ in scope.ran] == ["echo"]


def test_in_a_plain_step_it_ends_when_the_execution_is_cancelled() -> None:
    scope = RecordingScope("build")
    outcome: list[BaseException] = []

    def run() -> None:
        with entered(scope):
            try:
                shell.wait("echo started; sleep 60")
            except asyncio.CancelledError as error:
                outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    eventually(lambda: scope.lines == ["started"], within_s=10)
    scope.cancelled = True
    thread.join(10)
    assert len(outcome) == 1


async def test_a_recalled_result_is_a_result_again() -> None:
    """After a crash the engine gives back what it recorded, which is JSON."""

    class RecallingScope(RecordingScope):
        async def run_step(self, step: RunnableStep, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            return step.restore(from_json(to_json(await super().run_step(step, args, kwargs))))

    with entered(RecallingScope()):
        assert await shell("echo a") == CommandResult(command="echo a", exit_code=0, stdout="a\n", stderr="")
