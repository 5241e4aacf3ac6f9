"""Writes `docs/benchmarks.md` and its plot: the prose of `page.md` around the figures that were kept."""

from collections.abc import Callable
from pathlib import Path
from string import Template

import fanout_page
import plot
from machine import HERE, RESULTS
from markdown import Figures, Rows, microseconds, rounded, table, targets
from results import load

PAGE = HERE.parent / "docs" / "benchmarks.md"
PLOT = PAGE.with_name("benchmarks-fanout.svg")
TEMPLATE = HERE / "page.md"
_MARK = "<!-- section: "


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
    if "fanout" in kept:
        for path in (RESULTS / PLOT.name, PLOT):
            path.write_text(plot.draw(kept["fanout"]))
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


SECTIONS: dict[str, Callable[[Figures], dict[str, str]]] = {
    "emit": emit,
    "steps": steps,
    "watched": watched,
    "fanout": fanout_page.fanout,
    "stalled": fanout_page.stalled,
    "joining": fanout_page.joining,
}
