"""Whether a viewer may go on from its cursor."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripts.rich_vectors import EPOCH, LogEnd, resume_vectors

from headway.domain.position import Cursor
from headway.protocol.resume import Reset, Resumed, SnapshotNeeded, agrees_with, decide

EXPECTED = {
    "no cursor": ("snapshot", None),
    "in the middle": ("resumed", None),
    "at the head": ("resumed", None),
    "at the head of a closed log": ("resumed", None),
    "before the first event": ("resumed", None),
    "another epoch": ("reset", "epoch"),
    "another epoch, and ahead": ("reset", "epoch"),
    "ahead of the log": ("reset", "ahead"),
    "trimmed away": ("reset", "trimmed"),
    "at the edge of what was trimmed": ("resumed", None),
    "another history": ("reset", "fork"),
    "another history at the head": ("reset", "fork"),
    "a tag that nobody can recompute": ("reset", "fork"),
    "far behind, all wanted": ("resumed", None),
    "far behind, state wanted": ("snapshot", None),
    "as far behind as allowed": ("resumed", None),
    "one event further": ("snapshot", None),
    "far behind in another history": ("reset", "fork"),
}


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in resume_vectors()])
def test_the_decision_table(vector: dict[str, Any]) -> None:
    """The table as written by hand here; the vectors for TypeScript are generated, so they are held to it."""
    assert (vector["result"], vector["why"]) == EXPECTED[vector["name"]]


def test_every_row_has_its_expectation() -> None:
    assert {vector["name"] for vector in resume_vectors()} == set(EXPECTED)


@given(
    seq=st.integers(0, 60),
    tag=st.integers(0, 3),
    own=st.one_of(st.none(), st.integers(0, 3)),
    epoch=st.sampled_from([EPOCH, "00000000"]),
    trimmed=st.integers(0, 40),
    mode=st.sampled_from(["full", "state"]),
)
def test_nothing_resumes_without_proof(
    seq: int, tag: int, own: int | None, epoch: str, trimmed: int, mode: Any
) -> None:
    """D4: same epoch, within the log, not trimmed, same tag; else a reset, or a snapshot."""
    head = LogEnd(trimmed_upto=trimmed)
    proven = epoch == EPOCH and trimmed <= seq <= head.last_seq and tag == own

    decision = decide(Cursor(epoch, seq, tag), head, tag=own, mode=mode, max_distance=30)

    if not proven:
        assert isinstance(decision, Reset)
    elif mode == "state" and head.last_seq - seq > 30:
        assert decision == SnapshotNeeded()
    else:
        assert decision == Resumed()


@pytest.mark.parametrize(
    ("cursor", "agrees"),
    [
        (Cursor(EPOCH, 40, 0xAA), True),
        (Cursor(EPOCH, 39, 0x01), True),
        (Cursor(EPOCH, 40, 0xAB), False),
        (Cursor(EPOCH, 41, 0xAA), False),
        (Cursor("00000000", 3, 0xAA), False),
    ],
)
def test_a_head_may_contradict_a_viewer(cursor: Cursor, agrees: bool) -> None:
    assert agrees_with(cursor, LogEnd()) is agrees
