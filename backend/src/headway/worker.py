"""A worker process: imports the users' files, writes their definitions, runs their executions."""

import asyncio
import logging
import signal
from collections.abc import Sequence
from pathlib import Path

import msgspec

from headway import bootstrap
from headway.adapters.user_files import LoadedFile, UserFiles
from headway.child import Order, end_soon, let_forks_go, run_child, take_order
from headway.collector import spare_the_collector
from headway.config import Settings
from headway.errors import JournalUnavailable
from headway.ports import Hint, HintBus, Journal, RunnableWorkflow
from headway.services.workflow_execution_engine import WorkflowExecutionEngine

COLLECT_AFTER = 10_000  # objects
POLL_S = 0.3  # a saved file is imported once it has been the same for two looks

logger = logging.getLogger("headway.worker")


def main() -> None:
    """Entry point; ended by SIGTERM, or by the supervisor's death."""
    order = take_order()
    let_forks_go()
    uninstall = bootstrap.install_capture()
    try:
        run_child(work(order))
    finally:
        uninstall()
        end_soon()


async def work(order: Order) -> None:
    """Serve the order's files until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settings = order.settings
    files = UserFiles(Path(each) for each in order.files)
    with bootstrap.open_store(settings) as (journal, hints):
        loaded = files.load()
        publish(settings, journal, hints, loaded)
        with bootstrap.build_engine(
            settings, journal, hints, workflows_of(loaded), owner=order.owner
        ) as engine:
            await engine.start()
            spare_the_collector(COLLECT_AFTER)
            following = asyncio.create_task(follow_saves(files, engine, settings, journal, hints))
            if not settings.reload:
                following.cancel()
            await stop.wait()
            following.cancel()
            await engine.stop(settings.grace_s)


async def follow_saves(
    files: UserFiles, engine: WorkflowExecutionEngine, settings: Settings, journal: Journal, hints: HintBus
) -> None:
    """Import a file again each time it is saved: new executions use it, running ones end on the old."""
    while True:
        await asyncio.sleep(POLL_S)
        loaded = await asyncio.to_thread(files.load_saved)
        if loaded is None:
            continue
        engine.replace_workflows(workflows_of(loaded))
        try:
            await asyncio.to_thread(publish, settings, journal, hints, loaded)
        except JournalUnavailable as error:
            logger.error("the page does not show what was saved: %s", error)  # noqa: TRY400
        logger.info("imported again: %s", ", ".join(sorted(workflows_of(loaded))) or "no workflow")


def publish(settings: Settings, journal: Journal, hints: HintBus, loaded: Sequence[LoadedFile]) -> None:
    """Write what the files define, or why they do not import, for the server to show."""
    masks = bootstrap.build_masks(settings)
    for each in loaded:
        shown = msgspec.structs.replace(
            each.source, import_error=masks.text(each.source.import_error or "") or None
        )
        journal.put_definitions(shown, [workflow.definition for workflow in each.workflows.values()])
        if each.source.import_error:
            reason = each.source.import_error.splitlines()[-1]
            logger.error("%s is not served: %s", each.source.path, reason)
    hints.publish([Hint("definitions")])


def workflows_of(loaded: Sequence[LoadedFile]) -> dict[str, RunnableWorkflow]:
    return {name: each.workflows[name] for each in loaded for name in each.workflows}


if __name__ == "__main__":
    main()
