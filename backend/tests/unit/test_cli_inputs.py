"""How `--input key=value` and `--json` become a workflow's input."""

import io
from pathlib import Path

import pytest

from headway.cli.inputs import read_input, read_value
from headway.errors import InvalidSetting

SCHEMA = {
    "type": "object",
    "properties": {
        "month": {"type": "string"},
        "top": {"type": "integer"},
        "ratio": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "mode": {"$ref": "#/$defs/Mode"},
    },
    "$defs": {"Mode": {"enum": ["fast", "1"], "type": "string"}},
}


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("10", {"type": "integer"}, 10),
        ("10", {"type": "string"}, "10"),
        ("true", {"type": "boolean"}, True),
        ("true", {"type": "string"}, "true"),
        ("3", {"type": "number"}, 3),
        ("null", {"anyOf": [{"type": "integer"}, {"type": "null"}]}, None),
        ('["a", "b"]', {"type": "array"}, ["a", "b"]),
        ('{"a": 1}', {"type": "object"}, {"a": 1}),
        ("May", {"type": "string"}, "May"),
        ("May", {"type": "integer"}, "May"),
        ("7", {}, 7),
        ("seven", {}, "seven"),
        ("1", {"enum": ["1", "2"]}, "1"),
    ],
)
def test_a_value_is_json_where_the_schema_takes_that_and_else_text(
    text: str, schema: dict[str, object], value: object
) -> None:
    assert read_value(text, schema) == value


def test_pairs_are_read_by_their_property_and_replace_the_json_file(tmp_path: Path) -> None:
    file = tmp_path / "input.json"
    file.write_text('{"month": "April", "top": 3}')
    given = ["month=May", "ratio=0.5", "mode=1", "note=a=b"]
    assert read_input(given, str(file), SCHEMA) == {
        "month": "May",
        "top": 3,
        "ratio": 0.5,
        "mode": "1",
        "note": "a=b",
    }


def test_a_value_can_be_the_text_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "month.txt"
    file.write_text("May")
    assert read_input([f"month=@{file}", "note=@@me"], None, SCHEMA) == {"month": "May", "note": "@me"}


def test_an_argument_is_utf8_in_a_locale_that_is_not() -> None:
    """Under `LC_ALL=C` Python keeps each byte that it cannot read as half of a surrogate pair."""
    argument = "näme=é".encode().decode("ascii", "surrogateescape")
    assert read_input([argument], None, {}) == {"näme": "é"}


def test_bytes_that_are_no_utf8_are_refused_with_their_pair() -> None:
    with pytest.raises(InvalidSetting, match=r"--input note=.* is no UTF-8 text"):
        read_input([b"note=\xff\xfe".decode("utf-8", "surrogateescape")], None, {})


def test_standard_input_can_hold_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"top": 1}'))
    assert read_input([], "-", SCHEMA) == {"top": 1}


@pytest.mark.parametrize(
    ("pairs", "source", "named"),
    [
        (["month"], None, "'month'"),
        (["=May"], None, "'=May'"),
        (["month=@/no/such/file"], None, "/no/such/file"),
        ([], "/no/such.json", "/no/such.json"),
    ],
)
def test_what_cannot_be_read_is_named(pairs: list[str], source: str | None, named: str) -> None:
    with pytest.raises(InvalidSetting, match=named):
        read_input(pairs, source, SCHEMA)


def test_json_that_is_no_object_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "input.json"
    file.write_text("[1]")
    with pytest.raises(InvalidSetting, match="object"):
        read_input([], str(file), SCHEMA)
