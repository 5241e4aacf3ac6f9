"""The newest chunks of one log, shared by all who watch it."""

from bisect import bisect_right
from collections.abc import Callable

from headway.services.chunk import CHUNK_BYTES, CHUNK_EVENTS, Chunk, SimplePiece, joined

PIECE_BYTES = 32 << 10  # of frames that one catching-up viewer may hold for itself
KEPT_RUNS = 4  # those who make the rounds stand at a few places only


class Ring:
    """Chunks that follow each other, the newest last.

    Args:
        allowed_bytes: How much may be held, now.
    """

    def __init__(self, allowed_bytes: Callable[[], int]) -> None:
        self.held_bytes = 0
        self._allowed_bytes = allowed_bytes
        self._chunks: list[Chunk] = []
        self._runs: dict[tuple[int, int], Chunk] = {}  # what was joined last, by its ends

    def keep(self, chunk: Chunk) -> None:
        """It follows the newest; the oldest go where that is too much."""
        self._chunks.append(chunk)
        self.held_bytes += chunk.held_bytes
        allowed, drop = self._allowed_bytes(), 0
        while self.held_bytes > allowed and drop < len(self._chunks) - 1:
            self.held_bytes -= self._chunks[drop].held_bytes
            drop += 1
        del self._chunks[:drop]

    def chunk_after(self, seq: int) -> Chunk | None:
        """The chunk that holds the event after `seq`; `None` if none does."""
        start = self._place_after(seq)
        return None if start is None else self._chunks[start]

    def run_after(self, seq: int) -> Chunk | None:
        """All that follows the end of a chunk, within the limits of one, as one; `None` if it is not held."""
        start = self._place_after(seq)
        if start is None:
            return None
        first = last = self._chunks[start]
        stop, size = start + 1, len(first.lines)
        for chunk in self._chunks[start + 1 :]:
            size += len(chunk.lines)
            if size > CHUNK_BYTES or chunk.upto - first.after > CHUNK_EVENTS:
                break
            last, stop = chunk, stop + 1
        if last is first:
            return first
        ends = (first.after, last.upto)
        run = self._runs.get(ends)
        if run is None:
            run = self._runs[ends] = joined(self._chunks[start:stop])
            if len(self._runs) > KEPT_RUNS:
                del self._runs[next(iter(self._runs))]
        return run

    def forget_runs(self) -> None:
        """Everyone is at the head: nobody will ask for the same run again."""
        self._runs.clear()

    def piece_after(self, seq: int) -> SimplePiece | None:
        """What follows `seq`, as one piece for one simple-mode viewer; `None` if it is not held."""
        start = self._place_after(seq)
        if start is None:
            return None
        first = self._chunks[start]
        pieces = [first.frames_after(seq)]
        size, last = len(pieces[0]), first
        for chunk in self._chunks[start + 1 :]:
            if size + len(chunk.frames) > PIECE_BYTES:
                break
            pieces.append(chunk.frames)
            size, last = size + len(chunk.frames), chunk
        return SimplePiece(seq, last.upto, b"".join(pieces))

    def bytes_after(self, seq: int) -> int:
        """How many bytes of stored lines are held of what follows `seq`."""
        start = bisect_right(self._chunks, seq, key=lambda chunk: chunk.upto)
        return sum(len(chunk.lines) for chunk in self._chunks[start:])

    def _place_after(self, seq: int) -> int | None:
        if self._chunks and self._chunks[-1].after == seq:  # whoever is at the head asks for the newest
            return len(self._chunks) - 1
        start = bisect_right(self._chunks, seq, key=lambda chunk: chunk.upto)
        return None if start == len(self._chunks) or self._chunks[start].after > seq else start
