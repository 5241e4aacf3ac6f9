"""Figures as Markdown: tables, targets and numbers. Pure."""

from collections.abc import Sequence
from typing import Any

Figures = dict[str, Any]
Rows = list[Sequence[str]]
Target = tuple[str, bool, str]  # the promise, whether it holds, what was measured


def table(head: Sequence[str], rows: Rows) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def targets(promises: Sequence[Target]) -> str:
    """The promises, and whether each was kept."""
    rows: Rows = [
        [promise, measured, "met" if holds else "**missed**"] for promise, holds, measured in promises
    ]
    return table(("target", "measured", ""), rows)


def microseconds(ns: float) -> str:
    return f"{ns / 1e3:.2f}"


def rounded(figure: float | None) -> str:
    """Three significant digits: no run repeats better than that."""
    return "" if figure is None else f"{float(f'{figure:.3g}'):,.0f}"
