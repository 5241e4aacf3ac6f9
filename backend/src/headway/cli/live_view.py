"""An execution in a terminal: log lines scroll by, below them its status and the steps that run now."""

import asyncio
import time
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from headway.cli.plain_view import describe_reset, line_of
from headway.domain import events as e
from headway.domain.events import Event
from headway.domain.execution import State, StepState

REFRESH_S = 0.1
MAX_STEPS = 6
BAR_WIDTH = 32
_STYLES = {"DEBUG": "dim", "WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red"}
_MARKS = {"completed": "[green]✔[/]", "failed": "[red]✘[/]", "cancelled": "[yellow]■[/]"}


class LiveView:
    """Draws on the console's terminal until the block ends.

    Lines are printed and the picture drawn together, ten times a second at most: a flood of events costs no
    more than that, and the clock goes on while there are none.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._lines: list[Text] = []
        self._state: State | None = None
        self._began = self._painted = time.monotonic()

    async def __aenter__(self) -> Self:
        self._live.start()
        self._painter = asyncio.create_task(self._keep_painting())
        return self

    async def __aexit__(self, *reason: object) -> None:
        self._painter.cancel()
        self._paint()
        self._live.stop()

    def catch_up(self, state: State, why: str | None = None) -> None:
        self._state = state
        if why is not None:
            self._lines.append(Text(describe_reset(why), style="yellow"))
        if state.seq:
            self._lines.append(Text(f"… {state.seq:,} events before", style="dim"))

    def show(self, state: State, event: Event) -> None:
        self._state = state
        line = line_of(state, event)
        if line is not None:
            self._lines.append(Text(line, style=_style_of(event)))
        if time.monotonic() - self._painted >= REFRESH_S:
            self._paint()

    async def _keep_painting(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            self._paint()

    def _paint(self) -> None:
        lines, self._lines = self._lines, []
        if lines:
            self._console.print(Text("\n").join(lines), soft_wrap=True)
        now = self._painted = time.monotonic()
        waiting = Text("waiting for the first event …", style="dim")
        shown = picture(self._state, now - self._began, self._console.width) if self._state else waiting
        self._live.update(shown, refresh=True)


def picture(state: State, elapsed_s: float, width: int) -> RenderableType:
    """Status line, the execution's bar, and a bar for each step that runs now."""
    mark = _MARKS.get(state.status, "[blue]●[/]")
    head = Text.from_markup(f"{mark} [bold]{state.workflow_id}[/] {state.phase} [dim]{elapsed_s:.0f} s[/]")
    if state.message and state.message != state.phase:
        head.append(f"  {state.message.splitlines()[0]}", style="dim")
    head.truncate(max(20, width - 1), overflow="ellipsis")
    running = [step for step in state.steps.values() if step.ended_at is None]
    table = Table.grid(padding=(0, 1))
    table.add_row(*_row("all", state.progress, None if state.indeterminate else 100.0, _percent(state)))
    for step in running[-MAX_STEPS:]:
        attempt = f" (attempt {step.attempt})" if step.attempt > 1 else ""
        table.add_row(*_row(f"{step.name}{attempt}", step.done or 0.0, step.total, _counts(step)))
    more = len(running) - MAX_STEPS
    rest = [Text(f"and {more} more steps", style="dim")] if more > 0 else []
    return Group(head, table, *rest)


def _row(name: str, done: float, total: float | None, note: str) -> tuple[RenderableType, ...]:
    bar = ProgressBar(total=total, completed=done, width=BAR_WIDTH, pulse=total is None)
    return Text(name, style="cyan"), bar, Text(note)


def _percent(state: State) -> str:
    percent = "" if state.indeterminate else f"{state.progress:.0f} %"
    steps = f"{state.counts.steps_completed}/{state.counts.steps} steps"
    return "  ".join(part for part in (percent, _counts(state), steps) if part)


def _counts(counting: State | StepState) -> str:
    if counting.done is None and counting.total is None:
        return ""
    total = "" if counting.total is None else f"/{counting.total:,.0f}"
    unit = f" {counting.unit}" if counting.unit else ""
    return f"{counting.done or 0:,.0f}{total}{unit}"


def _style_of(event: Event) -> str:
    data = event.data
    level = data.level if isinstance(data, e.Log) else data.constant.get("level", "STEP")
    return _STYLES.get(level, "dim" if level == "STEP" else "")
