"""All of a closed, compacted execution to one rich viewer: compressed lines stay so if nobody reads them."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.support.authored import AuthoredExecution
from zlib_ng import zlib_ng

from headway.adapters.clock import SystemClock
from headway.adapters.hints.memory import MemoryHintBus
from headway.adapters.journal.sqlite import SqliteJournal
from headway.domain.position import Cursor, chain, initial_tag
from headway.domain.stored_lines import inflated
from headway.errors import JournalCorrupt
from headway.protocol import messages as m
from headway.protocol.close_codes import CloseCode
from headway.protocol.codec import decode_server, encode
from headway.protocol.deflate import Inflater
from headway.protocol.frames import messages
from headway.services.feed import Feed
from headway.services.feed_viewer import FeedViewer
from headway.services.tails import Tails
from headway.services.viewer import Writer

BATCHES = 24  # of a worker, about as large as a frame


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    journal = SqliteJournal(tmp_path / "headway.db")
    yield journal
    journal.close()


@pytest.fixture
def execution(journal: SqliteJournal) -> AuthoredExecution:
    execution = AuthoredExecution(journal, MemoryHintBus())
    for _ in range(BATCHES):
        execution.log(250)
    execution.complete()
    after: int | None = 0
    while after is not None:
        after = journal.compact(execution.id, after)
    return execution


@pytest.fixture
async def feed(journal: SqliteJournal) -> AsyncIterator[Feed]:
    clock, hints = SystemClock(), MemoryHintBus()
    async with Tails(journal, hints, clock) as tails, Feed(journal, hints, tails, clock, node="n") as feed:
        yield feed


@pytest.fixture
def inflations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of what the server inflates."""
    sizes: list[int] = []

    def counted(stream: bytes, wbits: int) -> bytes:
        sizes.append(len(stream))
        return zlib.decompress(stream, wbits)

    inflated.cache_clear()
    monkeypatch.setattr(zlib_ng, "decompress", counted)
    return sizes


class ReplayOutlet:
    """Reads all from the first event on, checks the chain, and acknowledges each frame."""

    is_paused = False

    def __init__(
        self, feed: Feed, journal: SqliteJournal, execution: AuthoredExecution, *, deflated: bool
    ) -> None:
        self.epoch, self.x = journal.heads([execution.id])[execution.id].epoch, execution.id
        self.cursor = Cursor(self.epoch, 0, initial_tag(self.epoch))
        self.binary = 0
        self._inflater = Inflater()
        self.ended = asyncio.Event()
        self.refusal: m.Err | None = None
        self.viewer: FeedViewer = feed.attach(self, knows=lambda token: True, deflated=deflated)
        self._say(m.Hello())
        self._say(m.Sub(x=self.x, cur=str(self.cursor)))

    def _say(self, message: m.AnyClientMessage) -> None:
        self.viewer.receive(encode(message).decode())

    def report_to(self, writer: Writer) -> None:
        pass

    def write(self, frames: bytes) -> None:
        for is_text, payload in messages(frames):
            self.binary += not is_text
            text = payload if is_text else self._inflater.read(payload)
            assert text is not None  # no dictionary is needed
            message, body = decode_server(text)
            if isinstance(message, m.Err):
                self.refusal = message
                self.ended.set()
            if isinstance(message, m.Ev):
                self._take(message, body)

    def _take(self, message: m.Ev, body: bytes) -> None:
        reached = Cursor.parse(message.cur)
        assert (message.after, chain(self.cursor.tag, body)) == (self.cursor.seq, reached.tag)
        self.cursor = reached
        asyncio.get_running_loop().call_soon(self._say, m.Ack(x=self.x, seq=reached.seq))
        if message.eos is not None:
            self.ended.set()

    def pending_bytes(self) -> int:
        return 0

    def close(self, code: CloseCode, reason: str) -> None:
        raise AssertionError(f"{code}: {reason}")

    def abort(self) -> None:
        raise AssertionError("cut")


async def replayed(outlet: ReplayOutlet) -> ReplayOutlet:
    async with asyncio.timeout(10):
        await outlet.ended.wait()
    outlet.viewer.lost()
    return outlet


async def test_a_compressed_viewer_has_only_the_end_inflated(
    feed: Feed, journal: SqliteJournal, execution: AuthoredExecution, inflations: list[int]
) -> None:
    """The last run is looked into for what the terminal event says."""
    outlet = await replayed(ReplayOutlet(feed, journal, execution, deflated=True))

    assert outlet.cursor == journal.heads([execution.id])[execution.id].cursor
    assert outlet.binary >= BATCHES
    assert len(inflations) == 1


async def test_a_plain_viewer_has_each_run_inflated_once(
    feed: Feed, journal: SqliteJournal, execution: AuthoredExecution, inflations: list[int]
) -> None:
    outlet = await replayed(ReplayOutlet(feed, journal, execution, deflated=False))

    assert outlet.cursor == journal.heads([execution.id])[execution.id].cursor
    assert outlet.binary == 0
    ((runs,),) = rows(journal, "SELECT count(*) FROM segment")
    assert len(inflations) == runs


async def test_compressed_lines_with_a_flipped_bit_are_sent_to_nobody(
    feed: Feed, journal: SqliteJournal, execution: AuthoredExecution
) -> None:
    ((first, body),) = rows(
        journal, "SELECT first_seq, body FROM segment ORDER BY first_seq LIMIT 1 OFFSET 5"
    )
    broken = bytearray(body)
    broken[-100] ^= 4
    with journal._database.writing() as cursor:
        cursor.execute("UPDATE segment SET body = ? WHERE first_seq = ?", (bytes(broken), first))

    outlet = await replayed(ReplayOutlet(feed, journal, execution, deflated=True))

    assert outlet.cursor.seq < first
    assert outlet.refusal is not None
    assert outlet.refusal.code == JournalCorrupt.code


def rows(journal: SqliteJournal, statement: str) -> list[tuple[int, bytes]]:
    with journal._database.reading() as connection:
        return connection.execute(statement).fetchall()
