"""Holds the load generator to account: it must see each fault that a server could commit.

A figure of "all received all, in order" is worth nothing from a program that could not say otherwise.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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


CASES = (
    Case("all in order", range(1, 400), True),
    Case("frames cut anywhere", range(1, 40), True, piece=7),
    Case("frames of medium size", range(1, 40), True, padding=2_000, piece=999),
    Case("frames of large size", range(1, 5), True, padding=LARGE),
    Case("one missing", (1, 2, 4, 5), False),
    Case("the first missing", (2, 3), False),
    Case("one repeated", (1, 2, 2, 3), False),
    Case("two swapped", (1, 3, 2, 4), False),
    Case("closed before the end", (1, 2, 3), False, ends=False),
)


def frame(text: str) -> bytes:
    """A text frame as servers send it: unmasked."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2) + payload
    return b"\x81\x7f" + size.to_bytes(8) + payload


def event(seq: int, wire: str, message: str) -> str:
    """One event as simple mode shows it."""
    head = {"execution_id": "01KAQ3M0000000000000000000", "workflow_id": "check", "seq": seq}
    return json.dumps({**head, "kind": "k", "type": wire, "timestamp": "t", "data": {"message": message}})


def stream(case: Case) -> bytes:
    """Everything that a server sends in this case after the upgrade; a ping is among it."""
    now = time.time_ns()
    events = [event(seq, "log", f"tick {now} " + "x" * case.padding) for seq in case.seqs]
    end = [event(max(case.seqs) + 1, "complete", "completed")] if case.ends else []
    return b"".join([b"\x89\x02hi", *map(frame, [*events, *end])])


async def outcome(case: Case) -> dict[str, Any]:
    """What the load generator says of this server."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        sent = UPGRADED + stream(case)
        for start in range(0, len(sent), case.piece):
            writer.write(sent[start : start + case.piece])
            await writer.drain()
        if case.ends:
            await reader.read(100)  # the pong
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        options = ("--port", str(port), "--viewers", "2", "--limit", "10")
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
