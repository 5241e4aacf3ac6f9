"""What the compressed frames of one execution have in common: sent once to a connection, not in each frame.

A frame of ten lines is too short to find much in itself: packed, most of it is its header and its first line,
which look like those of the frame before.
"""

from dataclasses import dataclass
from itertools import count

from msgspec.structs import replace
from zlib_ng.zlib_ng import DEFLATED, MAX_WBITS, compressobj

from headway.protocol.codec import encode
from headway.protocol.deflate import MAX_NUMBER, dictionary_frame
from headway.protocol.messages import Ev

LINES_BYTES = 2 << 10  # of stored lines in a dictionary, at most
MIN_LINES = 8  # fewer say little of those to come
RENEWED_AFTER = 16_384  # events; what an execution logs changes in kind, and each viewer is given a new one
_LEVEL = 4

_numbers = count()  # of this process: what a connection is given from several executions is told apart


@dataclass(frozen=True, slots=True)
class Dictionary:
    """Text of one execution's log that frames are packed with, and the frame that gives it to a viewer."""

    number: int
    text: bytes
    frame: bytes


class Primer:
    """Makes the dictionaries of one watched execution; on the event loop only.

    Args:
        names: What its viewers call it (`x` of a header): a frame begins with one of them.
    """

    def __init__(self, *names: str) -> None:
        self._names = names
        self._lines = b""
        self._seen = 0  # seq of the newest line that was looked at
        self._made: Dictionary | None = None
        self._renewed_at = 0

    def dictionary_for(self, header: Ev, lines: bytes) -> Dictionary | None:
        """What to pack this frame with, `None` until enough of the log has been seen; looks at its lines."""
        made = self._made
        if header.upto > self._seen and (made is None or header.upto >= self._renewed_at):
            self._see(header, lines)
        return made

    def _see(self, header: Ev, lines: bytes) -> None:
        """Keep the last whole lines, and make a dictionary of them once there are enough."""
        lines = _last(lines, header.upto - self._seen)  # frames overlap: not all viewers are at one place
        self._seen = header.upto
        recent = self._lines + lines[-LINES_BYTES - 1 :]
        if len(recent) > LINES_BYTES:
            recent = recent[recent.find(b"\n", len(recent) - LINES_BYTES - 1) + 1 :]
        self._lines = recent
        if recent.count(b"\n") < MIN_LINES:
            return
        heads = [encode(replace(header, x=name, cf=None, eos=None)) + b"\n" for name in self._names]
        text = b"".join([recent, *heads])
        number = next(_numbers) % MAX_NUMBER + 1
        self._made = Dictionary(number, text, dictionary_frame(deflated(text), number))
        self._lines, self._renewed_at = b"", header.upto + RENEWED_AFTER


def _last(lines: bytes, count: int) -> bytes:
    return b"".join(lines.splitlines(keepends=True)[-count:])


def deflated(text: bytes, dictionary: Dictionary | None = None) -> bytes:
    """A whole stream of raw deflate."""
    press = compressobj(_LEVEL, DEFLATED, -MAX_WBITS, zdict=b"" if dictionary is None else dictionary.text)
    return press.compress(text) + press.flush()
