"""Where a viewer is in an execution's log, and the hash chain that proves it.

`tag(0) = crc32(epoch)` and `tag(n) = crc32(line n + newline, tag(n-1))`: two histories that differ
anywhere before `seq` differ in their tag (missed once in 2**32; no defence against forgery).
"""

from typing import Self

import msgspec
from zlib_ng.zlib_ng import crc32

from headway.errors import InvalidMessage


def initial_tag(epoch: str) -> int:
    """Tag of the empty log of this epoch."""
    return crc32(epoch.encode("ascii"))


def chain(tag: int, body: bytes) -> int:
    """Tag after `body`: one or more stored lines, each ended by a newline."""
    return crc32(body, tag)


class Cursor(msgspec.Struct, frozen=True, gc=False):
    """A position with its proof; its text form is opaque to clients.

    Args:
        epoch: Names one history of the execution; 8 lower-case hex digits.
        seq: Events before it are applied; 0 to the log's length.
        tag: Chained tag at `seq`, 32 bits.
    """

    epoch: str
    seq: int
    tag: int

    def __str__(self) -> str:
        return f"{self.epoch}.{self.seq}.{self.tag:08x}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text form.

        Raises:
            InvalidMessage: The text is no cursor.
        """
        parts = text.split(".")
        try:
            epoch, seq, tag = parts[0], int(parts[1]), int(parts[2], 16)
        except (IndexError, ValueError):
            raise InvalidMessage(f"{text!r} is no cursor", field="cursor") from None
        if len(parts) != 3 or seq < 0:
            raise InvalidMessage(f"{text!r} is no cursor", field="cursor")
        return cls(epoch, seq, tag)
