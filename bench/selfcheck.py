"""Holds the load generator to account: it must see each fault that a server could commit.

A figure of "all received all, in order" is worth nothing from a program that could not say otherwise.
"""

import asyncio
import json
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from headway.domain.position import Cursor, chain, initial_tag
from headway.protocol.deflate import MAX_DICTIONARIES, dictionary_frame, stream_frame
from headway.protocol.frames import text_frame

from viewers import build, complete

UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
LARGE = 70_000  # bytes: a length that needs the longest form of the frame's header


@dataclass(frozen=True, slots=True)
class Case:
    """What a server sends to each of two viewers, and whether that is complete."""

    name: str
    seqs: Sequence[int]
    is_complete: bool
    ends: bool = True
    padding: int = 60
    piece: int = 1 << 20  # bytes a write
    dialect: str = "simple"
    frame_events: int = 1  # rich: lines a frame
    altered: bool = False  # rich: a line is not the one that the tag was computed over
    dictionaries: Sequence[int] = ()  # deflate: given before the frames, which are packed with the first
    check_after: bool = False  # rich: the load generator looks at the lines when all have come

    @property
    def is_rich(self) -> bool:
        return self.dialect != "simple"


EXECUTION, EPOCH = "01KAQ3M0000000000000000000", "9f3a01bc"
START = Cursor(EPOCH, 0, initial_tag(EPOCH))
SEEN_AT_ONCE = (
    Case("all in order", range(1, 400), True),
    Case("frames cut anywhere", range(1, 40), True, piece=7),
    Case("frames of medium size", range(1, 40), True, padding=2_000, piece=999),
    Case("frames of large size", range(1, 5), True, padding=LARGE),
    Case("one missing", (1, 2, 4, 5), False),
    Case("the first missing", (2, 3), False),
    Case("one repeated", (1, 2, 2, 3), False),
    Case("two swapped", (1, 3, 2, 4), False),
    Case("closed before the end", (1, 2, 3), False, ends=False),
    Case("rich, all in order", range(1, 400), True, dialect="rich", frame_events=7),
    Case("rich, cut anywhere", range(1, 40), True, dialect="rich", frame_events=3, piece=7),
    Case("rich, compressed", range(1, 400), True, dialect="deflate", frame_events=50),
    Case(
        "rich, with a dictionary", range(1, 40), True, dialect="deflate", frame_events=9, dictionaries=(7, 8)
    ),
    Case(
        "rich, with a dictionary that is forgotten",
        range(1, 40),
        False,
        dialect="deflate",
        frame_events=9,
        dictionaries=range(1, MAX_DICTIONARIES + 2),
    ),
    Case(
        "rich, with a dictionary that is given again",
        range(1, 40),
        True,
        dialect="deflate",
        frame_events=9,
        dictionaries=(*range(1, MAX_DICTIONARIES), 1, *range(300, 300 + MAX_DICTIONARIES - 1)),
    ),
    Case("rich, one missing within a frame", (1, 2, 4, 5), False, dialect="rich", frame_events=4),
    Case("rich, a frame missing", (1, 2, 5, 6), False, dialect="rich", frame_events=2),
    Case("rich, a frame repeated", (1, 2, 1, 2, 3, 4), False, dialect="rich", frame_events=2),
    Case("rich, altered", range(1, 40), False, dialect="rich", frame_events=5, altered=True),
    Case(
        "rich, altered and compressed", range(1, 40), False, dialect="deflate", frame_events=20, altered=True
    ),
    *(
        Case(name, seqs, False, dialect="deflate", frame_events=20)
        for name, seqs in (
            ("rich, a frame missing and compressed", (*range(1, 41), *range(61, 99))),
            ("rich, a frame repeated and compressed", (*range(1, 41), *range(21, 99))),
            ("rich, one missing within a compressed frame", (1, *range(3, 41))),
        )
    ),
    Case("rich, closed before the end", (1, 2, 3), False, dialect="rich", ends=False),
)
CASES = (
    *SEEN_AT_ONCE,
    *(
        replace(case, name=f"{case.name}, checked after", check_after=True)
        for case in SEEN_AT_ONCE
        if case.is_rich
    ),
)


def event(seq: int, wire: str, message: str) -> str:
    """One event as simple mode shows it."""
    head = {"execution_id": EXECUTION, "workflow_id": "check", "seq": seq}
    return json.dumps({**head, "kind": "k", "type": wire, "timestamp": "t", "data": {"message": message}})


def stream(case: Case) -> bytes:
    """Everything that a server sends in this case after the upgrade; a ping is among it."""
    now = time.time_ns()
    message = f"tick {now} " + "x" * case.padding
    if case.dialect == "simple":
        events = [event(seq, "log", message) for seq in case.seqs]
        end = [event(max(case.seqs) + 1, "complete", "completed")] if case.ends else []
        frames = [text_frame(text.encode()) for text in [*events, *end]]
    else:
        frames = list(rich_frames(case, message))
    return b"".join([b"\x89\x02hi", *frames])


def rich_frames(case: Case, message: str) -> Iterator[bytes]:
    """The case as `ev` frames, each with the tag of the lines that the server meant."""
    cursor, seqs = START, list(case.seqs)
    for number in case.dictionaries:
        yield dictionary_frame(deflated(words(number)), number)
    packed_with = case.dictionaries[0] if case.dictionaries else 0
    for first in range(0, len(seqs), case.frame_events):
        some = seqs[first : first + case.frame_events]
        lines = b"".join(
            json.dumps({"seq": seq, "data": {"message": message}}, separators=(",", ":")).encode() + b"\n"
            for seq in some
        )
        tag = cursor.tag if some[0] <= cursor.seq else chain(cursor.tag, lines)
        head = {"t": "ev", "x": EXECUTION, "after": some[0] - 1, "upto": some[-1], "n": len(some)}
        cursor = Cursor(EPOCH, some[-1], tag)
        if case.ends and first + case.frame_events >= len(seqs):
            head["eos"] = {}
        sent = lines.replace(b"x", b"y", 1) if case.altered and first else lines
        text = json.dumps({**head, "cur": str(cursor)}, separators=(",", ":")).encode() + b"\n" + sent
        if case.dialect == "deflate":
            yield stream_frame(deflated(text, words(packed_with) if packed_with else b""), packed_with)
        else:
            yield text_frame(text)


def words(dictionary: int) -> bytes:
    """A dictionary of this number: what is packed with one cannot be read with another."""
    return b'{"t":"ev","x":"%s","n":%d}\n{"seq":1,"data":{"message":"tick ' % (EXECUTION.encode(), dictionary)


def deflated(text: bytes, dictionary: bytes = b"") -> bytes:
    """A stream of raw deflate."""
    press = zlib.compressobj(wbits=-zlib.MAX_WBITS, zdict=dictionary)
    return press.compress(text) + press.flush()


async def outcome(case: Case) -> dict[str, Any]:
    """What the load generator says of this server."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        sent = UPGRADED + stream(case)
        for start in range(0, len(sent), case.piece):
            writer.write(sent[start : start + case.piece])
            await writer.drain()
        if case.ends:
            while await reader.read(1_000):  # the pong, and what rich viewers say; then their end
                pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        options = ["--port", str(port), "--viewers", "2", "--limit", "10", "--dialect", case.dialect]
        options += ["--execution", EXECUTION, "--cursor", str(START)]
        options += ["--check-after"] if case.check_after else []
        process = await asyncio.create_subprocess_exec(build(), *options, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    return result


def check() -> None:
    """Run every case.

    Raises:
        SystemExit: The load generator does not see what it must.
    """
    for case in CASES:
        result = asyncio.run(outcome(case))
        if complete(result) != case.is_complete:
            raise SystemExit(f"The load generator is wrong about {case.name!r}: {result}")
        if case.is_complete and result["deliveries"] != 2 * len(case.seqs):
            raise SystemExit(f"The load generator lost deliveries of {case.name!r}: {result}")


if __name__ == "__main__":
    check()
    print(f"The load generator is right about {len(CASES)} cases.")
