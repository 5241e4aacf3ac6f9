"""Makes an input from `--input key=value` and `--json FILE`; knows the JSON Schema, not the code."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headway.errors import InvalidSetting


def read_input(
    pairs: Sequence[str], json_source: str | None, schema: Mapping[str, Any], *, option: str = "--input"
) -> dict[str, Any]:
    """The input object; a pair replaces what the JSON file says for its key.

    Args:
        pairs: `key=value` each; `key=@FILE` takes the file's text, `key=@@text` a value that begins with `@`.
        json_source: A file with a JSON object, or `-` for standard input.
        schema: The workflow's JSON Schema; it says how to read a value that could be text or JSON.
        option: What the pairs were given by, as messages name it.

    Raises:
        InvalidSetting: Naming the pair or file at fault.
    """
    values = _read_json(json_source) if json_source else {}
    properties = schema.get("properties", {})
    for given in pairs:
        pair = _as_text(given, option)
        key, separator, text = pair.partition("=")
        if not separator or not key:
            raise InvalidSetting(f"{option} {pair!r} is no pair; write it as {option} key=value")
        values[key] = read_value(_text_of(key, text), _resolve(properties.get(key, {}), schema))
    return values


def read_value(text: str, schema: Mapping[str, Any]) -> Any:
    """The text as the schema's type: JSON where that fits, else the text itself."""
    types = _types_of(schema)
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if not types or _type_name(value) in types or (isinstance(value, int) and "number" in types):
        return value
    return text if "string" in types else value


def _read_json(source: str) -> dict[str, Any]:
    name = "standard input" if source == "-" else source
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text("utf-8")
        found = json.loads(text)
    except (OSError, ValueError) as error:
        raise InvalidSetting(f"--json {name} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise InvalidSetting(f'--json {name} holds no JSON object; it must be like {{"key": "value"}}')
    return found


def _as_text(given: str, option: str) -> str:
    """The argument as UTF-8, whatever the locale; where that does not read it, Python kept its bytes."""
    if given.isascii() or not any("\udc80" <= letter <= "\udcff" for letter in given):
        return given
    try:
        return os.fsencode(given).decode("utf-8")
    except UnicodeError:
        shown = given.encode("utf-8", "replace").decode()
        raise InvalidSetting(
            f"{option} {shown} is no UTF-8 text; write other bytes to a file as UTF-8"
        ) from None


def _text_of(key: str, text: str) -> str:
    if text.startswith("@@") or not text.startswith("@"):
        return text.removeprefix("@") if text.startswith("@@") else text
    try:
        return Path(text[1:]).read_text("utf-8")
    except (OSError, ValueError) as error:
        raise InvalidSetting(f"--input {key}={text} cannot be read: {error}") from error


def _resolve(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference into the schema's own definitions."""
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    name = reference.rpartition("/")[2]
    found = root.get("$defs", {}).get(name, {})
    return found if isinstance(found, Mapping) else {}


def _types_of(schema: Mapping[str, Any]) -> set[str]:
    """JSON types the schema allows; empty where it does not say."""
    stated = schema.get("type", [])
    types = {stated} if isinstance(stated, str) else set(stated)
    for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        types |= _types_of(each)
    types |= {_type_name(value) for value in schema.get("enum", ())}
    if "const" in schema:
        types.add(_type_name(schema["const"]))
    return types


def _type_name(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"
