"""`@workflow`: a user's function with its declaration; knows no engine."""

import functools
import hashlib
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar, overload

from headway.authoring.declared import check_function, check_seconds
from headway.authoring.docstrings import Docstring
from headway.authoring.parameters import keyword_parameters
from headway.authoring.plan import Plan, planned_steps
from headway.domain.identifiers import WorkflowId, is_workflow_id
from headway.domain.workflow import WorkflowDefinition
from headway.errors import DefinitionError

if TYPE_CHECKING:
    from headway.authoring.inputs import InputModel

P = ParamSpec("P")
R = TypeVar("R")


class Workflow(Generic[P, R]):
    """A workflow; made by `@workflow`. Calling it just runs the function, as ordinary Python."""

    def __init__(
        self,
        function: Callable[P, R],
        *,
        id: str | None = None,
        title: str | None = None,
        plan: Plan | None = None,
        timeout_s: float | None = None,
    ) -> None:
        check_function(function, "workflow")
        self.function = function
        self.is_async = inspect.iscoroutinefunction(function)
        self.workflow_id = _checked_id(id or function.__name__)
        self._title = title or self.workflow_id.replace("_", " ").strip().capitalize()
        self._plan = planned_steps(plan)
        self._timeout_s = check_seconds("timeout_s", timeout_s)
        keyword_parameters(self.workflow_id, function)
        functools.update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function here and now, without an execution."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<workflow {self.workflow_id}>"

    @functools.cached_property
    def definition(self) -> WorkflowDefinition:
        """What the server needs to know of it.

        Raises:
            DefinitionError: A parameter cannot come from JSON.
        """
        source = inspect.getsourcefile(self.function)
        path = Path(source).absolute() if source else None
        return WorkflowDefinition(
            workflow_id=self.workflow_id,
            title=self._title,
            description=Docstring.parse(inspect.getdoc(self.function) or "").description,
            input_schema=self._input.schema(self._title),
            plan=self._plan,
            code_hash=hashlib.sha256(path.read_bytes()).hexdigest() if path and path.is_file() else "",
            source=str(path or ""),
            timeout_s=self._timeout_s,
        )

    def arguments(self, input: Mapping[str, Any]) -> dict[str, Any]:
        """Validate the input and make it what the type hints say.

        Raises:
            InvalidInput: Naming each field, like `a.b[0]`.
        """
        return self._input.arguments(input)

    @functools.cached_property
    def _input(self) -> "InputModel":
        # Not at decoration: a type hint may name a class that stands further down in the file.
        from headway.authoring.inputs import InputModel  # brings Pydantic, half the time of `import headway`

        return InputModel(self.workflow_id, self.function)


class _Decorator(Protocol):
    def __call__(self, function: Callable[P, R], /) -> Workflow[P, R]: ...


@overload
def workflow(function: Callable[P, R], /) -> Workflow[P, R]: ...
@overload
def workflow(
    *,
    id: str | None = None,
    title: str | None = None,
    plan: Plan | None = None,
    timeout_s: float | None = None,
) -> _Decorator: ...
def workflow(
    function: Callable[..., Any] | None = None,
    /,
    *,
    id: str | None = None,
    title: str | None = None,
    plan: Plan | None = None,
    timeout_s: float | None = None,
) -> Any:
    """Declare a function, `async def` or plain `def`, as a workflow.

    Its parameters become the form and the JSON Schema of the input, its docstring the description.

    Args:
        function: The function, where the decorator stands without parentheses.
        id: Letters, digits, `_`, `.` and `-`; the function's name by default.
        title: For people; made from the id by default.
        plan: Steps known beforehand: a list in order, or a dict from a step to those it waits for.
        timeout_s: The execution fails when it runs longer.

    Raises:
        DefinitionError: The declaration cannot run; the message says the fix.
    """
    if function is not None:
        return Workflow(function)

    def declare(function: Callable[..., Any]) -> Workflow[..., Any]:
        return Workflow(function, id=id, title=title, plan=plan, timeout_s=timeout_s)

    return declare


def _checked_id(id: str) -> WorkflowId:
    if not is_workflow_id(id):
        raise DefinitionError(
            f"{id!r} is no workflow id: start with a letter, then up to 63 letters, digits, '_', '.' or '-'"
        )
    return WorkflowId(id)
