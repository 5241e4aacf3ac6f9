"""The log of an execution as numbered lines: one for each event of wire type `log`, counted from 0.

So the number of lines is what the seal counts as `logs`. Where line n is in the log of events is found
through the stored states, which carry the count so far; the rest is counted. Blocking, on the journal.
"""

from collections import OrderedDict
from collections.abc import Iterator
from threading import Lock
from typing import NamedTuple

import msgspec

from headway.domain.execution import Counts
from headway.domain.identifiers import ExecutionId
from headway.errors import JournalUnavailable, PositionLost
from headway.ports import Head, Journal

CHUNK_LINES = 4_096
READ_BYTES = 256 << 10
MAX_ENDS = 20_000
# A stored line starts `{"seq":17,"kind":"…","type":"log","timestamp":"…"`: what lies beyond is not looked at.
_LOG_TYPE = b'","type":"log","timestamp":"'
_HEAD_BYTES = 84


class Mark(NamedTuple):
    """Of the events up to `seq`, `lines` are log lines."""

    seq: int
    lines: int


class ChunkEnd(NamedTuple):
    """Where the last line of a chunk is; `tag` proves that this is its history."""

    seq: int
    tag: int


class LogData(msgspec.Struct, gc=False):
    """What the log shows of an event's `data`."""

    message: str = ""
    level: str = "INFO"
    step_id: str | None = None


class LogLine(msgspec.Struct, gc=False):
    """A log event, as far as the log shows it."""

    seq: int
    kind: str
    timestamp: str
    data: LogData


class _Counted(msgspec.Struct):
    counts: Counts


decode_log_line = msgspec.json.Decoder(LogLine).decode
_decode_counted = msgspec.json.Decoder(_Counted).decode


def log_lines_of(body: bytes) -> list[bytes]:
    """The stored lines of wire type `log` in a run of stored lines."""
    return [line for line in body.split(b"\n") if line.find(_LOG_TYPE, 0, _HEAD_BYTES) > 0]


class LogLines:
    """Finds log lines by number; safe to share between threads.

    Args:
        journal: Where they are.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = Lock()
        self._ends: OrderedDict[tuple[ExecutionId, int], ChunkEnd] = OrderedDict()

    def head(self, execution_id: ExecutionId) -> Head:
        """Raises `ExecutionNotFound`."""
        return self._journal.get(execution_id).head

    def runs(self, execution_id: ExecutionId, head: Head, first: int) -> Iterator[list[bytes]]:
        """The log lines from number `first` up to `head`, as stored, in runs of what one read gives.

        Raises:
            PositionLost: Retention has removed lines that would have to be counted.
        """
        at = self._mark_before(execution_id, head, first)
        yield from self.runs_after(execution_id, head, at.seq, skip=first - at.lines)

    def runs_after(
        self, execution_id: ExecutionId, head: Head, after: int, *, skip: int = 0
    ) -> Iterator[list[bytes]]:
        """The log lines after seq `after`, but for the first `skip`; else as `runs`."""
        while after < head.last_seq:
            segments = self._journal.read(
                execution_id, after, max_events=head.last_seq - after, max_bytes=READ_BYTES
            )
            if not segments:
                return
            after = segments[-1].last_seq
            lines = [line for segment in segments for line in log_lines_of(segment.body)]
            run, skip = lines[skip:], max(0, skip - len(lines))
            yield run

    def end_at(self, execution_id: ExecutionId, head: Head, seq: int) -> ChunkEnd:
        """The end of what was read up to `head`, proven.

        Raises:
            JournalUnavailable: Another history has been put in place of the log meanwhile.
            PositionLost: Retention has removed it meanwhile.
        """
        tag = self._journal.tag_at(execution_id, seq)
        if self._journal.tag_at(execution_id, head.last_seq) != head.last_tag:
            raise JournalUnavailable("the log was replaced while it was read; try again")
        return ChunkEnd(seq, tag)

    def remember(self, execution_id: ExecutionId, chunk: int, end: ChunkEnd) -> None:
        """The chunk is full, and ends there; never believed, only tried: an older copy may be restored."""
        with self._lock:
            self._ends[execution_id, chunk] = end
            if len(self._ends) > MAX_ENDS:
                self._ends.popitem(last=False)

    def _mark_before(self, execution_id: ExecutionId, head: Head, line: int) -> Mark:
        """The nearest known place at or before a line."""
        chunk = line // CHUNK_LINES
        with self._lock:
            known = self._ends.get((execution_id, chunk - 1))
        if known is not None and self._holds(execution_id, head, known):
            return Mark(known.seq, chunk * CHUNK_LINES)
        found = self._counted_before(execution_id, head, line)
        if found is None:
            raise PositionLost(
                f"retention has removed log lines before line {line}", trimmed_upto=head.trimmed_upto
            )
        return found

    def _holds(self, execution_id: ExecutionId, head: Head, end: ChunkEnd) -> bool:
        return (
            head.trimmed_upto <= end.seq <= head.last_seq
            and self._journal.tag_at(execution_id, end.seq) == end.tag
        )

    def _counted_before(self, execution_id: ExecutionId, head: Head, line: int) -> Mark | None:
        """The last stored state with at most so many log lines, by bisection."""
        best = Mark(0, 0) if head.trimmed_upto == 0 else None
        low, high = head.trimmed_upto, head.last_seq
        while low <= high:
            middle = (low + high + 1) // 2
            stored = self._journal.checkpoint(execution_id, middle)
            if stored is None or stored[0] < low:
                low = middle + 1
                continue
            mark = Mark(stored[0], _decode_counted(stored[1]).counts.logs)
            if mark.lines <= line:
                best, low = mark, middle + 1
            else:
                high = mark.seq - 1
        return best
