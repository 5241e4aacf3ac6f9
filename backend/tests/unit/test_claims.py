"""What a worker takes up is where the log stands."""

import secrets

from tests.support.builders import AT

from headway.adapters.clock import SystemClock
from headway.adapters.hints.memory import MemoryHintBus
from headway.adapters.journal.memory import MemoryJournal
from headway.domain.events import Event, ExecutionStarted, PlannedStep
from headway.domain.execution import fold
from headway.domain.identifiers import WorkflowId
from headway.domain.workflow import SourceFile, WorkflowDefinition
from headway.services.claims import read_claim
from headway.services.executions import Executions
from headway.services.states import load_state

WORKFLOW = WorkflowId("nightly_import")


def test_a_new_execution_is_taken_up_as_its_log_says() -> None:
    """Its state comes from the record alone, without reading the log; once started it is the fold."""
    journal = MemoryJournal()
    definition = WorkflowDefinition(
        workflow_id=WORKFLOW,
        title="Nightly import",
        plan=[PlannedStep("fetch"), PlannedStep("load", ["fetch"])],
    )
    journal.put_definitions(SourceFile(path="/srv/flows.py"), [definition])
    executions = Executions(journal, MemoryHintBus(), SystemClock(), lambda: secrets.randbits(80))
    started = executions.start(WORKFLOW, {"path": "orders.csv", "name": "Zoë"}, by="ada")
    [record] = journal.claim("worker-1", [WORKFLOW], 1)
    claimed, stored = read_claim(journal, record).state, load_state(journal, started.execution_id)
    assert stored.plan == definition.plan
    start = Event(2, AT, ExecutionStarted(attempt=1, worker="worker-1", progress=0.0))
    assert fold(claimed, start) == fold(stored, start)
