"""How a moment is written: RFC 3339, UTC, microseconds, `Z`."""

from datetime import UTC, datetime


def unix_ns(text: str) -> int:
    """Read what `timestamp` writes."""
    moment = datetime.fromisoformat(text)
    return int(moment.replace(microsecond=0).timestamp()) * 1_000_000_000 + moment.microsecond * 1_000


def timestamp(unix_ns: int) -> str:
    """Write Unix nanoseconds, cut to whole microseconds."""
    seconds, rest_ns = divmod(unix_ns, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest_ns // 1_000:06d}Z"
