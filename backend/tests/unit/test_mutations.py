"""The table of mutations fits the sources, and the quick ones are noticed; `make mutations` tries all."""

from collections.abc import Iterator

import pytest
from scripts.mutations.mutation import Mutation, Outdated
from scripts.mutations.table import MUTATIONS
from scripts.mutations.workbench import Workbench, workbench
from scripts.node import ROOT

QUICK = [mutation for mutation in MUTATIONS if mutation.is_quick]


@pytest.fixture(name="bench", scope="module")
def _bench() -> Iterator[Workbench]:
    with workbench() as bench:
        yield bench


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.name)
def test_what_is_taken_away_stands_in_the_source_once(mutation: Mutation) -> None:
    mutation.check(ROOT)

    assert mutation.tests


@pytest.mark.parametrize("mutation", QUICK, ids=lambda each: each.name)
def test_a_check_that_is_taken_away_is_missed(mutation: Mutation, bench: Workbench) -> None:
    assert bench.survives(mutation) == []


def test_a_mutation_that_no_named_test_notices_is_told(bench: Workbench) -> None:
    elsewhere = "tests/unit/test_position.py"
    idle = Mutation(
        name="idle",
        file="backend/src/headway/errors.py",
        old='code = "position_lost"',
        new='code = "lost"',
        tests=(elsewhere,),
    )

    assert bench.survives(idle) == [elsewhere]


@pytest.mark.parametrize("old", ["no such line", "import "])
def test_a_line_that_is_gone_or_not_alone_is_told(old: str) -> None:
    with pytest.raises(Outdated, match="not once"):
        Mutation(name="old", file="backend/src/headway/errors.py", old=old, new="", tests=()).check(ROOT)
