"""The parameters of a workflow's function that an input can fill."""

import inspect
from collections.abc import Callable
from typing import Any

from headway.errors import DefinitionError


def keyword_parameters(workflow_id: str, function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters that the fields of the input fill.

    Raises:
        DefinitionError: One cannot be given by name.
    """
    parameters = list(inspect.signature(function).parameters.values())
    for parameter in parameters:
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            raise DefinitionError(
                f"workflow {workflow_id!r} takes *{parameter.name}; write out each parameter by name"
            )
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise DefinitionError(
                f"parameter {parameter.name!r} of workflow {workflow_id!r} is positional only; remove the '/'"
            )
    return parameters
