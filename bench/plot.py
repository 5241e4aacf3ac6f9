"""Draws how late events are at which rate, for each server that was measured; both axes are logarithmic."""

from collections.abc import Iterator
from html import escape
from math import log10
from typing import Any

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 200, 40, 56
COLOURS = ("#0b6bcb", "#2a9d8f", "#7a5195", "#c1121f", "#e07a00", "#5c677d", "#1b4332")
Point = tuple[float, float, bool]  # deliveries a second asked for, p99 in ms, whether it was held


def draw(fanout: dict[str, Any]) -> str:
    """The plot of the figures of `fanout.py`."""
    lines = {name: points for name in fanout["loads"] if (points := list(points_of(fanout, name)))}
    everything = [point for points in lines.values() for point in points]
    across = Axis([x for x, *_ in everything], LEFT, WIDTH - RIGHT)
    upwards = Axis([y for _, y, _ in everything], HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="12" role="img"><title>p99 delay against deliveries a second</title>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        text(LEFT, 22, "p99 delay in ms; hollow: not everything arrived, or the delay grew", size=13),
        text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "deliveries a second asked for", anchor="middle"),
        *grid(across, upwards),
    ]
    for number, (name, points) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        spots = [(across.place(x), upwards.place(y), held) for x, y, held in sorted(points)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in spots)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        for x, y, held in spots:
            fill = colour if held else "#fff"
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{fill}" stroke="{colour}"/>')
        y = TOP + 8 + 20 * number
        parts.append(f'<circle cx="{WIDTH - RIGHT + 18}" cy="{y - 4}" r="4" fill="{colour}"/>')
        parts.append(text(WIDTH - RIGHT + 28, y, name.replace("`", "")))
    return "\n".join([*parts, "</svg>\n"])


class Axis:
    """Whole decades from `low` to `high`, laid over pixels `start` to `end`."""

    def __init__(self, values: list[float], start: float, end: float) -> None:
        self.low = int(log10(min(values)) // 1)
        self.high = max(self.low + 1, int(-(-log10(max(values)) // 1)))
        self.start, self.end = start, end

    def place(self, value: float) -> float:
        share = (log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def decades(self) -> Iterator[tuple[float, str]]:
        for power in range(self.low, self.high + 1):
            yield self.place(10.0**power), f"{10.0**power:,.10g}"


def points_of(fanout: dict[str, Any], name: str) -> Iterator[Point]:
    """Every run of one server with a thousand viewers."""
    for run in (fanout["loads"].get(name), fanout["fast"].get(name)):
        if run:
            yield run["viewers"] * run["rate"], run["latency"]["p99_ms"], run["held"]
    found = fanout["highest"].get(name)
    for each in found["tried"] if found else ():
        yield 1_000 * each["rate"], each["p99_ms"], each["held"]


def grid(across: Axis, upwards: Axis) -> Iterator[str]:
    """A line and a label for each decade."""
    for x, label in across.decades():
        yield f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>'
        yield text(x, HEIGHT - BOTTOM + 18, label, anchor="middle")
    for y, label in upwards.decades():
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
        yield text(LEFT - 8, y + 4, label, anchor="end")


def text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(words)}</text>'
