"""The sections of the page that are about viewers: how events reach them, who stalls, who comes late."""

from collections.abc import Sequence
from typing import Any

from markdown import Figures, Rows, Target, rounded, table, targets


def fanout(figures: Figures) -> dict[str, str]:
    """How events reach viewers."""
    packed = figures["packed"]["deflate"]
    return {
        "loads": table(
            ("server", "events/s", "complete", "p50 ms", "p99 ms", "deliveries/s", "CPU µs each"),
            [load_row(name, run) for kind in ("loads", "fast") for name, run in figures[kind].items()]
            + [load_row("raw uvloop: the same bytes a write, nothing else", figures["raw"])],
        ),
        "quiet": table(
            ("server", "p50 ms", "p99 ms"), [[name, *latency(run)] for name, run in figures["quiet"].items()]
        ),
        "rates": table(
            ("server", "events/s", "deliveries/s", "p50 ms", "p99 ms", "tried"), rate_rows(figures["highest"])
        ),
        "raw_events": str(figures["raw"]["events_a_write"]),
        "bytes_plain": f"{bytes_an_event(figures['packed']['rich']):.0f}",
        "bytes_packed": f"{bytes_an_event(packed):.1f}",
        "frame_events": f"{packed['events'] / packed['frames']:.1f}",
        "targets": targets(fanout_promises(figures)),
    }


def stalled(figures: Figures) -> dict[str, str]:
    """What viewers cost that read nothing."""
    thousand, naive, idle = figures["thousand"], figures["naive"], figures["idle"]
    phases = [
        ("p99 of the others, ms", thousand["p99_ms"]),
        ("p99 of a durable step, ms", thousand["step_p99_ms"]),
    ]
    return {
        "viewers": f"{thousand['viewers']:,}",
        "stalled": f"{thousand['stalled']:,}",
        "kib_each": f"{thousand['kib_each']:.1f}",
        "gone": f"{thousand['gone']:,}",
        "gone_last": f"{thousand['gone_last_s']:.0f}",
        "phases": table(
            ("", "before", "while they join", "while they hang", "after"),
            [[name, *(f"{each:.1f}" for each in p99.values())] for name, p99 in phases],
        ),
        "whole": "everything" if thousand["complete"] else "**not everything**",
        "naive_share": f"{naive['deliveries'] / naive['expected']:.0%}",
        "idle_kib": f"{idle_kib(idle):.1f}",
        "idle_viewers": f"{idle['viewers']:,}",
        "targets": targets(stalled_promises(thousand, idle)),
    }


def joining(figures: Figures) -> dict[str, str]:
    """Who comes late, sees everything again, or has to move."""
    drain = figures["drain"]
    return {
        "joins": table(
            ("join", "ms", "KiB"),
            [[name, f"{each['ms']:.1f}", f"{each['kib']:.0f}"] for name, each in figures["joins"].items()],
        ),
        "replays": table(
            ("replay", "events/s", "bytes an event", "complete"),
            [
                [name, rounded(each["events_per_s"]), f"{each['bytes_an_event']:.0f}", yes(each["complete"])]
                for name, each in figures["replays"].items()
            ],
        ),
        "viewers": f"{drain['viewers']:,}",
        "returns": f"{drain['returns']:,}",
        "most_returns": f"{drain['most_returns_per_s']:,}",
        "longest_away": f"{drain['longest_away_s']:.1f}",
        "whole": "everything once and in order" if drain["complete"] else "**not everything**",
        "targets": targets(joining_promises(figures)),
    }


def load_row(name: str, run: Figures) -> Sequence[str]:
    """One measured load; CPU is of all processes of a server."""
    deliveries = run["deliveries"]
    whole = "yes" if run["complete"] else f"**no: {deliveries / run['expected']:.0%}**"
    each_us = f"{cpu_us(run['servers'], deliveries):.2f}" if deliveries else ""
    return [name, f"{run['rate']:,.0f}", whole, *latency(run), rounded(run["deliveries_per_s"]), each_us]


def rate_rows(highest: Figures) -> Rows:
    """The highest rate that each server held."""
    rows: Rows = []
    for name, found in highest.items():
        best = found["best"]
        tried = ", ".join(f"{each['rate']:,.0f}{'' if each['held'] else ' ✗'}" for each in found["tried"])
        if found["generator_limited"]:
            tried += " (the load generator was at its limit)"
        if best is None:
            rows.append([name, "none of these", "", "", "", tried])
            continue
        held = [f"{best['rate']:,.0f}", rounded(best["deliveries_per_s"]), *latency(best)]
        rows.append([name, *held, tried])
    return rows


def fanout_promises(figures: Figures) -> list[Target]:
    """What is promised of the wire."""
    ours, fast = figures["loads"]["Headway"], figures["fast"]["Headway"]
    quiet, packed = figures["quiet"]["Headway"]["latency"], bytes_an_event(figures["packed"]["deflate"])
    received = f"{ours['deliveries']:,} of {ours['expected']:,}"
    is_fast = fast["complete"] and fast["deliveries_per_s"] >= 4e6
    beside_raw = beside(ours, figures["raw"])
    return [
        ("1,000 viewers at 1,000 events/s: all receive all, in order", ours["complete"], received),
        *latency_promises(ours["latency"], p50_ms=10, p99_ms=30),
        ("1,000 at 5,000: at least 4M deliveries/s", is_fast, rounded(fast["deliveries_per_s"])),
        *latency_promises(fast["latency"], p99_ms=70),
        (
            "CPU of the server a delivery: at most 1.6 times raw uvloop",
            beside_raw <= 1.6,
            f"{beside_raw:.2f} times",
        ),
        ("compressed, at 10 events a frame: at most 25 B an event", packed <= 25, f"{packed:.1f} B"),
        ("one quiet viewer: p50 at most 2 ms", quiet["p50_ms"] <= 2, f"{quiet['p50_ms']:.1f} ms"),
        *latency_promises(quiet, p99_ms=10),
    ]


def latency_promises(measured: Figures, **limits: float) -> list[Target]:
    """`p99_ms=30`: p99 at most 30 ms."""
    return [
        (
            f"… {key.removesuffix('_ms')} at most {limit:g} ms",
            measured[key] <= limit,
            f"{measured[key]:.1f} ms",
        )
        for key, limit in limits.items()
    ]


def stalled_promises(thousand: Figures, idle: Figures) -> list[Target]:
    """What is promised of those who do not read."""
    slowed, steps_slowed = (
        p99["while_stalled"] / max(p99["before_stalled"], 0.001)
        for p99 in (thousand["p99_ms"], thousand["step_p99_ms"])
    )
    gone = thousand["gone"] == thousand["stalled"] and thousand["gone_last_s"] <= 40
    return [
        ("a stalled viewer: below 64 KiB", thousand["kib_each"] < 64, f"{thousand['kib_each']:.1f} KiB"),
        ("… gone in at most 40 s", gone, f"{thousand['gone_last_s']:.0f} s"),
        ("… p99 of the others at most 1.2 times", slowed <= 1.2, f"{slowed:.2f} times"),
        ("… p99 of a durable step at most 1.2 times", steps_slowed <= 1.2, f"{steps_slowed:.2f} times"),
        ("an idle viewer: at most 32 KiB", idle_kib(idle) <= 32, f"{idle_kib(idle):.1f} KiB"),
    ]


def joining_promises(figures: Figures) -> list[Target]:
    """What is promised of those who come late."""
    joins, replay, drain = figures["joins"], figures["replays"]["deflate"], figures["drain"]
    short, long = joins["rich 1000"], joins["rich 1000000"]
    ratio, away = long["ms"] / short["ms"], drain["longest_away_s"]
    moved, at_once = drain["complete"] and away <= 10, drain["most_returns_per_s"]
    return [
        ("a late join to 1M events: at most 50 ms", long["ms"] <= 50, f"{long['ms']:.1f} ms"),
        ("… at most 1.1 times that to 1,000", ratio <= 1.1, f"{ratio:.2f} times"),
        ("… at most 256 KiB", long["kib"] <= 256, f"{long['kib']:.0f} KiB"),
        (
            "a replay to a viewer that takes it compressed: at least 4M events/s",
            replay["events_per_s"] >= 4e6,
            rounded(replay["events_per_s"]),
        ),
        ("a drain: nothing lost, nobody waits over 10 s", moved, f"{away:.1f} s"),
        ("… at most 500 come back in a second", at_once <= 500, f"{at_once}"),
    ]


def cpu_us(servers: list[Figures], deliveries: int) -> float:
    return float(sum(server["cpu_s"] for server in servers) * 1e6 / deliveries)


def beside(ours: Figures, raw: Figures) -> float:
    """CPU a delivery of our server process against the bare one's; the worker is not part of either."""
    return cpu_us(ours["servers"][:1], ours["deliveries"]) / cpu_us(raw["servers"], raw["deliveries"])


def bytes_an_event(run: Figures) -> float:
    return float(run["bytes"] / run["events"])


def idle_kib(run: Figures) -> float:
    """Memory of the server for each of the viewers that are connected and get nothing."""
    server = run["servers"][0]
    grown_kib = server["rss_connected_kib"] - server["rss_start_kib"]
    return float(grown_kib / run["viewers"])


def latency(run: Figures) -> list[str]:
    return [f"{run['latency'][key]:,.1f}" for key in ("p50_ms", "p99_ms")]


def yes(holds: Any) -> str:
    return "yes" if holds else "**no**"
