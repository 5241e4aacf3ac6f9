"""Runs one workflow here, where no server holds the database: the same engine, journal and outcome."""

import asyncio
import os
import secrets
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from headway import bootstrap
from headway.adapters.user_files import LoadedFile, UserFiles
from headway.child import let_forks_go, log_to_stderr, run_loop
from headway.cli import exits
from headway.cli.backends import Backend
from headway.cli.database_backend import DatabaseBackend
from headway.cli.following import follow_and_tell, on_interrupt
from headway.config import Settings
from headway.domain.identifiers import WorkflowId
from headway.errors import DefinitionError, InvalidSetting
from headway.ports import HintBus, Journal, RunnableWorkflow
from headway.services import crash_guard
from headway.services.views import Started, WorkflowView

Start = Callable[[Backend, WorkflowView], Awaitable[Started]]


def run_in_process(settings: Settings, file: Path, workflow_id: str | None, start: Start) -> int:
    """Hold the database, run the execution that `start` begins, and follow it; Ctrl-C cancels it.

    Raises:
        DatabaseInUse: Another process holds the database.
        DefinitionError: The file does not import, with its traceback on stderr.
    """
    log_to_stderr("headway", "WARNING" if settings.log_level == "INFO" else settings.log_level)
    lock = bootstrap.take_database(settings)
    let_forks_go()
    uninstall = bootstrap.install_capture()
    try:
        [loaded] = UserFiles([file]).load()
        chosen = _choose(loaded, workflow_id)
        with bootstrap.open_store(settings) as (journal, hints):
            crash_guard.settle_all(journal, hints, bootstrap.system_clock())
            journal.put_definitions(loaded.source, [each.definition for each in loaded.workflows.values()])
            return run_loop(_run(settings, journal, hints, chosen, start))
    finally:
        uninstall()
        lock.release()


async def _run(
    settings: Settings, journal: Journal, hints: HintBus, workflow: RunnableWorkflow, start: Start
) -> int:
    workflow_id = WorkflowId(workflow.definition.workflow_id)
    executions = bootstrap.build_executions(journal, hints)
    backend = DatabaseBackend(journal, hints, executions, is_driven=True)
    owner = f"run.{secrets.token_hex(4)}"
    with bootstrap.build_engine(settings, journal, hints, {workflow_id: workflow}, owner=owner) as engine:
        started = await start(backend, await backend.workflow(workflow_id))
        await engine.start()
        try:
            return await _follow_cancellably(backend, started.execution_id)
        finally:
            await engine.stop(settings.grace_s)


async def _follow_cancellably(backend: DatabaseBackend, execution_id: str) -> int:
    """Follow to the end; Ctrl-C cancels the execution.

    A second one ends the process as it is, whatever user code or a full disk holds up: what is stored is
    whole at any moment, and the next run or server goes on with it.
    """
    cancelling: list[asyncio.Future[object]] = []

    def interrupt() -> None:
        if cancelling:
            os._exit(exits.INTERRUPTED)
        sys.stderr.write("\nCancelling; Ctrl-C again leaves at once.\n")
        cancelling.append(asyncio.ensure_future(backend.cancel(execution_id)))

    with on_interrupt(interrupt):
        return await follow_and_tell(backend.watch(execution_id, 0))


def _choose(loaded: LoadedFile, workflow_id: str | None) -> RunnableWorkflow:
    path, names = loaded.source.path, ", ".join(sorted(loaded.workflows))
    if loaded.source.import_error:
        *before, last = loaded.source.import_error.splitlines()
        sys.stderr.write("".join(f"{line}\n" for line in before))
        raise DefinitionError(f"{path} does not import: {last}; mend it, then run it again")
    if workflow_id is None and len(loaded.workflows) > 1:
        raise InvalidSetting(f"{path} defines several workflows; choose one of {names} after a colon")
    chosen = workflow_id or names
    if chosen not in loaded.workflows:
        raise InvalidSetting(f"{path} defines no workflow {chosen!r}; it has {names}")
    return loaded.workflows[chosen]
