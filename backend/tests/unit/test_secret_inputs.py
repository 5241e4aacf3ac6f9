"""What is shown of an input with secrets, and what comes of it when it comes back."""

from typing import Any

import pytest
from pydantic import BaseModel, SecretBytes, SecretStr

from headway import workflow
from headway.domain.masking import HIDDEN, Masks
from headway.errors import InvalidInput
from headway.services.secret_inputs import check_no_mask, hidden_values, restored_input, shown_input

TOKEN = "ghp_" + "a1B2" * 9


class Login(BaseModel):
    user: str
    password: SecretStr


class Tree(BaseModel):
    key: SecretStr | None = None
    branches: "list[Tree]" = []


@workflow
def flow(
    token: SecretStr,
    raw: SecretBytes | None,
    login: Login | str,
    by_host: dict[str, Login],
    pair: tuple[int, SecretStr],
    tree: Tree,
    note: str,
) -> None: ...


INPUT: dict[str, Any] = {
    "token": "t-0001",
    "raw": "r-0001",
    "login": {"user": "ada", "password": "p-0001"},
    "by_host": {"a.example": {"user": "bo", "password": "p-0002"}},
    "pair": [1, "q-0001"],
    "tree": {"key": "k-0001", "branches": [{"key": "k-0002", "branches": [{"key": None}]}]},
    "note": "plain",
}
SHOWN: dict[str, Any] = {
    "token": HIDDEN,
    "raw": HIDDEN,
    "login": {"user": "ada", "password": HIDDEN},
    "by_host": {"a.example": {"user": "bo", "password": HIDDEN}},
    "pair": [1, HIDDEN],
    "tree": {"key": HIDDEN, "branches": [{"key": HIDDEN, "branches": [{"key": None}]}]},
    "note": "plain",
}


def shown(input: dict[str, Any]) -> dict[str, Any]:
    return shown_input(flow.definition.input_schema, input, Masks())


def test_each_declared_secret_is_hidden_wherever_it_stands() -> None:
    assert shown(INPUT) == SHOWN
    assert hidden_values(SHOWN, INPUT) == [
        *("t-0001", "r-0001", "p-0001", "p-0002", "q-0001", "k-0001", "k-0002")
    ]


def test_the_other_branch_of_a_union_and_nothing_stay() -> None:
    assert shown({"login": "ada", "raw": None}) == {"login": "ada", "raw": None}


def test_a_text_that_looks_like_a_token_is_hidden_whole() -> None:
    assert shown({"note": f"use {TOKEN}"}) == {"note": HIDDEN}


def test_what_comes_back_as_it_was_shown_is_what_it_was() -> None:
    assert restored_input(SHOWN, SHOWN, INPUT) == INPUT
    changed = SHOWN | {"token": "new", "note": "other"}
    assert restored_input(changed, SHOWN, INPUT) == INPUT | {"token": "new", "note": "other"}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"note": HIDDEN}, "note"),  # at another place
        ({"pair": [1, 2, HIDDEN]}, "pair[2]"),  # nobody can say which item this was
        ({"by_host": {"b.example": {"password": HIDDEN}}}, "by_host.b.example.password"),
    ],
)
def test_a_mask_at_another_place_stands_for_nothing_and_is_refused(given: dict[str, Any], field: str) -> None:
    restored = restored_input(given, SHOWN, INPUT)

    with pytest.raises(InvalidInput) as refused:
        check_no_mask(restored)

    assert [fault["field"] for fault in refused.value.fields["errors"]] == [field]


def test_a_schema_that_refers_to_itself_ends() -> None:
    schema = {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"writeOnly": True}]}}, "$ref": "#/$defs/a"}

    assert shown_input({"properties": {"x": {"$ref": "#/$defs/a"}}, **schema}, {"x": "y-0001"}, Masks()) == {
        "x": HIDDEN
    }
