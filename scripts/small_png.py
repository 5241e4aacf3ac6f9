"""Make the pictures given smaller, in place: 256 colours are enough for a screen. Standard library only."""

import struct
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

MAGIC = b"\x89PNG\r\n\x1a\n"
COLOURS = 256
TRUE_COLOUR = {2: 3, 6: 4}  # bytes a pixel, by colour type

Colour = tuple[int, int, int]


def main() -> None:
    for name in sys.argv[1:]:
        path = Path(name)
        before = path.read_bytes()
        after = shrunk(before)
        if len(after) < len(before):
            path.write_bytes(after)


def shrunk(png: bytes) -> bytes:
    """The same picture with a palette; one that has a palette already is left as it is."""
    chunks = list(chunks_of(png))
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    if depth != 8 or kind not in TRUE_COLOUR or interlaced:
        return png
    size = TRUE_COLOUR[kind]
    raw = zlib.decompress(b"".join(body for name, body in chunks if name == b"IDAT"))
    rows = list(unfiltered(raw, width * size, size))
    pixels = [[(row[at], row[at + 1], row[at + 2]) for at in range(0, len(row), size)] for row in rows]
    boxes = boxes_of(Counter(each for row in pixels for each in row))
    palette = [max(box, key=box.__getitem__) for box in boxes]
    places = {colour: place for place, box in enumerate(boxes) for colour in box}
    indexed = bytearray()
    for row in pixels:
        indexed.append(0)
        indexed.extend(places[colour] for colour in row)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    flat = bytes(part for colour in palette for part in colour)
    body = zlib.compress(bytes(indexed), 9)
    parts = [(b"IHDR", header), (b"PLTE", flat), (b"IDAT", body), (b"IEND", b"")]
    return MAGIC + b"".join(chunk(*part) for part in parts)


def chunks_of(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(MAGIC)
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def unfiltered(raw: bytes, length: int, size: int) -> Iterator[bytearray]:
    """Rows as they are shown: PNG stores each as a difference to its neighbours."""
    above = bytearray(length)
    for start in range(0, len(raw), length + 1):
        kind, row = raw[start], bytearray(raw[start + 1 : start + 1 + length])
        for at in range(length) if kind else ():
            left = row[at - size] if at >= size else 0
            corner = above[at - size] if at >= size else 0
            row[at] = (row[at] + predicted(kind, left, above[at], corner)) & 0xFF
        yield row
        above = row


def predicted(kind: int, left: int, up: int, corner: int) -> int:
    match kind:
        case 1:
            return left
        case 2:
            return up
        case 3:
            return (left + up) // 2
        case _:
            guess = left + up - corner
            return min((left, up, corner), key=lambda each: abs(guess - each))


def boxes_of(counts: Counter[Colour]) -> list[dict[Colour, int]]:
    """Like colours together, by median cut; by width alone, so that a rare colour keeps its own."""
    boxes = [dict(counts)]
    while len(boxes) < COLOURS:
        widest = max(boxes, key=lambda box: widest_channel(box)[0])
        width, channel = widest_channel(widest)
        if width == 0:
            break
        values = [colour[channel] for colour in widest]
        middle = (min(values) + max(values)) / 2
        boxes.remove(widest)
        boxes.append({colour: count for colour, count in widest.items() if colour[channel] <= middle})
        boxes.append({colour: count for colour, count in widest.items() if colour[channel] > middle})
    return boxes


def widest_channel(box: dict[Colour, int]) -> tuple[int, int]:
    """How far its colours lie apart, and in which channel."""
    return max((max(values) - min(values), channel) for channel, values in enumerate(zip(*box, strict=True)))


if __name__ == "__main__":
    main()
