"""One frame of the feed, decoded: unknown fields are ignored, so an older client reads a newer server."""

from typing import Any

import msgspec

from headway.domain.events import Event, decode_line
from headway.domain.execution import State


class Update(msgspec.Struct, kw_only=True):
    """One frame of the feed: an event (with `seq`), or a folded frame (without) for all before it.

    `state` is the whole state of a folded frame that opens a feed; `raw` is the frame as it came.
    """

    execution_id: str
    workflow_id: str
    kind: str
    type: str
    timestamp: str
    data: dict[str, Any]
    seq: int | None = None
    as_of: int | None = None
    snapshot: bool = False
    beat: bool = False
    state: State | None = None
    raw: bytes = b""

    @property
    def is_terminal(self) -> bool:
        return self.seq is not None and self.type in ("complete", "error")

    def event(self) -> Event | None:
        """The event as the fold takes it; `None` for a folded frame.

        Raises:
            InvalidMessage: The server is newer and knows a kind that this client does not.
        """
        return None if self.seq is None else decode_line(self.raw)


_decode_update = msgspec.json.Decoder(Update).decode


def decode_update(frame: bytes) -> Update:
    """Read one frame of the feed in simple mode.

    Raises:
        msgspec.MsgspecError: The frame is none.
    """
    update = _decode_update(frame)
    update.raw = frame
    return update
