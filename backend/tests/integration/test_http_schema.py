"""The HTTP API is what its OpenAPI document says, for whatever requests that document allows or forbids."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance
from tests.support.authored import AuthoredExecution, define
from tests.support.server import RunningServer, serving

from headway.api.http_events import MAX_WAIT_S

EXAMPLES = 25  # a kind of request
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


@pytest.fixture(name="server", scope="module")
def _server() -> Iterator[RunningServer]:
    with serving() as server:
        define(server.journal, "audit")
        yield server


@pytest.fixture(name="known", scope="module")
def _known(server: RunningServer) -> dict[str, str]:
    """What is there, by the names that paths give it."""
    execution = AuthoredExecution(server.journal, server.hints)
    execution.start()
    execution.log(20)
    return {"execution_id": execution.id, "workflow_id": "audit"}


def document() -> dict[str, Any]:
    with serving() as server:
        return dict(server.server.config.app.openapi())  # type: ignore[union-attr]


CONFIG = SchemathesisConfig.from_dict({"generation": {"allow-extra-parameters": False}})  # we ignore them
OPERATIONS = [
    result.ok() for result in schemathesis.openapi.from_dict(document(), config=CONFIG).get_all_operations()
]


def requests(operation: APIOperation[Any, Any, Any, Any], known: dict[str, str]) -> st.SearchStrategy[Case]:
    """Fitting and unfitting ones, for things that are there and things that are not."""
    names = {each.name for each in operation.path_parameters}
    paths = {name: known[name] for name in names & set(known)}
    places: list[dict[str, Any]] = [{}, {"path_parameters": paths}] if paths else [{}]
    return st.one_of([operation.as_strategy(mode, **place) for mode in MODES for place in places])


def hurry(case: Case) -> None:
    """A valid wait becomes none; one that is to be refused stays what it is."""
    with suppress(KeyError, ValueError, TypeError):
        if 0 <= float(case.query["wait"]) <= MAX_WAIT_S:
            case.query["wait"] = "0"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.label)
def test_every_answer_is_one_that_is_documented(
    operation: APIOperation[Any, Any, Any, Any], server: RunningServer, known: dict[str, str]
) -> None:
    """Status, content type, body and headers; unfitting requests are refused; nothing is a 500.

    What fits the document may be refused too, with a documented problem: a schema cannot say what there is.
    """

    @given(case=requests(operation, known))
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    def holds(case: Case) -> None:
        hurry(case)
        case.call_and_validate(base_url=server.url, timeout=10, excluded_checks=[positive_data_acceptance])

    holds()
