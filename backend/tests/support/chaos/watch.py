"""What one viewer has applied, held to the rules of exactly once; knows no connection."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tests.support.serving import StoredLog

from headway.domain.identifiers import ExecutionId
from headway.domain.position import Cursor, chain


@dataclass(frozen=True, slots=True)
class Reset:
    """The viewer was told to begin anew: why, where the log ended then if it knows, and what it had."""

    why: str
    head: int | None
    base: int
    lines: Sequence[bytes]
    tag: int | None

    @property
    def had(self) -> int:
        """Seq it was at."""
        return self.base + len(self.lines)


class Line(Protocol):
    """A stored line in the form that this kind of viewer gets."""

    def __call__(self, line: bytes) -> bytes: ...


def as_stored(line: bytes) -> bytes:
    return line


@dataclass(slots=True)
class Watch:
    """One viewer of one execution: it has applied `lines`, the events after `base`.

    Args:
        kind: Of viewer.
        form: A stored line as this kind of viewer gets it.
        gone: It was told that there is no such execution.
        tag: The chained tag after the last line, where the viewer can compute one.
    """

    kind: str
    execution_id: ExecutionId
    form: Line = as_stored
    base: int = 0
    lines: list[bytes] = field(default_factory=list)
    resets: list[Reset] = field(default_factory=list)
    tag: int | None = None
    ended: bool = False
    gone: bool = False
    connections: int = 0

    def __str__(self) -> str:
        how = "gone" if self.gone else "ended" if self.ended else "watching"
        told = "".join(f", reset {each.why} at {each.had} of {each.head}" for each in self.resets)
        return (
            f"{self.kind} of {self.execution_id}: {self.base}+{len(self.lines)}, "
            f"{self.connections} connections{told}, {how}"
        )

    @property
    def seq(self) -> int:
        """Of the last event it has."""
        return self.base + len(self.lines)

    @property
    def is_over(self) -> bool:
        return self.ended or self.gone

    def begin_at(self, base: int, tag: int | None = None) -> None:
        """Forget everything; the events after `base` follow."""
        self.base, self.lines, self.tag = base, [], tag

    def reset(self, why: str, head: int | None, cursor: Cursor) -> None:
        """It was told `reset` where the log ended at `head`, and goes on from `cursor`."""
        self.resets.append(Reset(why, head, self.base, self.lines, self.tag))
        self.begin_at(cursor.seq, cursor.tag)

    def take(self, seq: int, line: bytes) -> None:
        """Apply the next event: no hole, no repeat, no swap."""
        assert seq == self.seq + 1, f"{self} was given {seq}"
        self.lines.append(line)
        if self.tag is not None and self.form is as_stored:
            self.tag = chain(self.tag, line + b"\n")

    def check_cursor(self, cursor: Cursor) -> None:
        """The chain over what it has is the one that the server says."""
        assert (self.seq, self.tag) == (cursor.seq, cursor.tag), f"{self} was told {cursor}"

    def check_against(self, log: StoredLog) -> None:
        """What it has is what the log holds, as far as it goes; to its end where it has ended."""
        assert self.seq <= len(log.lines), f"{self} has more than the {len(log.lines)} events of the log"
        for seq, (mine, line) in enumerate(
            zip(self.lines, log.lines[self.base : self.seq], strict=True), self.base + 1
        ):
            assert mine == self.form(line), f"{self} differs from the log at {seq}"
        assert self.tag in (None, log.tags[self.seq]), f"{self} has another tag"
        if self.ended:
            assert self.seq == len(log.lines), f"{self} ended before the {len(log.lines)} events of the log"

    def check_resets(self, log: StoredLog, restores: int) -> None:
        """Each reset had a cause, was told with the right reason, and gave up what the log does not hold."""
        assert len(self.resets) <= restores, f"{self}, but an older copy was put back {restores} times"
        for told in self.resets:
            true = {"ahead", "fork"} if told.head is None else {"ahead" if told.head < told.had else "fork"}
            assert told.why in true, f"{self} was told untruly"
            was_kept = told.had < len(log.tags) and told.tag == log.tags[told.had]
            assert not was_kept, f"{self}: what it gave up at {told.had} is in the log"
