"""Records of the `logging` module as log events of the execution they were made in."""

import logging
import threading
from collections.abc import Callable

from headway.domain.events import LEVELS, Log, cut_message
from headway.ports import current_scope

_LEVELS = frozenset(LEVELS)
_format = logging.Formatter()
_busy = threading.local()


def install() -> Callable[[], None]:
    """Put a handler on the root logger, and let it hear INFO where nobody chose a level."""
    root = logging.getLogger()
    handler = ScopeHandler()
    root.addHandler(handler)
    raised = root.level == logging.WARNING
    if raised:
        root.setLevel(logging.INFO)

    def uninstall() -> None:
        root.removeHandler(handler)
        if raised and root.level == logging.INFO:
            root.setLevel(logging.WARNING)

    return uninstall


class ScopeHandler(logging.Handler):
    """Emits a record where its thread or task is inside an execution; takes no lock, emit needs none."""

    def handle(self, record: logging.LogRecord) -> bool:
        """Filter, then emit; the base class would take a lock around it."""
        kept = self.filter(record)
        if not kept:
            return False
        self.emit(kept if isinstance(kept, logging.LogRecord) else record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        scope = current_scope.get()
        if scope is None:
            _leave_to_python(record)
            return
        if getattr(_busy, "now", False):
            return  # made while a record was being formatted: its own event would never end
        _busy.now = True
        try:
            text, length = cut_message(_text(record))
            level = record.levelname if record.levelname in _LEVELS else _nearest(record.levelno)
            scope.emit(Log(level, text, scope.step_id, scope.step_name, record.name, "logging", length))
        finally:
            _busy.now = False


def is_installed() -> bool:
    return any(isinstance(handler, ScopeHandler) for handler in logging.getLogger().handlers)


def _leave_to_python(record: logging.LogRecord) -> None:
    """Our handler must not silence the handler of last resort, which speaks only where there is no other."""
    last_resort = logging.lastResort
    if (
        last_resort is not None
        and record.levelno >= last_resort.level
        and all(isinstance(handler, ScopeHandler) for handler in logging.getLogger().handlers)
    ):
        last_resort.handle(record)


def _text(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except Exception as error:  # noqa: BLE001 - a wrong format string must not end the work
        text = f"{record.msg!r} % {_shown(record.args)}: {type(error).__name__}: {error}"
    if record.exc_info and record.exc_info[0] is not None:
        record.exc_text = record.exc_text or _format.formatException(record.exc_info)
    return "\n".join(part for part in (text, record.exc_text, record.stack_info) if part)


def _shown(arguments: object) -> str:
    try:
        return repr(arguments)
    except Exception:  # noqa: BLE001 - whose repr fails is shown by its type
        return f"<{type(arguments).__name__}>"


def _nearest(number: int) -> str:
    """The level at or below a number of one's own, like 25."""
    for level in reversed(LEVELS):
        if number >= logging.getLevelNamesMapping()[level]:
            return level
    return "DEBUG"
