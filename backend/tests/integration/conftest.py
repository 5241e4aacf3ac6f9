"""Fixtures of the tests of the engine."""

import pytest
from tests.support.crawl import calls, switch
from tests.support.workbench import Workbench


@pytest.fixture
def bench() -> Workbench:
    """A journal of its own, and nothing left of the test before."""
    calls.clear()
    switch.clear()
    return Workbench()
