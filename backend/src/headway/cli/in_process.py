"""Runs one workflow here, where no server holds the database: the same engine, journal and outcome."""

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from headway import bootstrap
from headway.adapters.user_files import LoadedFile, UserFiles
from headway.child import let_forks_go, log_to_stderr, run_loop
from headway.cli import exits
from headway.cli.backends import Backend
from headway.cli.database_backend import DatabaseBackend
from headway.cli.following import follow_and_tell, leave_terminal
from headway.config import Settings
from headway.domain.identifiers import WorkflowId
from headway.errors import DefinitionError, ExecutionClosed, HeadwayError, InvalidSetting
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
    executions = bootstrap.build_executions(settings, journal, hints)
    backend = DatabaseBackend(journal, hints, executions, is_driven=True)
    owner = f"run.{secrets.token_hex(4)}"
    with bootstrap.build_engine(settings, journal, hints, {workflow_id: workflow}, owner=owner) as engine:
        started = await start(backend, await backend.workflow(workflow_id))
        with _cancelling_on_interrupt(backend, started.execution_id):
            await engine.start()
            try:
                return await follow_and_tell(backend.watch(started.execution_id, 0))
            finally:
                await engine.stop(settings.grace_s)


@contextmanager
def _cancelling_on_interrupt(backend: DatabaseBackend, execution_id: str) -> Iterator[None]:
    """Ctrl-C cancels the execution.

    A second one ends the process as it is, whatever user code or a full disk holds up: what is stored is
    whole at any moment, and the next run or server goes on with it. A handler of the loop would not do: the
    body of a workflow runs on this very loop, and may block it.
    """
    loop = asyncio.get_running_loop()
    cancelling: list[asyncio.Task[None]] = []  # the loop itself holds tasks by weak references only
    asked = False

    def request() -> None:
        cancelling.append(asyncio.ensure_future(_cancel(backend, execution_id)))

    def interrupt(number: int, frame: object) -> None:
        nonlocal asked
        if asked:
            leave_terminal()
            os._exit(exits.INTERRUPTED)
        asked = True
        # Not through `sys.stderr`: this may have come in the middle of a write to it.
        os.write(2, b"\nCancelling; Ctrl-C again leaves at once.\n")
        loop.call_soon_threadsafe(request)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


async def _cancel(backend: DatabaseBackend, execution_id: str) -> None:
    try:
        await backend.cancel(execution_id)
    except ExecutionClosed:
        pass  # it came to its own end first
    except HeadwayError as error:
        sys.stderr.write(f"Not cancelled: {error.message}\n")


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
