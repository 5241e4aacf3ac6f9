"""The log in chunks of 4,096 lines, each the same for ever once it is full.

For ever in one history: where an older copy of the journal is restored, another one may follow. So a chunk's
version carries the chained tag at its last line, and who says which history it means may keep the answer.
"""

from itertools import islice

import msgspec

from headway.domain.identifiers import ExecutionId
from headway.domain.position import Cursor
from headway.errors import NotFound
from headway.ports import Head
from headway.services.log_lines import CHUNK_LINES, LogLine, LogLines, decode_log_line

MAX_SHOWN = 16_384  # characters of a message; the events and the download have all of it


class LogChunk(msgspec.Struct, kw_only=True):
    """A run of log lines by columns, which pack and parse better than rows.

    `complete` chunks never change. `cut` gives, by its place here, the full length of a message that was cut;
    `gaps` are the places of lines that say that events were dropped there.
    """

    chunk: int
    first_line: int
    complete: bool
    seqs: list[int]
    timestamps: list[str]
    levels: list[str]
    step_ids: list[str | None]
    messages: list[str]
    cut: dict[int, int]
    gaps: list[int]


class ReadChunk(msgspec.Struct):
    """A chunk with what names exactly this content of it, in this history."""

    content: LogChunk
    version: str
    head: Head

    def is_settled_by(self, cursor: Cursor) -> bool:
        """Whether every log that goes through `cursor`, as this one does, has exactly this chunk."""
        seqs = self.content.seqs
        if len(seqs) == CHUNK_LINES:
            return seqs[-1] <= cursor.seq
        return self.content.complete and cursor.seq == self.head.last_seq


def read_log_chunk(lines: LogLines, execution_id: ExecutionId, number: int) -> ReadChunk:
    """Read one chunk; blocking.

    Raises:
        ExecutionNotFound: There is no such execution.
        NotFound: The log has not got so far.
        PositionLost: Retention has removed lines of it, or what counts them.
    """
    head = lines.head(execution_id)
    found = _lines_of(lines, execution_id, head, number)
    if not found and number > 0:
        raise NotFound(f"execution {execution_id} has no log chunk {number} yet", chunk=number)
    end = lines.end_at(execution_id, head, found[-1].seq if found else head.trimmed_upto)
    is_full = len(found) == CHUNK_LINES
    if is_full:
        lines.remember(execution_id, number, end)
    content = LogChunk(
        chunk=number,
        first_line=number * CHUNK_LINES,
        complete=is_full or head.closed,
        seqs=[line.seq for line in found],
        timestamps=[line.timestamp for line in found],
        levels=[line.data.level for line in found],
        step_ids=[line.data.step_id for line in found],
        messages=[line.data.message[:MAX_SHOWN] for line in found],
        cut={
            place: len(line.data.message)
            for place, line in enumerate(found)
            if len(line.data.message) > MAX_SHOWN
        },
        gaps=[place for place, line in enumerate(found) if line.kind == "gap"],
    )
    version = f"{head.epoch}.{number}.{len(found)}.{end.tag:08x}{'.end' if content.complete else ''}"
    return ReadChunk(content, version, head)


def _lines_of(lines: LogLines, execution_id: ExecutionId, head: Head, number: int) -> list[LogLine]:
    stored = (line for run in lines.runs(execution_id, head, number * CHUNK_LINES) for line in run)
    return [decode_log_line(line) for line in islice(stored, CHUNK_LINES)]
