"""Ids sort by time and cannot be confused with each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.domain.identifiers import execution_id, is_execution_id, is_workflow_id
from headway.services.execution_ids import ExecutionIds

MILLISECONDS = st.integers(0, 2**48 - 1)
ENTROPY = st.integers(0, 2**80 - 1)


@given(MILLISECONDS, ENTROPY)
def test_an_execution_id_has_the_reserved_shape(unix_ms: int, entropy: int) -> None:
    made = execution_id(unix_ms, entropy)
    assert is_execution_id(made)
    assert not is_workflow_id(made)


@given(MILLISECONDS, ENTROPY, MILLISECONDS, ENTROPY)
def test_execution_ids_sort_by_time_then_entropy(ms: int, entropy: int, ms2: int, entropy2: int) -> None:
    one, two = execution_id(ms, entropy), execution_id(ms2, entropy2)
    assert (one < two) == ((ms, entropy) < (ms2, entropy2))


@given(MILLISECONDS, st.lists(ENTROPY, min_size=2, max_size=9))
def test_ids_of_one_millisecond_sort_in_the_order_they_were_asked_for(ms: int, entropies: list[int]) -> None:
    """Until the random part is used up, which a first one below 2^79 is far from."""
    ids = ExecutionIds()
    made = [ids.next(ms, entropy >> 1) for entropy in entropies]

    assert made == sorted(set(made))
    assert made[0] == execution_id(ms, entropies[0] >> 1)
    assert ids.next(ms + 1, 5) == execution_id(ms + 1, 5)


def test_the_time_is_encoded_as_in_a_ulid() -> None:
    assert execution_id(1_469_918_176_385, 0) == "01ARYZ6S41" + "0" * 16
    assert execution_id(0, 2**80 - 1) == "0" * 10 + "Z" * 16


@pytest.mark.parametrize(
    "text", ["", "a" * 26, "01ARYZ6S41", "81ARYZ6S41" + "0" * 16, "01aryz6s41" + "0" * 16]
)
def test_what_is_no_execution_id(text: str) -> None:
    assert not is_execution_id(text)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("audit", True),
        ("_audit.v2-b", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("", False),
        ("2audit", False),
        ("-audit", False),
        ("audit/../x", False),
        ("audit\n", False),
        ("prüfung", False),
    ],
)
def test_workflow_ids_are_plain_names(text: str, is_one: bool) -> None:
    assert is_workflow_id(text) is is_one
