"""What users return becomes JSON or is honestly left out; calls are recognised across processes."""

import dataclasses
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from headway.errors import ResultTooLarge
from headway.services.values import (
    MAX_PREVIEW_BYTES,
    MAX_RESULT_BYTES,
    digest,
    encode_output,
    encode_result,
    preview,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
ANYTHING = st.recursive(
    st.none()
    | st.floats()
    | st.integers()
    | st.binary()
    | st.text(st.characters(codec=None))
    | st.just(object())
    | st.complex_numbers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.one_of(st.text(), st.integers()), inner, max_size=3)
    ),
    max_leaves=8,
)


@dataclasses.dataclass
class Page:
    url: str
    size: int


def decoded(value: object) -> Any:
    encoded = encode_result(value)
    assert encoded is not None
    return json.loads(bytes(encoded))


@given(JSON)
def test_json_values_come_back_as_they_were(value: object) -> None:
    assert decoded(value) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Page("/a", 3), {"url": "/a", "size": 3}),
        (datetime(2026, 11, 22, 21, 30, tzinfo=UTC), "2026-11-22T21:30:00Z"),
        (Path("/srv"), "/srv"),
        ((1, 2), [1, 2]),
        (float("nan"), None),
        ({"x": float("inf")}, {"x": None}),
        ("lone \ud800 surrogate", "lone ? surrogate"),
        ({"\udcff": ["\udcff"]}, {"?": ["?"]}),
    ],
)
def test_what_has_a_json_form_gets_it(value: object, expected: object) -> None:
    assert decoded(value) == expected


def a_cycle() -> list[object]:
    cycle: list[object] = []
    cycle.append(cycle)
    return cycle


@pytest.mark.parametrize("value", [object(), iter([1]), (n for n in [1]), open, a_cycle(), b"\xff"])
def test_what_has_none_is_not_recorded(value: object) -> None:
    assert encode_result(value) is None


def test_a_generator_is_left_unread() -> None:
    generator = (n for n in [1, 2])
    encode_result(generator)
    assert list(generator) == [1, 2]


@pytest.mark.parametrize("encode", [encode_result, encode_output])
def test_a_result_above_the_limit_says_what_to_do(encode: Any) -> None:
    assert encode("x" * (MAX_RESULT_BYTES - 2)) is not None
    with pytest.raises(ResultTooLarge, match="write it to a file"):
        encode("x" * (MAX_RESULT_BYTES - 1))


@given(ANYTHING)
def test_an_output_always_has_a_form(value: object) -> None:
    json.loads(bytes(encode_output(value)))


def test_an_output_shows_what_has_no_json_form_as_text() -> None:
    assert json.loads(bytes(encode_output({"file": object}))) == {"file": "<class 'object'>"}


@given(ANYTHING, ANYTHING)
def test_a_digest_never_fails(first: object, second: object) -> None:
    assert len(digest("", "fetch", ((first,), {"x": second}))) == 16


@given(st.sets(st.text(max_size=5), max_size=5), st.dictionaries(st.text(), st.integers(), max_size=5))
def test_order_without_meaning_does_not_count(names: set[str], sizes: dict[str, int]) -> None:
    backwards = dict(reversed(sizes.items()))
    assert digest("", "fetch", (names, sizes)) == digest(
        "", "fetch", (frozenset(sorted(names, reverse=True)), backwards)
    )


def test_place_name_and_arguments_count() -> None:
    calls = [
        ("", "fetch", ((1,), {})),
        ("/0", "fetch", ((1,), {})),
        ("", "load", ((1,), {})),
        ("", "fetch", ((2,), {})),
    ]
    assert len({digest(*call) for call in calls}) == 4


def test_the_digest_is_the_same_in_another_process() -> None:
    """Strings hash differently in each process; objects have other addresses."""
    code = (
        "from headway.services.values import digest; "
        "print(digest('/0', 'fetch', (({'a', 'b', 'c', 'd', 1}, object(), {1: 'x'}), {'k': 2.5})))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


def test_recognising_a_call_leaves_its_iterators_unread() -> None:
    numbers = (number for number in range(3))
    digest("", "load", ((numbers, [numbers]), {}))
    assert list(numbers) == [0, 1, 2]


def load(path: str, rows: object = None, *more: object) -> None:
    """Called by nobody: what is shown are its parameters."""


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("not even a name")


def test_arguments_are_shown_by_their_names() -> None:
    assert preview(load, ("a.csv",), {"rows": [1, None]}) == '{"path":"a.csv","rows":[1,null]}'
    assert preview(load, ("a.csv", 1, 2), {}) == '{"path":"a.csv","rows":1,"more":[2]}'
    assert preview(load, (), {}) is None
    assert preview(load, (), {"size": 3}) == '{"size":3}', "a call that does not fit"
    assert preview(load, ("a", 1), {"path": 2}) == '{"argument 1":"a","argument 2":1,"path":2}'


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Page("/a", 3), {"url": "/a", "size": 3}),
        (float("nan"), None),
        (datetime(2026, 11, 22, tzinfo=UTC), "2026-11-22T00:00:00Z"),
        (SecretStr("hunter2"), "**********"),
        (Hostile(), "<Hostile>"),
        ([Hostile()], ["<Hostile>"]),
    ],
)
def test_arguments_without_a_json_form_are_shown_as_text(value: object, shown: object) -> None:
    assert json.loads(preview(load, (value,), {}) or "") == {"path": shown}


def test_showing_arguments_reads_no_iterator() -> None:
    numbers = (number for number in range(3))
    assert "generator" in (preview(load, (numbers, [numbers]), {}) or "")
    assert list(numbers) == [0, 1, 2]


def test_a_long_preview_is_cut_where_everybody_sees_it() -> None:
    shown = preview(load, ("ü " * 5_000,), {}) or ""
    assert shown.startswith('{"path":"ü ü ')
    assert shown.endswith("ü …")
    assert MAX_PREVIEW_BYTES - 5 <= len(shown.encode()) <= MAX_PREVIEW_BYTES


@pytest.mark.parametrize("padding", range(990, 1_030))
def test_no_word_is_cut_as_the_beginning_of_a_secret_is_not_known_as_one(padding: int) -> None:
    shown = preview(load, ("x" * (padding - 20) + " ghp_secretsecretsecret",), {}) or ""
    assert ("ghp_" in shown) == ("ghp_secretsecretsecret" in shown)


@given(ANYTHING)
def test_any_argument_can_be_shown(value: object) -> None:
    shown = preview(load, (value,), {"rows": value})
    assert shown is not None
    assert len(shown.encode()) <= MAX_PREVIEW_BYTES


def test_an_argument_within_itself_can_be_shown() -> None:
    cycle: list[object] = []
    cycle.append(cycle)
    assert "[...]" in (preview(load, (cycle,), {}) or "")
