"""A log as plain text for people: one line an event that has something to say."""

from headway.domain.events import LEVELS, Event


def line_of(event: Event) -> str | None:
    """The text of an event of wire type `log`, `error` or `complete`; `None` for the others."""
    if event.data.wire not in ("log", "error", "complete"):
        return None
    level = "ERROR" if event.data.wire == "error" else event.data.constant.get("level", "INFO")
    level = getattr(event.data, "level", level)
    step = getattr(event.data, "step", None) or getattr(event.data, "step_id", None)
    message = getattr(event.data, "message", None) or getattr(event.data, "error", None) or event.kind
    where = f" [{step}]" if step else ""
    return f"{event.timestamp} {level:<8}{where} {message}"


def is_at_least(level: str, floor: str | None) -> bool:
    """True if `level` is as grave as `floor`; an unknown level always is."""
    if floor is None or level not in LEVELS or floor not in LEVELS:
        return True
    return LEVELS.index(level) >= LEVELS.index(floor)
