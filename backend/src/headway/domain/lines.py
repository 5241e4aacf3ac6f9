"""Text that arrives in pieces, as lines; knows no stream and no clock."""

MAX_PENDING = 1 << 20  # characters of an unfinished line that are kept before it is given out as it is


class LineSplitter:
    r"""Cuts written text into lines the way a terminal would show them.

    A carriage return starts the line again, so of `10 %\r20 %\n` only `20 %` is a line. Escape sequences
    stay.
    """

    __slots__ = ("_pending",)

    def __init__(self) -> None:
        self._pending = ""

    @property
    def pending(self) -> bool:
        """True while an unfinished line is held."""
        return bool(self._pending)

    def feed(self, text: str) -> list[str]:
        """Lines that `text` completes, oldest first, without their newline."""
        if "\n" not in text and len(self._pending) + len(text) < MAX_PENDING and "\r" not in text:
            self._pending += text
            return []
        *lines, rest = (self._pending + text).split("\n")
        self._pending = _rewound(rest)
        if len(self._pending) >= MAX_PENDING:
            lines.append(self._pending)
            self._pending = ""
        return [_shown(line) for line in lines]

    def flush(self) -> list[str]:
        """The unfinished line, if there is one; it then starts anew."""
        rest, self._pending = _shown(self._pending), ""
        return [rest] if rest else []


def _shown(line: str) -> str:
    return line.rstrip("\r").rpartition("\r")[2] if "\r" in line else line


def _rewound(rest: str) -> str:
    """Forget what a carriage return has overwritten, but keep a last one: a newline may follow it."""
    return _shown(rest) + "\r" if rest.endswith("\r") else _shown(rest)
