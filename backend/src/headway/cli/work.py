"""`headway work`: runs what is started, without a server of its own."""

import asyncio
import signal
import sys
from collections.abc import Sequence

from headway import bootstrap
from headway.child import log_to_stderr
from headway.cli import exits
from headway.cli.serve import user_files
from headway.config import Settings
from headway.supervisor import Supervisor


def work(settings: Settings, files: Sequence[str]) -> int:
    """Run workers until Ctrl-C or SIGTERM."""
    paths = user_files(files)
    log_to_stderr("headway", settings.log_level)
    lock = bootstrap.take_database(settings)
    try:
        with bootstrap.open_store(settings) as (journal, hints):
            journal.retain_sources(paths)
            lock.announce(settings.url)
            supervisor = Supervisor(
                settings, paths, None, journal=journal, hints=hints, clock=bootstrap.system_clock()
            )
            asyncio.run(_supervise(supervisor, settings))
    finally:
        lock.release()
    return exits.COMPLETED


async def _supervise(supervisor: Supervisor, settings: Settings) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.stop)
    await supervisor.run(lambda: _announce(settings))


def _announce(settings: Settings) -> None:
    sys.stdout.write(f"Headway works on {settings.database_path} (Ctrl-C ends it)\n")
    sys.stdout.flush()
