"""`headway ls`: what is never cut, however narrow the terminal, and what programs get."""

import pytest
from msgspec import Raw

from headway.cli.listing import fields_line, table_lines
from headway.services.views import ExecutionView

ID = "01KB2Y6P8QW4E5R6T7Y8V9ABCD"
LONG_ERROR = "ValueError: " + "the price of this line is missing, " * 9


def a_row(**changes: object) -> ExecutionView:
    values: dict[str, object] = {
        "execution_id": ID,
        "workflow_id": "audit_environment",
        "status": "running",
        "phase": "running",
        "progress": 42.0,
        "indeterminate": False,
        "attempt": 1,
        "input": Raw(b"{}"),
        "created_at": "2026-01-02T03:04:05Z",
        "started_at": None,
        "ended_at": None,
        "message": None,
        "error": None,
        "error_code": None,
        "by": None,
        "retry_of": None,
        "last_seq": 3,
        "closed": False,
    }
    return ExecutionView(**(values | changes))  # type: ignore[arg-type]


def failed(**changes: object) -> ExecutionView:
    return a_row(**({"status": "failed", "phase": "failed", "error": LONG_ERROR} | changes))


@pytest.mark.parametrize("width", [40, 64, 68, 80, 100, 120, 200])
def test_only_the_message_is_cut(width: int) -> None:
    lines = [line.plain for line in table_lines([failed(), a_row(workflow_id="w")], width)]
    assert lines[0].split()[:4] == ["ID", "WORKFLOW", "STATUS", "PROGRESS"]
    assert lines[1].split()[:5] == [ID, "audit_environment", "failed", "42", "%"]
    assert lines[2].split()[:5] == [ID, "w", "running", "42", "%"]
    alone = len(f"{ID}  audit_environment  running  PROGRESS")  # all that is never cut
    assert all(len(line) <= max(width, alone) for line in lines)
    assert width < 80 or lines[1].endswith("…")


def test_columns_stand_below_their_headings() -> None:
    lines = [line.plain for line in table_lines([failed(), a_row(workflow_id="w")], 120)]
    assert (
        len({line.index(word) for line, word in zip(lines, ("STATUS", "failed", "running"), strict=True)})
        == 1
    )
    assert lines[0].index("PROGRESS") + len("PROGRESS") == lines[1].index(" %") + 2


def test_in_little_room_the_time_is_shorter_before_the_message_says_nothing() -> None:
    row = failed(workflow_id="report")
    assert "2026-01-0" in table_lines([row], 120)[1].plain
    short = table_lines([row], 92)[1].plain
    assert "2026" not in short
    assert "01-0" in short


def test_a_program_gets_a_line_with_every_value_whole() -> None:
    error = f"{LONG_ERROR}\nand\ta second line"
    fields = fields_line(failed(error=error)).split("\t")
    assert fields[:4] == [ID, "audit_environment", "failed", "42 %"]
    assert fields[5] == " ".join(error.split())
    assert len(fields) == 6
