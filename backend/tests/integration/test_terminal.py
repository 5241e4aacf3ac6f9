"""The commands in a real terminal: what its width and `NO_COLOR` do, and what Ctrl-C does."""

import json
import signal
from pathlib import Path

import pytest
from tests.support.eventually import eventually
from tests.support.serving import command, environment, headway_command
from tests.support.terminal import in_terminal

FLOWS = """
import time
from pathlib import Path

from headway import workflow


@workflow
def fail() -> None:
    raise ValueError("the price is missing, " * 15)


@workflow
async def blocked(marker: str) -> None:
    Path(marker).write_text("")
    time.sleep(600)


@workflow
async def held(marker: str, go: str) -> str:
    Path(marker).write_text("")
    while not Path(go).exists():
        time.sleep(0.01)
    return "whole"
"""


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    file = tmp_path / "flows.py"
    file.write_text(FLOWS)
    return file


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "headway.db"


def test_a_long_error_takes_no_room_from_the_other_columns(flows: Path, database: Path) -> None:
    assert command(database, "run", f"{flows}:fail").returncode == 1
    [row] = json.loads(command(database, "ls", "--json").stdout)
    with in_terminal(headway_command("ls"), environment(database), columns=80) as listing:
        assert listing.end() == 0
    heading, shown = listing.shown.splitlines()
    assert heading.split()[:4] == ["ID", "WORKFLOW", "STATUS", "PROGRESS"]
    assert shown.split()[:3] == [row["execution_id"], "fail", "failed"]
    assert len(shown) <= 80
    piped = command(database, "ls").stdout.splitlines()
    assert [line.split("\t")[0] for line in piped] == [row["execution_id"]]
    assert piped[0].split("\t")[-1] == row["error"].strip()


def test_no_color_gives_no_escape_code_at_all(flows: Path, database: Path) -> None:
    """Neither in the lines of a run nor in a table nor in the help."""
    for words in (["run", f"{flows}:fail"], ["ls"], ["show", ""], ["--help"]):
        if words[0] == "show":
            [row] = json.loads(command(database, "ls", "--json").stdout)
            words[1] = row["execution_id"]
        with in_terminal(headway_command(*words), environment(database)) as plain:
            plain.end()
        assert plain.shown
        assert "\x1b" not in plain.shown, words
    with in_terminal(headway_command("ls"), environment(database, NO_COLOR="")) as coloured:
        coloured.end()
    assert "\x1b" in coloured.shown


def test_ctrl_c_is_answered_while_the_users_code_blocks_and_the_second_leaves(
    flows: Path, database: Path, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    words = headway_command("run", f"{flows}:blocked", "-i", f"marker={marker}")
    with in_terminal(words, environment(database, NO_COLOR="")) as running:
        eventually(marker.exists, within_s=30)
        running.press_ctrl_c()
        eventually(lambda: "Ctrl-C again" in running.shown, within_s=20)
        running.press_ctrl_c()
        assert running.end() == 130
    assert "Traceback" not in running.shown
    hidden, shown_again = running.shown.rfind("\x1b[?25l"), running.shown.rfind("\x1b[?25h")
    assert hidden < shown_again  # the cursor


def test_a_cancel_that_comes_too_late_is_no_traceback(flows: Path, database: Path, tmp_path: Path) -> None:
    """The body ends without a wait for the loop, so the cancel finds a closed log."""
    marker, go = tmp_path / "marker", tmp_path / "go"
    words = headway_command("run", f"{flows}:held", "-i", f"marker={marker}", "-i", f"go={go}")
    with in_terminal(words, environment(database)) as running:
        eventually(marker.exists, within_s=30)
        running.process.send_signal(signal.SIGINT)
        eventually(lambda: "Ctrl-C again" in running.shown, within_s=20)
        go.write_text("")
        running.end()
    assert "Traceback" not in running.shown
    assert "never retrieved" not in running.shown
