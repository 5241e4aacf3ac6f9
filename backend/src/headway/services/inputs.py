"""Whether an input fits a workflow's JSON Schema, told field by field; runs no user code."""

from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from referencing import Registry

from headway.domain.workflow import WorkflowDefinition
from headway.errors import InvalidInput

MAX_ERRORS = 50
_NO_REMOTE_SCHEMAS: Registry[Any] = Registry()  # a `$ref` may not make the server fetch an address


def check_input(definition: WorkflowDefinition, input: dict[str, Any]) -> None:
    """Validate against what the type hints said.

    Raises:
        InvalidInput: With each field at fault as `a.b[0]`.
    """
    check_values(definition.input_schema, input, f"the input of {definition.workflow_id}")


def check_values(schema: dict[str, Any], values: Any, what: str) -> None:
    """Validate any values; `what` names them in the message. Raises as `check_input` does."""
    validator = Draft202012Validator(schema, registry=_NO_REMOTE_SCHEMAS)
    faults: dict[tuple[str, str], None] = {}
    for error in validator.iter_errors(values):
        faults.update(dict.fromkeys(_faults(error)))
        if len(faults) >= MAX_ERRORS:
            break
    if faults:
        errors = [{"field": field, "message": message} for field, message in sorted(faults)]
        named = ", ".join(dict.fromkeys(error["field"] or "input" for error in errors))
        raise InvalidInput(f"{what} does not fit: {named}", errors=errors)


def check_finite(values: Any, what: str, within: tuple[str | int, ...] = ()) -> None:
    """Refuse numbers that JSON cannot say, which would be stored as `null`.

    Args:
        values: As a parser of JSON that takes `NaN` and `1e400` gives them.
        what: Names them in the message.
        within: Path to them.

    Raises:
        InvalidInput: Naming the first one.
    """
    waiting: list[tuple[tuple[str | int, ...], Any]] = [(within, values)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [((*path, str(key)), each) for key, each in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, index), each) for index, each in enumerate(value)]
        elif isinstance(value, float) and not isfinite(value):
            fault = {"field": field_name(path), "message": f"{value} is no number that JSON can say"}
            raise InvalidInput(f"{what} cannot be written as JSON", errors=[fault])


def not_json(values: Any, what: str, cause: Exception) -> InvalidInput:
    """The refusal of values that JSON cannot hold, naming each text that is none; `what` names the whole."""
    named = list(dict.fromkeys(field_name(path) for path in _lone_surrogates(values, ())))[:MAX_ERRORS]
    faults = [{"field": field, "message": "holds half of a surrogate pair: no text"} for field in named]
    if not faults:
        faults = [{"field": "", "message": f"is not JSON: {cause}"}]
    return InvalidInput(f"{what} cannot be written as JSON", errors=faults)


def field_name(path: Iterable[str | int]) -> str:
    """Write a path into the input as `a.b[0]`."""
    name = ""
    for part in path:
        if isinstance(part, int):
            name += f"[{part}]"
        else:
            name += f".{part}" if name else part
    return name


def _lone_surrogates(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    """Where text stands that UTF-8 cannot write, keys included; the paths themselves can be written."""
    if isinstance(value, str):
        if not _is_text(value):
            yield path
    elif isinstance(value, Mapping):
        for key, item in value.items():
            name = str(key)
            if _is_text(name):
                yield from _lone_surrogates(item, (*path, name))
            else:
                yield (*path, name.encode("utf-8", "replace").decode())
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _lone_surrogates(item, (*path, index))


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _faults(error: ValidationError) -> Iterator[tuple[str, str]]:
    """One (field, message) for each field that the error is about."""
    path = list(error.absolute_path)
    rule: Any = error.validator_value
    instance: Any = error.instance
    schema: Any = error.schema
    if error.validator == "required":
        missing = [name for name in rule if name not in instance]
        yield from ((field_name([*path, name]), "is required") for name in missing)
    elif error.validator == "additionalProperties" and rule is False:
        unknown = [name for name in instance if name not in schema.get("properties", {})]
        yield from ((field_name([*path, name]), "is not a field of this input") for name in unknown)
    elif error.validator in ("anyOf", "oneOf") and error.context:
        likely = best_match(error.context)
        yield from _faults(likely if likely is not None else error)
    else:
        yield field_name(path), _shortened(error.message)


def _shortened(message: str) -> str:
    return message if len(message) <= 300 else f"{message[:297]}..."
