"""An execution as plain lines, for pipes, files and terminals without colour."""

import re
import sys
from datetime import datetime
from typing import Self, TextIO

from headway.domain import events as e
from headway.domain.events import Event
from headway.domain.execution import State

_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and cursor movements
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles, links, the clipboard
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


_RESETS = {
    "epoch": "it was written anew",
    "ahead": "an older copy of it was restored",
    "fork": "an older copy of it was restored and went on differently",
    "trimmed": "retention has removed what follows",
}


def without_controls(text: str) -> str:
    """Text that changes nothing in a terminal but what it shows."""
    return _CONTROL.sub("", text)


def local_time(timestamp: str, shape: str = "%H:%M:%S") -> str:
    """An RFC 3339 timestamp as the time here."""
    try:
        return datetime.fromisoformat(timestamp).astimezone().strftime(shape)
    except ValueError:
        return timestamp


def short_time(seconds: float) -> str:
    """How long something took: "< 1 ms", "850 ms", "2.41 s"."""
    if seconds < 0.001:
        return "< 1 ms"
    return f"{int(seconds * 1_000)} ms" if seconds < 1 else f"{seconds:.2f} s"


def line_of(state: State, event: Event) -> str | None:
    """What a log says for the event, with the state after it; `None` for what only moves a bar."""
    match event.data:
        case e.Log() | e.Gap() | e.StepRetrying() | e.StepFailed() | e.Output() as data:
            level = getattr(data, "level", None) or data.constant.get("level", "INFO")
            text = data.message
        case e.StepStarted(parent=None) as data:
            level, text = "STEP", "started" if data.attempt == 1 else f"started, attempt {data.attempt}"
        case e.StepCompleted() as data if not _is_item(state, data.step_id):
            took = "" if data.duration_s is None else f" in {short_time(data.duration_s)}"
            level, text = "STEP", f"completed{took}"
        case e.ExecutionResumed() as data:
            level, text = "RUN", f"resumed on attempt {data.attempt}, {data.reused_steps} steps reused"
        case e.ExecutionQueued() | e.ExecutionStarted() | e.ControlRequested():
            level, text = "RUN", event.kind.partition(".")[2]
            if isinstance(event.data, e.ControlRequested):
                text = f"{event.data.control} {'by force ' if event.data.force else ''}requested"
        case _:
            return None
    step = getattr(event.data, "step", None)
    return f"{local_time(event.timestamp)} {level:<7} {f'{step} | ' if step else ''}{without_controls(text)}"


def describe_reset(why: str) -> str:
    """What to make of the lines before, where the log could not be continued from them."""
    reason = _RESETS.get(why, why)
    return f"The log cannot be continued: {reason}. What is above does not count; it begins anew."


def _is_item(state: State, step_id: str) -> bool:
    """One of many under a group, whose own bar counts them."""
    step = state.steps.get(step_id)
    return step is not None and step.parent is not None


class PlainView:
    """Writes one line an event that says something."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._percent = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *reason: object) -> None:
        self._stream.flush()

    def catch_up(self, state: State, why: str | None = None) -> None:
        if why is not None:
            self._say(describe_reset(why))
        if state.seq:
            percent = "" if state.indeterminate else f", {state.progress:.0f} %"
            self._say(f"... {state.seq:,} events before: {state.phase}{percent}")

    def show(self, state: State, event: Event) -> None:
        line = line_of(state, event)
        if line is not None:
            self._say(line)
        tenth = int(state.progress // 10) * 10
        if tenth > self._percent and not state.closed and not state.indeterminate:
            self._percent = tenth
            self._say(f"{local_time(event.timestamp)} {'RUN':<7} {tenth} %")

    def _say(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()
