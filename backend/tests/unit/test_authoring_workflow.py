"""`@workflow`: what a function's hints, docstring and plan become."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

import jsonschema
import pytest
from pydantic import BaseModel, Field

from headway import step, workflow
from headway.domain.events import PlannedStep
from headway.errors import DefinitionError, InvalidInput


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Item(BaseModel):
    sku: str
    amounts: list[int] = []


@dataclass
class Window:
    start: date
    days: int = 7


@workflow(id="every.type", title="Every type")
async def every_type(
    text: str,
    count: Annotated[int, Field(description="How many", ge=1, title="Number of them")],
    path: Path,
    day: date,
    window: Window,
    items: list[Item],
    colour: Colour = Colour.RED,
    mode: Literal["fast", "slow"] = "fast",
    ratio: float = 0.5,
    note: Optional[str] = None,  # noqa: UP045 - the old form must work too
    tags: dict[str, list[int]] | None = None,
    copy: bool = False,
) -> dict[str, object]:
    """Take everything.

    Second paragraph.

    Args:
        text: Any text,
            over two lines.
        ratio (float): Of what.

    Returns:
        All of it.
    """
    return {"text": text, "copy": copy}


def test_schema_is_a_valid_2020_12_schema_with_titles_defaults_and_descriptions() -> None:
    definition = every_type.definition
    schema = definition.input_schema
    jsonschema.Draft202012Validator.check_schema(schema)
    properties = schema["properties"]
    assert schema["title"] == definition.title == "Every type"
    assert definition.description == "Take everything.\n\nSecond paragraph."
    assert schema["required"] == ["text", "count", "path", "day", "window", "items"]
    assert properties["text"]["description"] == "Any text, over two lines."
    assert properties["ratio"]["description"] == "Of what."
    assert properties["count"] == {
        "description": "How many",
        "minimum": 1,
        "title": "Number of them",
        "type": "integer",
    }
    assert properties["mode"]["enum"] == ["fast", "slow"]
    assert properties["mode"]["default"] == "fast"
    assert properties["colour"]["default"] == "red"
    assert properties["path"]["format"] == "path"
    assert properties["day"]["format"] == "date"
    assert properties["copy"]["title"] == "Copy"
    assert schema["$defs"]["Colour"]["enum"] == ["red", "blue"]
    assert schema["additionalProperties"] is False


def test_arguments_become_what_the_hints_say_and_defaults_apply() -> None:
    given = {
        "text": "x",
        "count": 2,
        "path": "a/b",
        "day": "2026-11-22",
        "window": {"start": "2026-01-01"},
        "items": [{"sku": "s", "amounts": [1]}],
        "colour": "blue",
    }
    arguments = every_type.arguments(given)
    assert arguments["path"] == Path("a/b")
    assert arguments["day"] == date(2026, 11, 22)
    assert arguments["window"] == Window(date(2026, 1, 1), 7)
    assert arguments["items"] == [Item(sku="s", amounts=[1])]
    assert arguments["colour"] is Colour.BLUE
    assert arguments["note"] is None
    assert arguments["copy"] is False


def test_every_wrong_field_is_named_by_its_path() -> None:
    wrong = {
        "text": "x",
        "count": 0,
        "path": "p",
        "day": "no day",
        "window": {},
        "items": [{"sku": "s"}, {"sku": "s", "amounts": [1, "x"]}],
        "tags": {"a b": ["x"]},
        "unknown": 1,
    }
    with pytest.raises(InvalidInput) as caught:
        every_type.arguments(wrong)
    fields = {error["field"] for error in caught.value.errors}
    assert fields == {"count", "day", "window.start", "items[1].amounts[1]", "tags.a b[0]", "unknown"}
    assert all(error["message"] for error in caught.value.errors)
    assert "every.type" in caught.value.message


def test_missing_fields_are_named() -> None:
    @workflow
    def needs(a: int, b: int | str) -> None: ...

    with pytest.raises(InvalidInput) as caught:
        needs.arguments({"b": []})
    assert {error["field"] for error in caught.value.errors} == {"a", "b"}


def test_a_field_named_in_a_union_is_named_without_the_branch() -> None:
    @workflow
    def union(value: list[int] | dict[str, int]) -> None: ...

    with pytest.raises(InvalidInput) as caught:
        union.arguments({"value": {"x": "no"}})
    assert {error["field"] for error in caught.value.errors} == {"value", "value.x"}


def test_a_default_that_json_cannot_show_still_applies() -> None:
    marker = object()

    @workflow
    def odd(value: Any = marker) -> None: ...

    assert "default" not in odd.definition.input_schema["properties"]["value"]
    assert odd.arguments({})["value"] is marker


def test_untyped_parameters_take_any_json() -> None:
    @workflow
    def untyped(a, b=3):  # type: ignore[no-untyped-def]
        return a, b

    assert untyped.arguments({"a": {"x": [1]}}) == {"a": {"x": [1]}, "b": 3}


def test_id_and_title_come_from_the_name() -> None:
    @workflow
    def nightly_import() -> int:
        return 3

    definition = nightly_import.definition
    assert (definition.workflow_id, definition.title) == ("nightly_import", "Nightly import")
    assert definition.source == str(Path(__file__).absolute())
    assert len(definition.code_hash) == 64
    assert not nightly_import.is_async
    assert every_type.is_async


async def test_outside_headway_a_workflow_is_its_function() -> None:
    @workflow
    def double(x: int) -> int:
        return 2 * x

    assert double(4) == 8
    assert double.__name__ == "double"
    called = every_type("x", 1, Path(), date.today(), Window(date.today()), [])  # noqa: DTZ011
    assert await called == {"text": "x", "copy": False}


class TestPlan:
    def test_a_list_is_a_chain_with_the_steps_weights(self) -> None:
        @step(weight=3.0)
        def second() -> None: ...

        @workflow(plan=["first", second, "third"])
        def chained() -> None: ...

        assert chained.definition.plan == [
            PlannedStep("first", [], 1.0),
            PlannedStep("second", ["first"], 3.0),
            PlannedStep("third", ["second"], 1.0),
        ]

    def test_a_dict_says_what_each_step_waits_for(self) -> None:
        @step(name="load all")
        def load() -> None: ...

        @workflow(plan={"a": [], "b": [], load: ["a", "b"]})
        def forked() -> None: ...

        assert forked.definition.plan[2] == PlannedStep("load all", ["a", "b"], 1.0)

    @pytest.mark.parametrize(
        ("plan", "says"),
        [
            (["a", "a"], "twice"),
            ({"a": ["b"]}, "add it"),
            ({"a": ["b"], "b": ["a"]}, "circle"),
            ({"a": "b"}, "needs a list"),
            ("ab", "plan=[...]"),
            ([print], "@step"),
        ],
    )
    def test_mistakes_say_the_fix(self, plan: Any, says: str) -> None:
        with pytest.raises(DefinitionError, match=says.replace("[...]", "")):

            @workflow(plan=plan)
            def broken() -> None: ...


class TestMistakes:
    def test_bad_id(self) -> None:
        with pytest.raises(DefinitionError, match="start with a letter"):
            workflow(id="no spaces")(lambda: None)

    def test_bare_lambda(self) -> None:
        with pytest.raises(DefinitionError, match="no workflow id"):
            workflow(lambda: None)

    def test_star_arguments(self) -> None:
        with pytest.raises(DefinitionError, match="write out each parameter"):

            @workflow
            def starred(*args: int) -> None: ...

    def test_positional_only(self) -> None:
        with pytest.raises(DefinitionError, match="remove the '/'"):

            @workflow
            def positional(a: int, /) -> None: ...

    def test_class_and_method(self) -> None:
        with pytest.raises(DefinitionError, match="goes on a function"):
            workflow(Item)
        with pytest.raises(DefinitionError, match="out of the class"):

            class Holder:
                @workflow
                def method(self) -> None: ...

    def test_generator(self) -> None:
        with pytest.raises(DefinitionError, match="track"):

            @workflow
            def yields():  # type: ignore[no-untyped-def]
                yield 1

    def test_timeout(self) -> None:
        with pytest.raises(DefinitionError, match="timeout_s=0"):

            @workflow(timeout_s=0)
            def never() -> None: ...

    def test_a_parameter_that_json_cannot_carry(self) -> None:
        class Connection: ...

        @workflow
        def connected(connection: Connection) -> None: ...

        with pytest.raises(DefinitionError, match=r"'connection'.*cannot come from JSON"):
            _ = connected.definition

    def test_a_hint_that_names_nothing(self) -> None:
        @workflow
        def hinted(a: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821

        with pytest.raises(DefinitionError, match="Nowhere"):
            hinted.arguments({"a": 1})
