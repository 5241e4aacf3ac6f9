"""Executions as lines: columns for a terminal of some width, fields between tabs for programs."""

from collections.abc import Sequence

from rich.text import Text

from headway.cli.plain_view import local_time, without_controls
from headway.services.views import ExecutionView

MIN_MESSAGE_WIDTH = 16  # less of a message says nothing: the time gives it room first
_GAP = "  "
_CREATED_SHAPES = ("%Y-%m-%d %H:%M:%S", "%m-%d %H:%M")
_STYLES = {"completed": "green", "failed": "red", "cancelled": "yellow"}


def table_lines(executions: Sequence[ExecutionView], width: int) -> list[Text]:
    """A heading and a line each.

    Ids, workflows, states and progress stand whole, however narrow it is; the message takes what is left.
    """
    columns, room = list[list[Text]](), 0
    for shape in (*_CREATED_SHAPES, None):
        columns = _columns(executions, shape)
        room = width - sum(_width(column) + len(_GAP) for column in columns)
        if room >= MIN_MESSAGE_WIDTH:
            break
    messages = [Text("MESSAGE"), *(Text(_message(each)) for each in executions)]
    for message in messages:
        message.truncate(max(0, room), overflow="ellipsis" if room > 0 else "crop")
    lines = [Text(_GAP).join(cells) for cells in zip(*columns, messages, strict=True)]
    lines[0].stylize("dim")
    for line in lines:
        line.rstrip()
    return lines


def fields_line(each: ExecutionView) -> str:
    """What the columns say, whole, between tabs."""
    created = local_time(each.created_at, _CREATED_SHAPES[0])
    return "\t".join(
        [each.execution_id, each.workflow_id, each.phase, _progress(each), created, _message(each)]
    )


def _columns(executions: Sequence[ExecutionView], created_shape: str | None) -> list[list[Text]]:
    """All but the message, each filled up to its width."""
    columns = [
        [Text("ID"), *(Text(each.execution_id) for each in executions)],
        [Text("WORKFLOW"), *(Text(each.workflow_id) for each in executions)],
        [Text("STATUS"), *(Text(each.phase, _STYLES.get(each.status, "blue")) for each in executions)],
        [Text("PROGRESS"), *(Text(_progress(each).rjust(len("PROGRESS"))) for each in executions)],
    ]
    if created_shape is not None:
        times = (Text(local_time(each.created_at, created_shape)) for each in executions)
        columns.append([Text("CREATED"), *times])
    for column in columns:
        width = _width(column)
        for cell in column:
            cell.pad_right(width - cell.cell_len)
    return columns


def _width(column: Sequence[Text]) -> int:
    return max(cell.cell_len for cell in column)


def _progress(each: ExecutionView) -> str:
    return "" if each.indeterminate else f"{each.progress:.0f} %"


def _message(each: ExecutionView) -> str:
    """Its error or last message, on one line whatever it holds."""
    return " ".join(without_controls(each.error or each.message or "").split())
