"""An approval's form: JSON Schema from a type, and a value of that type from JSON."""

from typing import Any

from pydantic import ConfigDict, TypeAdapter, create_model
from pydantic.errors import PydanticUserError
from pydantic_core import to_json

from headway.errors import DefinitionError

FIELD = "value"  # the only field of the form of a plain type


class Form:
    """What comes with a yes, as an object: a model or dataclass as it is, a plain type as its field `value`.

    Raises:
        DefinitionError: The type cannot come from JSON.
    """

    def __init__(self, type_: Any) -> None:
        try:
            schema = TypeAdapter(type_).json_schema()
            self._is_object = schema.get("type") == "object"
            if not self._is_object:
                wrapped = create_model("Form", __config__=ConfigDict(extra="forbid"), value=(type_, ...))
                schema = wrapped.model_json_schema()
            self._adapter: TypeAdapter[Any] = TypeAdapter(type_)
        except (PydanticUserError, TypeError, NameError) as error:
            reason = str(error).splitlines()[0]
            raise DefinitionError(
                f"{type_!r} cannot be a form: {reason}; use a Pydantic model, a dataclass, int, str, bool …"
            ) from error
        self.schema = to_json(schema)

    def read(self, values: Any) -> Any:
        """The answer's values as the type says; they fitted the schema when the answer was taken."""
        value = values if self._is_object else values.get(FIELD)
        return self._adapter.validate_json(to_json(value))
