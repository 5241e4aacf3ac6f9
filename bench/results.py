"""Where measurements are kept between runs: `results/NAME.json`, never committed."""

import argparse
import json
from typing import Any, Protocol

from machine import RESULTS, describe


class Measurement(Protocol):
    """What each of the programs here offers."""

    def __call__(self, *, quick: bool) -> dict[str, Any]: ...


def save(name: str, figures: dict[str, Any]) -> None:
    """Keep the figures, as JSON."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(figures, indent=1) + "\n")


def load(name: str) -> dict[str, Any] | None:
    """The figures of the last run, if any."""
    path = RESULTS / f"{name}.json"
    if not path.exists():
        return None
    kept: dict[str, Any] = json.loads(path.read_text())
    return kept


def run(name: str, measure: Measurement, *, quick: bool) -> dict[str, Any]:
    """Measure once the machine is quiet; the figures are kept with the machine they were taken on."""
    figures = {"machine": describe(), "quick": quick, **measure(quick=quick)}
    save(name, figures)
    return figures


def run_alone(name: str, measure: Measurement) -> None:
    """Be a program of one measurement."""
    options = argparse.ArgumentParser(
        description=f"Measure {name}; the figures go to bench/results/{name}.json."
    )
    options.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    print(json.dumps(run(name, measure, quick=options.parse_args().quick), indent=1))
