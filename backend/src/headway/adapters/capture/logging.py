"""Records of the `logging` module as log events of the execution they were made in."""

import logging
import threading
from collections.abc import Callable

from headway.domain.events import LEVELS, Log, cut_message
from headway.ports import Scope, current_scope

_LEVELS = frozenset(LEVELS)
_TOLD = "_headway_told"  # on a record: its event is in a log; a copy for a queue has it too
_format = logging.Formatter()
_here = threading.local()  # `formats`: a record's text is being made; `handles`: one that has its event


def install() -> Callable[[], None]:
    """Take the place of `Logger.callHandlers`, and let the root logger hear INFO where nobody chose a level.

    There every record passes that its logger lets pass, whoever replaces the handlers.
    """
    root = logging.getLogger()
    placeholder = Placeholder()
    root.addHandler(placeholder)
    raised = root.level == logging.WARNING
    if raised:
        root.setLevel(logging.INFO)
    before = logging.Logger.callHandlers

    def call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
        scope, is_ours = current_scope.get(), _is_ours(record)
        if scope is not None and not is_ours:
            _tell(scope, record)
        outer, _here.handles = handles_told(), scope is not None and (is_ours or is_told(record))
        try:
            if scope is None or self.hasHandlers():  # else Python would write it to stderr
                before(self, record)
            if (scope is None or is_ours) and _is_mute(self):
                _leave_to_python(record)
        finally:
            _here.handles = outer

    logging.Logger.callHandlers = call_handlers  # type: ignore[method-assign]

    def uninstall() -> None:
        if logging.Logger.callHandlers is call_handlers:
            logging.Logger.callHandlers = before  # type: ignore[method-assign]
        root.removeHandler(placeholder)
        if raised and root.level == logging.INFO:
            root.setLevel(logging.WARNING)

    return uninstall


class Placeholder(logging.NullHandler):
    """Keeps `logging.info` and a file's `basicConfig` from putting a handler that writes to the terminal."""


def handles_told() -> bool:
    """True where a handler of this thread is at work on a record that has its event."""
    return getattr(_here, "handles", False)


def is_told(record: object) -> bool:
    """Whether a record has its event, also where it came by way of a queue."""
    return hasattr(record, _TOLD)


def _tell(scope: Scope, record: logging.LogRecord) -> None:
    """Emit the record's one event."""
    if getattr(_here, "formats", False) or is_told(record):
        return  # made while a record was being formatted: its own event would never end
    _here.formats = True
    try:
        text, length = cut_message(_text(record))
        level = record.levelname if record.levelname in _LEVELS else _nearest(record.levelno)
        scope.emit(Log(level, text, scope.step_id, scope.step_name, record.name, "logging", length))
        setattr(record, _TOLD, True)
    finally:
        _here.formats = False


def _is_ours(record: logging.LogRecord) -> bool:
    """What Headway says of itself is no user's log."""
    return record.name == "headway" or record.name.startswith("headway.")


def _is_mute(logger: logging.Logger) -> bool:
    """True where the placeholder is the only handler: it must not silence the handler of last resort."""
    found = False
    each: logging.Logger | None = logger
    while each is not None:
        if any(not isinstance(handler, Placeholder) for handler in each.handlers):
            return False
        found = found or bool(each.handlers)
        each = each.parent if each.propagate else None
    return found


def _leave_to_python(record: logging.LogRecord) -> None:
    last_resort = logging.lastResort
    if last_resort is not None and record.levelno >= last_resort.level:
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
