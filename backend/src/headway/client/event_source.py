"""Server-Sent Events: the parser, and an attempt to follow a feed by them."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import msgspec
from typing_extensions import override

from headway.client.attempt import Again, Done, Ending, Unfit
from headway.client.http_feed import HttpFollower
from headway.client.ladder import Transport
from headway.domain.execution import State
from headway.domain.position import Cursor
from headway.protocol.messages import Ev, Why

FIRST_BYTE_S = 5.0  # a server begins its stream at once; later means that somebody holds it back
SILENCE_S = 25.0
MEDIA_TYPE = "text/event-stream"


@dataclass(frozen=True, slots=True)
class SentEvent:
    name: str
    id: str
    data: bytes


class EventParser:
    """Makes events of the pieces of a stream; comments and times to reconnect are left out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[SentEvent]:
        """The events that end in this piece."""
        *blocks, self._rest = (self._rest + piece).split(b"\n\n")
        for block in blocks:
            fields = dict(_field(line) for line in block.split(b"\n"))
            if b"data" in fields:
                name = fields.get(b"event", b"message").decode()
                yield SentEvent(name, fields.get(b"id", b"").decode(), fields[b"data"])


class _Reset(msgspec.Struct):
    why: Why
    cursor: str
    state: State


_decode_reset = msgspec.json.Decoder(_Reset).decode


class EventSourceAttempt(HttpFollower):
    """Follows `feed` by streams of events, one execution after the other."""

    transport: Transport = "sse"

    @override
    async def follow(self, execution_id: str, cursor: Cursor) -> Ending:
        """Stream until the log's end, or the stream's."""
        stream = self.client.stream(execution_id, cursor, open_s=FIRST_BYTE_S, silence_s=SILENCE_S)
        async with stream as answer:
            if not answer.headers.get("content-type", "").startswith(MEDIA_TYPE):
                return Unfit("a stream of events was asked for, and something else came")
            return await self._read(answer, execution_id)

    @override
    async def run(self) -> Ending:
        try:
            return await super().run()
        except TimeoutError:
            return Unfit(f"no event of a stream came within {FIRST_BYTE_S:.0f} s: something buffers it")

    async def _read(self, answer: httpx.Response, execution_id: str) -> Ending:
        parser, pieces = EventParser(), answer.aiter_bytes()
        async with asyncio.timeout(FIRST_BYTE_S):
            piece = await anext(pieces, b"")
        while piece:
            self.is_up()
            if self.is_left(execution_id):
                return Again("another attempt has moved on")
            ending = self._take(list(parser.feed(piece)))
            if ending is not None:
                return ending
            await self.feed.room()
            piece = await anext(pieces, b"")
        return Again("the stream ended", reached=self.up_at is None)

    def _take(self, events: list[SentEvent]) -> Ending | None:
        known = self.feed.position.cursor
        lines = [each for each in events if each.name == "message"]
        new = [each for each in lines if known is None or Cursor.parse(each.id).seq > known.seq]
        resets = [each for each in events if each.name == "reset"]
        if resets:  # only ever the first
            return self._reset(resets[0]) or self._take([each for each in events if each not in resets])
        body = b"".join(each.data + b"\n" for each in new)
        if new and not self.take(_header(self.feed.position.x, new), body):
            return Again("what came does not follow")
        return Done() if any(each.name == "end" for each in events) else None

    def _reset(self, event: SentEvent) -> Ending | None:
        reset = _decode_reset(event.data)
        cursor = Cursor.parse(reset.cursor)
        told = self.feed.position.adopt(reset.state, cursor, why=reset.why)
        self.feed.publish(told)
        return None if told.cursor == cursor else Again("the log is read anew", wait_s=0.0)


def _header(x: str, events: list[SentEvent]) -> Ev:
    first, last = Cursor.parse(events[0].id), Cursor.parse(events[-1].id)
    return Ev(x=x, after=first.seq - 1, upto=last.seq, cur=events[-1].id, n=len(events))


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name, value.removeprefix(b" ")
