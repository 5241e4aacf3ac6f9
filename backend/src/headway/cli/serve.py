"""`headway serve`: takes the database and the address, then supervises."""

import asyncio
import contextlib
import signal
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from headway import bootstrap
from headway.child import log_to_stderr
from headway.cli import exits
from headway.config import Settings
from headway.errors import InvalidSetting
from headway.supervisor import Supervisor

READY_POLL_S = 0.05


def serve(settings: Settings, files: Sequence[str]) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    paths = user_files(files)
    settings.require_safe_binding()
    log_to_stderr("headway", settings.log_level)
    lock = bootstrap.take_database(settings)
    try:
        with bootstrap.open_store(settings) as (journal, hints), bootstrap.listen(settings) as listener:
            settings = settings.listening_on(listener.getsockname()[1])
            journal.retain_sources(paths)
            lock.announce(settings.server_url)
            supervisor = Supervisor(
                settings, paths, listener, journal=journal, hints=hints, clock=bootstrap.system_clock()
            )
            asyncio.run(_supervise(supervisor, settings))
    finally:
        lock.release()
    return exits.COMPLETED


def user_files(names: Sequence[str]) -> list[str]:
    """Users' files, absolute.

    Raises:
        InvalidSetting: Naming one that is not there.
    """
    for name in names:
        if not Path(name).is_file():
            raise InvalidSetting(f"there is no file {name}; name Python files that define workflows")
    return [str(Path(name).absolute()) for name in names]


async def _supervise(supervisor: Supervisor, settings: Settings) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.stop)
    announcing = asyncio.create_task(_announce(settings))
    try:
        await supervisor.run()
    finally:
        announcing.cancel()


async def _announce(settings: Settings) -> None:
    """Say where the page is once it answers."""
    while not await _answers(settings.host, settings.port):  # noqa: ASYNC110 - another process
        await asyncio.sleep(READY_POLL_S)
    sys.stdout.write(f"Headway is at {settings.server_url} (Ctrl-C ends it)\n")
    sys.stdout.flush()
    if settings.open:
        await asyncio.to_thread(webbrowser.open, settings.server_url)


async def _answers(host: str, port: int) -> bool:
    with contextlib.suppress(OSError):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return (await reader.readline()).startswith(b"HTTP/1.1 ")
        finally:
            writer.close()
    return False
