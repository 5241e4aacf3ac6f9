"""What goes wrong when, drawn from one seed; knows no process and no socket."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "kill server",
    "kill worker",
    "kill both",
    "cut",
    "freeze up",
    "freeze down",
    "delay",
    "refuse",
]
KINDS: tuple[Kind, ...] = (
    "kill server",
    "kill worker",
    "kill both",
    "cut",
    "freeze up",
    "freeze down",
    "delay",
    "refuse",
)
HOLD_S = (0.2, 1.5)
PAUSE_S = (0.1, 0.7)
CUT_BYTES = 50_000
STEPS = (80, 250)
LINES = (1, 15)  # a step


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    Args:
        pause_s: Since the one before.
        share: Of the connections that it hits; which ones, `seed` says.
        after_bytes: That still reach the viewer before a cut.
        hold_s: Until it is lifted; a frozen connection is then cut, if `cuts`.
    """

    kind: Kind
    pause_s: float
    share: float
    after_bytes: int
    hold_s: float
    cuts: bool
    seed: int

    def __str__(self) -> str:
        text = f"+{self.pause_s:.2f}s {self.kind}"
        match self.kind:
            case "cut":
                return f"{text} {self.share:.0%} after {self.after_bytes} bytes"
            case "freeze up" | "freeze down":
                return f"{text} {self.share:.0%} for {self.hold_s:.1f}s{', then cut' if self.cuts else ''}"
            case "delay":
                return f"{text} {self.share:.0%} for {self.hold_s:.1f}s"
            case "refuse":
                return f"{text} for {self.hold_s:.1f}s"
            case _:
                return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """An execution to start: how many steps of how many log lines."""

    steps: int
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Executions are started, all of `faults` happen, and in the end an older copy is put back, if `restore`.

    Args:
        restore: How the server is stopped for it; `None` for a round without.
        copy_before: The fault before which the copy is taken.
        joins_s: When each viewer comes, in seconds since the round began.
    """

    starts: tuple[Start, ...]
    faults: tuple[Fault, ...]
    restore: Literal["stopped", "killed"] | None
    copy_before: int
    joins_s: tuple[float, ...]

    def __str__(self) -> str:
        happens = [str(fault) for fault in self.faults]
        if self.restore:
            happens.insert(self.copy_before, "copy")
            happens.append(f"restore ({self.restore})")
        return ", ".join(happens)


def draw(seed: int, *, rounds: int, viewers: int, starts: int) -> list[Round]:
    """The whole run; the same for the same arguments.

    Every kind of fault comes before one comes again, and the second round of any three restores.
    """
    chance = random.Random(seed)
    kinds = _deck(chance)
    return [
        _round(chance, kinds, restores=number % 3 == 1, viewers=viewers, starts=starts)
        for number in range(rounds)
    ]


def _round(
    chance: random.Random, kinds: Iterator[Kind], *, restores: bool, viewers: int, starts: int
) -> Round:
    faults = tuple(_fault(chance, next(kinds)) for _ in range(chance.randrange(3, 5)))
    return Round(
        starts=tuple(
            Start(steps=chance.randrange(*STEPS), lines=chance.randrange(*LINES)) for _ in range(starts)
        ),
        faults=faults,
        restore=chance.choice(("stopped", "killed")) if restores else None,
        copy_before=chance.randrange(len(faults)),
        joins_s=tuple(chance.choice((0.0, chance.uniform(0, 2))) for _ in range(viewers)),
    )


def _deck(chance: random.Random) -> Iterator[Kind]:
    while True:
        yield from chance.sample(KINDS, len(KINDS))


def _fault(chance: random.Random, kind: Kind) -> Fault:
    return Fault(
        kind=kind,
        pause_s=chance.uniform(*PAUSE_S),
        share=chance.choice((0.2, 0.5, 1.0)),
        after_bytes=chance.randrange(CUT_BYTES),
        hold_s=chance.uniform(*HOLD_S),
        cuts=chance.random() < 0.5,
        seed=chance.randrange(1 << 32),
    )
