"""Watchers of one log that stand at one place and are sent the same bytes: none is asked about a frame."""

import logging
import math
from collections.abc import Callable
from typing import Protocol

from headway.protocol.close_codes import CloseCode
from headway.services.chunk import Chunk

COHORT_SIZE = 128  # at most: then the loop looks at what else there is to do

_log = logging.getLogger(__name__)


class Watcher(Protocol):
    """Whoever follows a log."""

    def given(self, chunk: Chunk) -> None:
        """Its turn at the head: the events after those it was given before."""
        ...

    def missed(self, upto: int) -> None:
        """Its turn, but what it should be given is held no more: it leaves, or reads to `upto` by itself."""
        ...

    def end(self, code: CloseCode, reason: str) -> None:
        """The log cannot be followed any further."""
        ...


class Form(Protocol):
    """How the frames of a cohort are made; equal ones make the same."""

    def frame_of(self, run: Chunk) -> bytes | None:
        """What each is written; `None` where each must be given it by itself."""
        ...


class Member:
    """One watcher's account.

    Args:
        since: Seq after which nothing has been accounted for.
        until_seq: It may be sent nothing beyond.
        until_bytes: Likewise, in bytes of stored lines of the whole log.
    """

    __slots__ = ("cohort", "since", "until_bytes", "until_seq", "upto", "written_bytes")

    def __init__(self, since: int, until_seq: float, until_bytes: float) -> None:
        self.since = self.upto = since
        self.until_seq, self.until_bytes = until_seq, until_bytes
        self.cohort: Cohort | None = None
        self.written_bytes = 0  # of frames; while in a cohort, less what it had written before


class Cohort:
    """See the module; `seq` is the place."""

    def __init__(self, form: Form, seq: int) -> None:
        self.form = form
        self.seq = seq
        self.until_seq: float = math.inf  # of all members, the least
        self.until_bytes: float = math.inf
        self.members: dict[Watcher, tuple[Member, Callable[[bytes], None]]] = {}
        self._writes: list[Callable[[bytes], None]] | None = None
        self._written_bytes = 0

    def add(self, watcher: Watcher, member: Member, write: Callable[[bytes], None]) -> None:
        """It stands at `seq`."""
        self.members[watcher] = (member, write)
        member.cohort = self
        member.written_bytes -= self._written_bytes
        self.until_seq = min(self.until_seq, member.until_seq)
        self.until_bytes = min(self.until_bytes, member.until_bytes)
        self._writes = None

    def remove(self, watcher: Watcher) -> None:
        """Its account is closed."""
        member, _ = self.members.pop(watcher)
        member.cohort, member.upto = None, self.seq
        member.written_bytes += self._written_bytes
        self._writes = None

    def take_over(self, other: "Cohort") -> None:
        """All members of another that stands at the same place."""
        for watcher, (member, write) in list(other.members.items()):
            other.remove(watcher)
            self.add(watcher, member, write)

    def spent(self, upto: int, total_bytes: int) -> list[Watcher]:
        """Those that may not be sent so much; from then on, what the others may be sent is the limit."""
        spent: list[Watcher] = []
        self.until_seq = self.until_bytes = math.inf
        for watcher, (member, _) in self.members.items():
            if member.until_seq < upto or member.until_bytes < total_bytes:
                spent.append(watcher)
            else:
                self.until_seq = min(self.until_seq, member.until_seq)
                self.until_bytes = min(self.until_bytes, member.until_bytes)
        return spent

    def write(self, frame: bytes, upto: int) -> None:
        """To each; a fault ends the one it happens to."""
        self.seq = upto  # before the writes: whoever is paused by its own, and leaves, has got this
        self._written_bytes += len(frame)
        if self._writes is None:
            self._writes = [write for _, write in self.members.values()]
        writes = iter(self._writes)
        while True:
            try:
                for write in writes:
                    write(frame)
            except Exception:  # noqa: BLE001 - the edge of one connection
                _log.exception("a viewer could not be written to")
                self._end(write)
            else:
                return

    def _end(self, write: Callable[[bytes], None]) -> None:
        for watcher in [watcher for watcher, (_, its) in self.members.items() if its is write]:
            watcher.end(CloseCode.INTERNAL_ERROR, "the server failed; reconnect")
