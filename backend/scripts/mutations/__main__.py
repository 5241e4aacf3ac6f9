"""`make mutations`: try them all, or those whose names hold the given text; 1 if one survives."""

import sys
import time

from scripts.mutations.mutation import Mutation, Outdated
from scripts.mutations.table import MUTATIONS
from scripts.mutations.workbench import Workbench, workbench


def main(wanted: str) -> int:
    """Say of each mutation whether its tests notice it."""
    mutations = [each for each in MUTATIONS if wanted in each.name]
    with workbench() as bench:
        tests = sorted({test for each in mutations for test in each.tests})
        if failed := bench.failures(tests):
            say("fails without any mutation:", *failed)
            return 1
        survivors = [each.name for each in mutations if not is_noticed(bench, each)]
    say(f"{len(mutations) - len(survivors)} of {len(mutations)} are noticed")
    return 1 if survivors else 0


def is_noticed(bench: Workbench, mutation: Mutation) -> bool:
    began = time.monotonic()
    try:
        passed = bench.survives(mutation)
    except Outdated as error:
        say(f"OUTDATED  {error}")
        return False
    took = f"{time.monotonic() - began:.1f} s"
    if not passed:
        say(f"noticed   {mutation.name} ({took})")
        return True
    say(f"SURVIVED  {mutation.name} ({took}); these tests pass nevertheless:", *passed)
    return False


def say(what: str, *more: str) -> None:
    sys.stdout.write("\n    ".join((what, *more)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:])))
