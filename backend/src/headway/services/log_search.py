"""Search over the whole log of an execution, in bounded time; what it could not look at, it says."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from threading import BoundedSemaphore
from time import monotonic

import msgspec
import regex

from headway.domain.events import LEVELS
from headway.domain.identifiers import ExecutionId
from headway.errors import InvalidMessage, OverloadError
from headway.services.log_lines import CHUNK_LINES, LogLine, LogLines, decode_log_line
from headway.services.log_text import is_at_least

SLICE_S = 1.0  # of one request
LINE_S = 0.05  # that an expression may take for one line
MATCHED_CHARACTERS = 4_096  # of a message, as far as an expression looks
SHOWN_CHARACTERS = 1_000
MAX_SEARCHES = 2  # at the same time, so that live viewers keep the processor
QUEUE_S = 2.0

Matches = Callable[[str], bool]
Places = Iterable[tuple[int, bytes]]  # lines, with their place in a run
Filter = Callable[[Places], Places]
Candidates = Callable[[list[bytes]], Places]  # that may match


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """What to look for.

    Args:
        text: In any case, unless it has a capital letter; empty for every line.
        is_regex: `text` is a regular expression, which minds the case.
        level: The least grave.
        step_id: Of this step only.
        first_line: Where to begin.
        end_line: Where to stop: this line and those after it are not looked at.
        limit: Hits to return; further ones are counted.
    """

    text: str = ""
    is_regex: bool = False
    level: str | None = None
    step_id: str | None = None
    first_line: int = 0
    end_line: int | None = None
    limit: int = 100


class Hit(msgspec.Struct, kw_only=True):
    """A line that matches; a long message is cut."""

    line: int
    seq: int
    timestamp: str
    level: str
    step_id: str | None
    message: str


class LogHits(msgspec.Struct, kw_only=True):
    """`total` lines match from the first asked for up to, without it, `next_line`: the end if `complete`.

    `chunks` counts them by the chunk that they are in, where there are any.
    """

    hits: list[Hit]
    total: int
    chunks: dict[int, int]
    complete: bool
    next_line: int


class LogSearch:
    """Searches logs; safe to share between threads.

    Args:
        lines: Finds them by number.
        slice_s: How long one request may look.
    """

    def __init__(self, lines: LogLines, *, slice_s: float = SLICE_S) -> None:
        self._lines = lines
        self._slice_s = slice_s
        self._turns = BoundedSemaphore(MAX_SEARCHES)

    def find(self, execution_id: ExecutionId, query: LogQuery) -> LogHits:
        """Look at every line from the first asked for, until the end or the time is up; blocking.

        Raises:
            ExecutionNotFound: There is no such execution.
            InvalidMessage: The expression does not parse, or takes too long for a line.
            OverloadError: Too many searches at once.
            PositionLost: Retention has removed what would have to be counted.
        """
        head, candidates, matches = self._lines.head(execution_id), _prefilter(query), _matcher(query)
        if not self._turns.acquire(timeout=QUEUE_S):
            raise OverloadError("too many searches at once; try again")
        try:
            runs = self._lines.runs(execution_id, head, query.first_line)
            return self._look(_until(runs, query), query, candidates, matches)
        finally:
            self._turns.release()

    def matching(self, execution_id: ExecutionId, query: LogQuery) -> Iterator[list[bytes]]:
        """All stored lines that match, from what retention has left on; blocking, a while at a time.

        What it gives may be empty: so whoever is tired of it can stop.

        Raises (before the first piece):
            ExecutionNotFound: There is no such execution.
            InvalidMessage: The expression does not parse; later, that it takes too long for a line.
        """
        head, candidates, matches = self._lines.head(execution_id), _prefilter(query), _matcher(query)
        runs = self._lines.runs_after(execution_id, head, head.trimmed_upto)
        return self._match(runs, query, candidates, matches)

    def _match(
        self, runs: Iterator[list[bytes]], query: LogQuery, candidates: Candidates, matches: Matches
    ) -> Iterator[list[bytes]]:
        for run in runs:
            rest, is_over = iter(candidates(run)), False
            while not is_over:
                found = list[bytes]()
                with self._turns:
                    deadline = monotonic() + self._slice_s
                    for _, stored in rest:
                        if _fits(decode_log_line(stored), query, matches):
                            found.append(stored)
                        if monotonic() > deadline:
                            break
                    else:
                        is_over = True
                yield found

    def _look(
        self, runs: Iterator[list[bytes]], query: LogQuery, candidates: Candidates, matches: Matches
    ) -> LogHits:
        found = LogHits(hits=[], total=0, chunks={}, complete=True, next_line=query.first_line)
        deadline = monotonic() + self._slice_s
        for run in runs:
            first = found.next_line
            for place, stored in candidates(run):
                found.next_line = first + place
                # One line at least, or whoever goes on from `next_line` would never get further.
                if found.next_line > query.first_line and monotonic() > deadline:
                    found.complete = False
                    return found
                _consider(found, decode_log_line(stored), query, matches)
            found.next_line = first + len(run)
            if found.next_line > query.first_line and monotonic() > deadline:
                found.complete = False
                return found
        return found


def _consider(found: LogHits, line: LogLine, query: LogQuery, matches: Matches) -> None:
    if not _fits(line, query, matches):
        return
    data = line.data
    found.total += 1
    chunk = found.next_line // CHUNK_LINES
    found.chunks[chunk] = found.chunks.get(chunk, 0) + 1
    if len(found.hits) < query.limit:
        found.hits.append(
            Hit(
                line=found.next_line,
                seq=line.seq,
                timestamp=line.timestamp,
                level=data.level,
                step_id=data.step_id,
                message=data.message[:SHOWN_CHARACTERS],
            )
        )


def _fits(line: LogLine, query: LogQuery, matches: Matches) -> bool:
    data = line.data
    if query.step_id is not None and data.step_id != query.step_id:
        return False
    return is_at_least(data.level, query.level) and matches(data.message)


def _until(runs: Iterator[list[bytes]], query: LogQuery) -> Iterator[list[bytes]]:
    """The runs up to the line where the search is to stop."""
    if query.end_line is None:
        yield from runs
        return
    left = query.end_line - query.first_line
    for run in runs:
        if left <= 0:
            return
        yield run[:left]
        left -= len(run)


def _matcher(query: LogQuery) -> Matches:
    if query.is_regex:
        return _expression(query.text)
    text = query.text
    if _minds_case(text):
        return lambda message: text in message
    return lambda message: text in message.lower()


def _expression(text: str) -> Matches:
    """A compiled expression that cannot run away: it sees the start of a long line, and has little time."""
    try:
        search = regex.compile(text).search
    except regex.error as error:
        raise InvalidMessage(f"q is no regular expression: {error}", field="q") from error

    def matches(message: str) -> bool:
        try:
            return search(message[:MATCHED_CHARACTERS], timeout=LINE_S) is not None
        except TimeoutError:
            raise InvalidMessage(
                "q takes too long: make it simpler, without repeats inside of repeats", field="q"
            ) from None

    return matches


def _prefilter(query: LogQuery) -> Candidates:
    """Passes over most lines without decoding them."""
    with_text, with_level = _text_filter(query), _level_filter(query.level)
    return lambda run: with_text(with_level(enumerate(run)))


def _text_filter(query: LogQuery) -> Filter:
    """JSON writes plain ASCII as it is."""
    text = query.text
    if (
        not text
        or query.is_regex
        or not text.isascii()
        or not text.isprintable()
        or '"' in text
        or "\\" in text
    ):
        return _all
    encoded = text.encode()
    if _minds_case(text):
        return lambda lines: [(place, stored) for place, stored in lines if encoded in stored]
    return lambda lines: [(place, stored) for place, stored in lines if encoded in stored.lower()]


def _level_filter(level: str | None) -> Filter:
    """A line of kind `log` says its level first; the few of other kinds are left to whoever decodes them."""
    below = LEVELS[: LEVELS.index(level)] if level in LEVELS else ()
    if not below:
        return _all
    names = "|".join(below).encode()
    is_below = re.compile(rb'\{"seq":\d+,"kind":"log",[^{]*\{"level":"(?:%b)"' % names).match
    return lambda lines: [(place, stored) for place, stored in lines if not is_below(stored)]


def _all(lines: Places) -> Places:
    return lines


def _minds_case(text: str) -> bool:
    return text != text.lower()
