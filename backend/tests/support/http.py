"""A client of the HTTP API, and how its refusals are read."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from tests.support.authored import AuthoredExecution
from tests.support.server import RunningServer

from headway.domain.identifiers import ExecutionId

UNKNOWN = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"  # an execution that there is not
TRACEBACK = (
    'Traceback (most recent call last):\n  File "/flows/broken.py"\nImportError: no module named pandas'
)


@contextmanager
def client(server: RunningServer, **headers: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False) as http:
        yield http


def an_execution(server: RunningServer, workflow_id: str = "audit") -> AuthoredExecution:
    return AuthoredExecution(server.journal, server.hints, workflow_id)


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and code, after a check that this is a problem document that tells nothing of our insides."""
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["status"] == answer.status_code
    assert {"type", "title", "detail", "code"} <= body.keys()
    assert "Traceback" not in answer.text
    return answer.status_code, body["code"]


def kinds(server: RunningServer, execution_id: str) -> list[str]:
    lines = b"".join(server.executions.lines(ExecutionId(execution_id))).splitlines()
    return [json.loads(line)["kind"] for line in lines]
