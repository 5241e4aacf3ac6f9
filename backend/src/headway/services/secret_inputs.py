"""Inputs that are secrets: what is shown in their place, and what becomes of a mask that comes back. Pure.

A type hint `SecretStr` is `writeOnly` in the JSON Schema; that is all that is known here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from headway.domain.masking import HIDDEN, Masks
from headway.errors import InvalidInput
from headway.services.inputs import field_name

_Path = tuple[str | int, ...]
_Schema = Mapping[str, Any]


def shown_input(schema: _Schema, input: dict[str, Any], masks: Masks) -> dict[str, Any]:
    """The input as anybody may see it: `HIDDEN` for each value that is declared a secret, or looks like one.

    Such a text is hidden whole: of a part nobody could say on its way back what had stood there.
    """
    declared = set(_secret_paths([schema], input, schema, ()))
    shown: dict[str, Any] = _replaced(
        input, (), lambda path, value: HIDDEN if path in declared or _is_masked(value, masks) else value
    )
    return shown


def check_no_mask(input: dict[str, Any]) -> None:
    """Refuse `HIDDEN` as a value.

    Raises:
        InvalidInput: Naming each field.
    """
    paths: list[_Path] = []
    _replaced(input, (), lambda path, value: paths.append(path) if value == HIDDEN else None)
    message = "is what is shown in place of a secret: write its value"
    faults = [{"field": field_name(path), "message": message} for path in paths]
    if faults:
        named = ", ".join(fault["field"] for fault in faults)
        raise InvalidInput(f"a secret cannot be taken over as it is shown: {named}", errors=faults)


def restored_input(given: dict[str, Any], shown: Any, real: Any) -> dict[str, Any]:
    """What was given, with the former value where `HIDDEN` came back at its place.

    Elsewhere it stays, and `check_no_mask` refuses it: of a list that is longer or shorter than before nobody
    can say which item is which.

    Args:
        given: Made from `shown` by a person or a program.
        shown: The former input as it is shown.
        real: The same as it is.
    """
    restored: dict[str, Any] = _restored(given, shown, real)
    return restored


def hidden_values(shown: Any, real: Any) -> list[str]:
    """The secrets of an input that is shown as `shown`."""
    found: list[str] = []

    def look(path: _Path, value: Any) -> None:
        if value == HIDDEN:
            secret = real
            for step in path:
                secret = secret[step]
            found.append(str(secret))

    _replaced(shown, (), look)
    return found


def _is_masked(value: Any, masks: Masks) -> bool:
    return isinstance(value, str) and masks.text(value) is not value


def _replaced(value: Any, path: _Path, replace: Callable[[_Path, Any], Any]) -> Any:
    """A copy with each part that holds no others replaced."""
    if isinstance(value, dict):
        return {key: _replaced(item, (*path, key), replace) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, (*path, index), replace) for index, item in enumerate(value)]
    return replace(path, value)


def _restored(given: Any, shown: Any, real: Any) -> Any:
    if isinstance(given, dict) and isinstance(shown, dict):
        return {key: _restored(item, shown.get(key), real.get(key)) for key, item in given.items()}
    if isinstance(given, list) and isinstance(shown, list) and len(given) == len(shown):
        return [_restored(*each) for each in zip(given, shown, real, strict=True)]
    return real if given == shown == HIDDEN else given


def _secret_paths(schemas: list[_Schema], value: Any, root: _Schema, path: _Path) -> Iterator[_Path]:
    nodes = list(_nodes(schemas, root, set()))
    if isinstance(value, str) and any(node.get("writeOnly") is True for node in nodes):
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _secret_paths(list(_member(nodes, key)), item, root, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _secret_paths(list(_item(nodes, index)), item, root, (*path, index))


def _nodes(schemas: Iterable[Any], root: _Schema, seen: set[int]) -> Iterator[_Schema]:
    """All that may hold of a value: behind references, in every branch."""
    for schema in schemas:
        if not isinstance(schema, Mapping) or id(schema) in seen:
            continue
        seen.add(id(schema))
        yield schema
        for keyword in ("anyOf", "oneOf", "allOf"):
            yield from _nodes(schema.get(keyword, ()), root, seen)
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/$defs/"):
            yield from _nodes([root.get("$defs", {}).get(reference.removeprefix("#/$defs/"))], root, seen)


def _member(nodes: Iterable[_Schema], key: str) -> Iterator[Any]:
    for node in nodes:
        properties = node.get("properties", {})
        if key in properties:
            yield properties[key]
        else:
            yield from node.get("patternProperties", {}).values()
            yield node.get("additionalProperties")


def _item(nodes: Iterable[_Schema], index: int) -> Iterator[Any]:
    for node in nodes:
        first = node.get("prefixItems", ())
        yield first[index] if index < len(first) else node.get("items")
