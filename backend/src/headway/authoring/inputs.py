"""A workflow's input: JSON Schema from the type hints, and validated arguments from JSON."""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticSerializationError, to_json
from typing_extensions import override

from headway.authoring.docstrings import Docstring
from headway.authoring.parameters import keyword_parameters
from headway.domain.masking import HIDDEN
from headway.errors import DefinitionError, InvalidInput

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FIXABLE = "parameters of a workflow come from JSON: use str, int, bool, list, dict, Path, date, a model …"


class _QuietSchema(GenerateJsonSchema):
    """A default that JSON cannot show, or that is a secret, is left out; it still applies."""

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012 - as in its base

    @override
    def encode_default(self, dft: Any) -> Any:
        encoded = super().encode_default(dft)
        if HIDDEN.encode() in to_json(encoded):
            raise PydanticSerializationError("a secret")
        return encoded


class InputModel:
    """The parameters of a workflow's function as one validated JSON object.

    Args:
        workflow_id: Named in messages.
        function: Its parameters must all be possible by keyword.

    Raises:
        DefinitionError: A parameter cannot come from JSON.
    """

    def __init__(self, workflow_id: str, function: Callable[..., Any]) -> None:
        self._workflow_id = workflow_id
        parameters = keyword_parameters(workflow_id, function)
        self._names = [parameter.name for parameter in parameters]
        self._model = _model(workflow_id, function, parameters)

    def schema(self, title: str) -> dict[str, Any]:
        """JSON Schema (2020-12) of the input object."""
        schema = self._model.model_json_schema(schema_generator=_QuietSchema)
        return {"$schema": DIALECT} | schema | {"title": title}

    def arguments(self, input: Mapping[str, Any]) -> dict[str, Any]:
        """What the function is called with.

        Raises:
            InvalidInput: Naming each field, like `a.b[0]`.
        """
        try:
            # Read as JSON, so that strict types accept what JSON can say: a date as text, a tuple as a list.
            model = self._model.model_validate_json(to_json(dict(input), inf_nan_mode="constants"))
        except ValidationError as error:
            raise _invalid(self._workflow_id, error, input) from None
        return {name: getattr(model, _attribute(index)) for index, name in enumerate(self._names)}


def _model(
    workflow_id: str, function: Callable[..., Any], parameters: list[inspect.Parameter]
) -> type[BaseModel]:
    try:
        hints = get_type_hints(function, include_extras=True)
    except Exception as error:
        raise DefinitionError(
            f"a type hint of workflow {workflow_id!r} cannot be resolved: {error}; import the name it uses"
        ) from error
    described = Docstring.parse(inspect.getdoc(function) or "").parameters
    fields: dict[str, Any] = {}
    for index, parameter in enumerate(parameters):
        hint = hints.get(parameter.name, Any)
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[_attribute(index)] = (_annotated(parameter.name, hint, described), default)
    try:
        return create_model("Input", __config__=ConfigDict(extra="forbid"), **fields)
    except (PydanticUserError, TypeError) as error:
        culprits = ", ".join(repr(parameter.name) for parameter in parameters)
        reason = str(error).splitlines()[0]
        raise DefinitionError(
            f"a parameter of workflow {workflow_id!r} ({culprits}) cannot come from JSON: "
            f"{reason}; {_FIXABLE}"
        ) from error


def _attribute(index: int) -> str:
    """Fields have names of their own: a parameter may be called `copy` or `_x`, an attribute may not."""
    return f"parameter_{index}"


def _annotated(name: str, hint: Any, described: Mapping[str, str]) -> Any:
    """The hint with our name, title and description first, so that the user's own `Field` goes before."""
    title = re.sub(r"[_\s]+", " ", name).strip().capitalize()
    ours = Field(alias=name, title=title, description=described.get(name))
    if get_origin(hint) is Annotated:
        base, *metadata = get_args(hint)
        return Annotated[base, ours, *metadata]
    return Annotated[hint, ours]


def _invalid(workflow_id: str, error: ValidationError, input: Mapping[str, Any]) -> InvalidInput:
    errors = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        field = _field(problem["loc"], input, missing=problem["type"] == "missing")
        errors.append({"field": field, "message": problem["msg"]})
    first = f"{errors[0]['field'] or 'input'}: {errors[0]['message']}"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return InvalidInput(f"the input does not fit workflow {workflow_id!r}: {first}{more}", errors=errors)


def _field(location: tuple[int | str, ...], input: Any, *, missing: bool) -> str:
    """`a.b[0]`, following the input itself: what names a branch of a union is left out."""
    path, value = "", input
    for index, part in enumerate(location):
        last = missing and index == len(location) - 1
        if isinstance(part, int) and isinstance(value, list | tuple):
            path += f"[{part}]"
            value = value[part] if part < len(value) else None
        elif isinstance(part, str) and isinstance(value, Mapping) and (part in value or last):
            path += f".{part}" if path else part
            value = value.get(part)
    return path
