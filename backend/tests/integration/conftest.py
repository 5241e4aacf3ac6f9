"""Fixtures of the tests of the engine and of the HTTP API."""

from collections.abc import Iterator

import httpx
import pytest
from tests.support.authored import define
from tests.support.crawl import calls, switch
from tests.support.http import TRACEBACK, client
from tests.support.server import RunningServer, serving
from tests.support.workbench import Workbench


@pytest.fixture
def bench() -> Workbench:
    """A journal of its own, and nothing left of the test before."""
    calls.clear()
    switch.clear()
    return Workbench()


@pytest.fixture(name="server", scope="module")
def _server() -> Iterator[RunningServer]:
    """One for a file of tests: what they start stays; `broken` does not import."""
    with serving(version="1.2.3", workers=2) as server:
        define(server.journal, "audit", "history")
        define(server.journal, "broken", import_error=TRACEBACK)
        yield server


@pytest.fixture(name="http")
def _http(server: RunningServer) -> Iterator[httpx.Client]:
    with client(server) as http:
        yield http
