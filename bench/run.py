"""`make bench`: measure everything, or some of it, and write the table.

Takes about 20 minutes (`--quick`: about 6) on two cores, which should do nothing else meanwhile.
"""

import argparse

import emit
import fanout
import joining
import selfcheck
import stalled
import steps
import table
import viewers
import watched
from results import Measurement, run

MEASUREMENTS: dict[str, Measurement] = {
    "emit": emit.measure,
    "steps": steps.measure,
    "watched": watched.measure,
    "fanout": fanout.measure,
    "stalled": stalled.measure,
    "joining": joining.measure,
}


def main() -> None:
    """Run what was asked for, one after the other."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    options.add_argument("--only", metavar="NAMES", help=f"some of: {','.join(MEASUREMENTS)}")
    options.add_argument(
        "--table", action="store_true", help="measure nothing: write docs/benchmarks.md from what is kept"
    )
    given = options.parse_args()
    names = given.only.split(",") if given.only else [] if given.table else list(MEASUREMENTS)
    unknown = [name for name in names if name not in MEASUREMENTS]
    if unknown:
        options.error(f"there is no measurement {unknown[0]!r}; choose from {', '.join(MEASUREMENTS)}")
    viewers.build()
    selfcheck.check()
    for name in names:
        print(f"measuring {name} …", flush=True)
        run(name, MEASUREMENTS[name], quick=given.quick)
    print(f"figures: {table.write()}")


if __name__ == "__main__":
    main()
