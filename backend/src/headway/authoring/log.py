"""`log`: one line in the execution's log."""

import logging
import sys

from headway.domain import events as e
from headway.ports import current_scope

_LEVELS = frozenset(e.LEVELS)


class _Log:
    """Write a line to the execution's log; outside a workflow, to the caller's ordinary `logging` logger.

    Put values in by f-string: `log(f"{n} pages")`. Never waits, never raises.
    """

    def __call__(self, message: object, level: e.Level = "INFO") -> None:
        _write(message, level)

    def debug(self, message: object) -> None:
        _write(message, "DEBUG")

    def info(self, message: object) -> None:
        _write(message, "INFO")

    def warning(self, message: object) -> None:
        _write(message, "WARNING")

    def error(self, message: object) -> None:
        _write(message, "ERROR")


log = _Log()


def _write(message: object, level: str) -> None:
    text = message if isinstance(message, str) else _text(message)
    level = level if level in _LEVELS else "INFO"
    scope = current_scope.get()
    if scope is None:
        caller = sys._getframe(2).f_globals.get("__name__", "headway")
        logging.getLogger(caller).log(logging.getLevelNamesMapping()[level], "%s", text, stacklevel=3)
        return
    text, length = e.cut_message(text)
    scope.emit(e.Log(level, text, scope.step_id, scope.step_name, None, None, length))


def _text(message: object) -> str:
    try:
        return str(message)
    except Exception as error:  # noqa: BLE001 - a line of log must not end the work
        return f"<{type(message).__name__} that str() fails on: {type(error).__name__}>"
