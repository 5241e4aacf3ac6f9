"""Writes `docs/benchmarks.md`: the prose of `page.md` around the figures that were kept."""

from collections.abc import Callable, Sequence
from pathlib import Path
from string import Template
from typing import Any

from machine import HERE
from results import load

PAGE = HERE.parent / "docs" / "benchmarks.md"
TEMPLATE = HERE / "page.md"
_MARK = "<!-- section: "
Figures = dict[str, Any]
Rows = list[Sequence[str]]
Target = tuple[str, bool, str]  # the promise, whether it holds, what was measured


def write() -> Path:
    """Write the page from whatever has been measured.

    Raises:
        SystemExit: Nothing has.
    """
    kept = {name: figures for name in SECTIONS if (figures := load(name)) is not None}
    if not kept:
        raise SystemExit("Nothing has been measured yet; run bench/run.py.")
    prose = sections(TEMPLATE.read_text())
    parts = [prose["opening"].substitute(machine=machine(next(iter(kept.values()))["machine"]))]
    for name, figures in kept.items():
        hurried = " *(A quick run.)*" if figures["quick"] else ""
        parts.append(prose[name].substitute(SECTIONS[name](figures), hurried=hurried))
    PAGE.write_text("\n".join(part.strip() + "\n" for part in parts))
    return PAGE


def sections(template: str) -> dict[str, Template]:
    """The parts of the page by name."""
    parts = (part.split(" -->\n", 1) for part in template.split(_MARK)[1:])
    return {name: Template(text) for name, text in parts}


def machine(facts: Figures) -> str:
    """One paragraph of what the figures were taken on."""
    disk = facts["fdatasync_us"]
    libraries = ", ".join(f"{name} {version}" for name, version in facts["libraries"].items())
    return (
        f"{facts['date']}: {facts['processor']}, {facts['cores']} cores, {facts['memory_gib']} GiB; "
        f"{facts['system']}; Python {facts['python']}, {libraries}. An `fdatasync` of 256 bytes takes "
        f"{disk['p50']:.0f} µs (p99 {disk['p99']:.0f} µs). Other programs kept {facts['busy_before']:.0%} "
        "of the machine busy before the run."
    )


def emit(figures: Figures) -> dict[str, str]:
    """What an emit costs."""
    ns, ours = figures["ns"], figures["ns"]["Lane.emit"]
    quantiles = ("median", "p99", "p99_9")
    rows: Rows = [[name, *(microseconds(each[key]) for key in quantiles)] for name, each in ns.items()]
    promises = [
        ("`Lane.emit`: median at most 1 µs", ours["median"] <= 1_000, microseconds(ours["median"]) + " µs"),
        ("`Lane.emit`: p99 at most 5 µs", ours["p99"] <= 5_000, microseconds(ours["p99"]) + " µs"),
    ]
    costs = table(("µs a call", "median", "p99", "p99.9"), rows)
    counts = {"calls": f"{figures['calls']:,}", "burst": str(figures["burst"])}
    return {**counts, "costs": costs, "targets": targets(promises)}


def steps(figures: Figures) -> dict[str, str]:
    """What a step costs."""
    medians = figures["medians"]
    rows: Rows = [
        [name, f"{each['sequential_ms']:.3f}", rounded(each.get("workflows_per_s"))]
        for name, each in medians.items()
    ]
    full, normal = medians["Headway, FULL"], medians["Headway, NORMAL"]
    alone, relaxed, rate = full["sequential_ms"], normal["sequential_ms"], full["workflows_per_s"]
    promises = [
        ("a sequential step at FULL: at most 0.4 ms", alone <= 0.4, f"{alone:.3f} ms"),
        ("a sequential step at NORMAL: at most 0.15 ms", relaxed <= 0.15, f"{relaxed:.3f} ms"),
        ("ten-step workflows at FULL: at least 2,000 a second", rate >= 2_000, rounded(rate)),
    ]
    return {
        "at_once": str(figures["at_once"]),
        "rounds": str(figures["rounds"]),
        "costs": table(("engine", "ms a step", "workflows a second"), rows),
        "targets": targets(promises),
    }


def watched(figures: Figures) -> dict[str, str]:
    """Whether watching slows the work."""
    rows: Rows = [
        [name, f"{each['ratio']:.3f}", "{:.3f} to {:.3f}".format(*each["interval"]), each.get("verdict", "")]
        for name, each in figures["ratios"].items()
    ]
    return {
        "unwatched": f"{figures['unwatched_s']:.2f}",
        "pairs": str(figures["pairs"]),
        "ratios": table(("against no server", "ratio", "95 % interval", "at most 1.05"), rows),
    }


def fanout(figures: Figures) -> dict[str, str]:
    """How events reach viewers."""
    stalled, naive, idle = figures["stalled_headway"], figures["stalled_naive"], figures["idle"]
    return {
        "loads": table(
            ("server", "viewers", "events/s", "complete", "p50 ms", "p99 ms", "deliveries/s", "CPU µs each"),
            load_rows(figures),
        ),
        "rates": table(
            ("server", "events/s", "deliveries/s", "p50 ms", "p99 ms", "tried"), rate_rows(figures)
        ),
        "stalled": f"{stalled['stalled']:,}",
        "kib_each": f"{stalled['kib_each']:.1f}",
        "gone": f"{stalled['gone']:,}",
        "gone_last": f"{stalled['gone_last_s']:.0f}",
        "p99_before": f"{stalled['p99_before_ms']:.1f}",
        "p99_while": f"{stalled['p99_while_ms']:.1f}",
        "whole": "everything" if stalled["complete"] else "**not everything**",
        "naive_share": f"{naive['deliveries'] / naive['expected']:.0%}",
        "idle_kib": f"{idle_kib(idle):.1f}",
        "idle_viewers": f"{idle['viewers']:,}",
        "targets": targets(fanout_promises(figures)),
    }


def load_rows(figures: Figures) -> Rows:
    """One row a measured load."""
    rows: Rows = []
    for key, name in (
        ("headway", "Headway"),
        ("naive", "naive"),
        ("quiet_headway", "Headway"),
        ("quiet_naive", "naive"),
    ):
        run = figures[key]
        cpu_s, deliveries = sum(server["cpu_s"] for server in run["servers"]), run["deliveries"]
        whole = "yes" if run["complete"] else f"**no: {deliveries / run['expected']:.0%}**"
        load_of = [name, f"{run['viewers']:,}", f"{run['rate']:,.0f}", whole]
        each_us = f"{cpu_s * 1e6 / deliveries:.2f}" if deliveries else ""
        rows.append([*load_of, *latency(run), rounded(run["deliveries_per_s"]), each_us])
    return rows


def rate_rows(figures: Figures) -> Rows:
    """The highest rate that each server held."""
    rows: Rows = []
    for key, name in (("highest_headway", "Headway"), ("highest_naive", "naive")):
        found, best = figures[key], figures[key]["best"]
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
    ours, stalled = figures["headway"], figures["stalled_headway"]
    thousand, quiet = ours["latency"], figures["quiet_headway"]["latency"]
    gone = stalled["gone"] == stalled["stalled"] and stalled["gone_last_s"] <= 40
    slowed = stalled["p99_while_ms"] / max(stalled["p99_before_ms"], 0.001)
    each = idle_kib(figures["idle"])
    received = f"{ours['deliveries']:,} of {ours['expected']:,}"
    return [
        ("1,000 viewers at 1,000 events/s: all receive all, in order", ours["complete"], received),
        ("… p50 at most 10 ms", thousand["p50_ms"] <= 10, f"{thousand['p50_ms']:.1f} ms"),
        ("… p99 at most 30 ms", thousand["p99_ms"] <= 30, f"{thousand['p99_ms']:.1f} ms"),
        ("one quiet viewer: p50 at most 2 ms", quiet["p50_ms"] <= 2, f"{quiet['p50_ms']:.1f} ms"),
        ("… p99 at most 10 ms", quiet["p99_ms"] <= 10, f"{quiet['p99_ms']:.1f} ms"),
        ("a stalled viewer: below 64 KiB", stalled["kib_each"] < 64, f"{stalled['kib_each']:.1f} KiB"),
        ("… gone in at most 40 s", gone, f"{stalled['gone_last_s']:.0f} s"),
        ("… p99 of the others at most 1.2 times", slowed <= 1.2, f"{slowed:.2f} times"),
        ("an idle viewer: at most 32 KiB", each <= 32, f"{each:.1f} KiB"),
    ]


def idle_kib(run: Figures) -> float:
    """Memory of the server for each of the viewers that are connected and get nothing."""
    server = run["servers"][0]
    grown_kib = server["rss_connected_kib"] - server["rss_start_kib"]
    return float(grown_kib / run["viewers"])


def latency(run: Figures) -> list[str]:
    return [f"{run['latency'][key]:,.1f}" for key in ("p50_ms", "p99_ms")]


def targets(promises: Sequence[Target]) -> str:
    """The promises, and whether each was kept."""
    rows: Rows = [
        [promise, measured, "met" if holds else "**missed**"] for promise, holds, measured in promises
    ]
    return table(("target", "measured", ""), rows)


def table(head: Sequence[str], rows: Rows) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def microseconds(ns: float) -> str:
    return f"{ns / 1e3:.2f}"


def rounded(figure: float | None) -> str:
    """Three significant digits: no run repeats better than that."""
    return "" if figure is None else f"{float(f'{figure:.3g}'):,.0f}"


SECTIONS: dict[str, Callable[[Figures], dict[str, str]]] = {
    "emit": emit,
    "steps": steps,
    "watched": watched,
    "fanout": fanout,
}
