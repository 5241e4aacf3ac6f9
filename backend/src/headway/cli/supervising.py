"""What `headway serve` and `headway work` share: the database taken, a supervisor run until told to stop."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from pathlib import Path

from headway import bootstrap
from headway.child import log_to_stderr
from headway.config import Settings
from headway.errors import InvalidSetting
from headway.supervisor import Supervisor

Announce = Callable[[Settings], Coroutine[None, None, None]]


def supervise(settings: Settings, files: Sequence[str], *, listens: bool, announce: Announce) -> None:
    """Supervise until Ctrl-C or SIGTERM.

    Args:
        settings: Of all processes.
        files: Users' files.
        listens: Whether a server is among the children.
        announce: Says, beside them, what there is; it gets the settings with the port that was taken.

    Raises:
        InvalidSetting: Naming a file that is not there.
        DatabaseInUse, AddressInUse: Saying who has it.
    """
    paths = _user_files(files)
    log_to_stderr("headway", settings.log_level)
    lock = bootstrap.take_database(settings)
    try:
        with bootstrap.open_store(settings) as (journal, hints), ExitStack() as sockets:
            listener, url = None, settings.url
            if listens:
                listener = sockets.enter_context(bootstrap.listen(settings))
                settings = settings.listening_on(listener.getsockname()[1])
                url = settings.server_url
            journal.retain_sources(paths)
            lock.announce(url)
            supervisor = Supervisor(
                settings, paths, listener, journal=journal, hints=hints, clock=bootstrap.system_clock()
            )
            asyncio.run(_until_stopped(supervisor, announce(settings)))
    finally:
        lock.release()


async def _until_stopped(supervisor: Supervisor, announcing: Coroutine[None, None, None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.stop)
    task = asyncio.create_task(announcing)
    try:
        await supervisor.run()
    finally:
        task.cancel()


def _user_files(names: Sequence[str]) -> list[str]:
    for name in names:
        if not Path(name).is_file():
            raise InvalidSetting(f"there is no file {name}; name Python files that define workflows")
    return [str(Path(name).absolute()) for name in names]
