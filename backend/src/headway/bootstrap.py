"""Builds each process from its settings; the only file that names concrete adapters.

Imports stand inside the functions: a process loads only what it runs.
"""

import os
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from headway.config import MASK_NOTHING, Settings, installed_version
from headway.errors import AddressInUse
from headway.ports import Clock, HintBus, Journal, OutputStore, RunnableWorkflow

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from headway.adapters.database_lock import DatabaseLock, Holder
    from headway.api.draining import Succession
    from headway.domain.masking import Masks
    from headway.services.executions import Executions
    from headway.services.feed import Feed
    from headway.services.housekeeping import Housekeeper
    from headway.services.workflow_execution_engine import WorkflowExecutionEngine


STATIC_DIR = Path(__file__).parent / "static"  # the built front end
MAX_DRAIN_S = 10.0


def open_journal(settings: Settings) -> Journal:
    """Open the database, made with its folder where there is none.

    Raises:
        JournalUnavailable, JournalCorrupt, JournalTooNew: Saying what is wrong with which file.
    """
    from headway.adapters.journal.sqlite import SqliteJournal

    return SqliteJournal(settings.database_path, synchronous=settings.synchronous)


def check_database_file(settings: Settings) -> None:
    """Look at the file before anything is made beside it.

    Raises:
        JournalUnavailable: It is no database of Headway.
    """
    from headway.adapters.journal.sqlite_schema import check_file

    check_file(settings.database_path)


def open_hints(settings: Settings) -> HintBus:
    from headway.adapters.hints.local import LocalHintBus

    return LocalHintBus(settings.database_path)


def open_outputs(settings: Settings) -> OutputStore:
    from headway.adapters.outputs import DirectoryOutputStore

    return DirectoryOutputStore(settings.database_path.with_name(settings.database_path.name + "-outputs"))


@contextmanager
def open_store(settings: Settings) -> Iterator[tuple[Journal, HintBus]]:
    """The journal and its hints, closed in the end."""
    with closing(open_journal(settings)) as journal, closing(open_hints(settings)) as hints:
        yield journal, hints


def build_masks(settings: Settings) -> "Masks":
    """What nothing that is stored may say: this process's secrets as they are now, and their like."""
    from headway.domain.masking import Masks, named_values

    if settings.mask == (MASK_NOTHING,):
        return Masks(shapes=False)
    return Masks(named_values(os.environ, settings.mask))


def system_clock() -> Clock:
    from headway.adapters.clock import SystemClock

    return SystemClock()


def take_database(settings: Settings) -> "DatabaseLock":
    """Become the one who runs workers on the database.

    Raises:
        DatabaseInUse: Saying which process is.
        JournalUnavailable: The file is no database of Headway; nothing was made beside it.
    """
    from headway.adapters.database_lock import DatabaseLock

    check_database_file(settings)
    return DatabaseLock.take(settings.database_path)


def database_holder(settings: Settings) -> "Holder | None":
    from headway.adapters.database_lock import holder_of

    return holder_of(settings.database_path)


def listen(settings: Settings) -> socket.socket:
    """The server's socket, bound and listening.

    Raises:
        AddressInUse: Saying who listens there, where the system tells, and what to do.
    """
    from headway.adapters.port_owner import port_owner
    from headway.api.listening import listening_socket

    try:
        return listening_socket(settings.host, settings.port)
    except AddressInUse as error:
        owner = port_owner(settings.port)
        if owner is None:
            raise
        raise AddressInUse(
            f"{owner} listens on {settings.host} port {settings.port}; choose another --port, or stop it",
            **error.fields,
        ) from error


def install_capture() -> Callable[[], None]:
    """Make logging, print, warnings and tqdm of running steps part of their log; returns what undoes it."""
    from headway.adapters import capture

    return capture.install()


def build_server(
    settings: Settings, journal: Journal, hints: HintBus, *, succession: "Succession | None" = None
) -> "uvicorn.Server":
    """The server of an open journal; a signal lets its viewers go first, to its successor if there is one."""
    from headway.api.draining import DrainingServer
    from headway.api.uvicorn_protocol import server_config

    app, feed = build_app(settings, journal, hints)
    config = server_config(app, log_level=settings.log_level.lower())
    return DrainingServer(config, feed, drain_s=min(settings.grace_s, MAX_DRAIN_S), succession=succession)


def build_app(settings: Settings, journal: Journal, hints: HintBus) -> "tuple[FastAPI, Feed]":
    """The ASGI application of an open journal, and what its viewers of rich mode hang on."""
    from headway.api.app import create_app
    from headway.services.event_streams import EventStreams
    from headway.services.fanout import Fanout
    from headway.services.feed import Feed

    fanout = Fanout(journal, hints, system_clock())
    feed = Feed(journal, hints, fanout.tails, system_clock(), node=secrets.token_hex(4))
    executions = build_executions(settings, journal, hints)
    app = create_app(
        executions,
        fanout,
        open_outputs(settings),
        feed=feed,
        streams=EventStreams(executions, fanout.tails),
        token=settings.token,
        allowed_hosts=settings.callable_as,
        allowed_origins=settings.allowed_origins,
        frame_origins=settings.frame_origins,
        static_dir=STATIC_DIR if (STATIC_DIR / "index.html").is_file() else None,
        prefix=settings.prefix,
        version=installed_version(),
        workers=settings.workers,
    )
    return app, feed


def build_housekeeper(settings: Settings, journal: Journal) -> "Housekeeper":
    """What keeps the journal small; one process of a database runs it."""
    from headway.services.housekeeping import Housekeeper, Retention

    retention = Retention(days=settings.retain_days, max_bytes=settings.retain_mib << 20)
    return Housekeeper(journal, open_outputs(settings), system_clock(), retention=retention)


def build_executions(settings: Settings, journal: Journal, hints: HintBus) -> "Executions":
    from headway.services.executions import Executions

    return Executions(journal, hints, system_clock(), lambda: secrets.randbits(80), build_masks(settings))


@contextmanager
def build_engine(
    settings: Settings,
    journal: Journal,
    hints: HintBus,
    workflows: Mapping[str, RunnableWorkflow],
    *,
    owner: str,
) -> Iterator["WorkflowExecutionEngine"]:
    """An engine on an open journal; its recorder ends, with all written, when the block does."""
    from headway.adapters import capture
    from headway.services.recorder import Recorder
    from headway.services.workflow_execution_engine import WorkflowExecutionEngine

    clock = system_clock()
    recorder = Recorder(journal, hints, clock, masks=build_masks(settings))
    try:
        yield WorkflowExecutionEngine(
            journal,
            hints,
            recorder,
            open_outputs(settings),
            clock,
            workflows,
            owner=owner,
            concurrency=settings.concurrency,
            scope_begins=capture.begin_of_scope,
            scope_ended=capture.end_of_scope,
            prepare_process=capture.IN_PROCESS,
        )
    finally:
        recorder.close()
