"""Follows one execution through a view, and ends as it ended."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol, Self

from rich.console import Console

from headway.cli import exits
from headway.cli.backends import Backend
from headway.cli.live_view import LiveView
from headway.cli.outcomes import describe_end, describe_proof, exit_code
from headway.cli.plain_view import PlainView, without_controls
from headway.client.records import Update
from headway.domain.events import Event, decode_line
from headway.domain.execution import State
from headway.errors import InvalidMessage


class View(Protocol):
    """Shows an execution as it goes on, between entering and leaving it."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *reason: object) -> None: ...

    def show(self, state: State, event: Event) -> None:
        """An event, and the state after it."""
        ...

    def catch_up(self, state: State, why: str | None = None) -> None:
        """A state that stands for all events before it; with `why`, also for other ones shown before."""
        ...


def choose_view() -> View:
    """A live picture in a terminal that can colour, plain lines anywhere else."""
    console = Console(file=sys.__stdout__)
    return LiveView(console) if _is_live(console) else PlainView(sys.__stdout__)


def leave_terminal() -> None:
    """Undo what a live picture did to the terminal, where the process ends in the middle of it."""
    if _is_live(Console(file=sys.__stdout__)):
        os.write(1, b"\x1b[?25h")  # the cursor; past `sys.stdout`, which may be in the middle of a write


def _is_live(console: Console) -> bool:
    return console.is_terminal and not console.is_dumb_terminal and not console.no_color


@dataclass(frozen=True, slots=True)
class End:
    """The state after the terminal event, and from which seq on the chain up to there was checked."""

    state: State
    verified_from: int | None


async def follow(updates: AsyncIterator[Update], view: View) -> End | None:
    """Show every update up to the terminal event and return the state there; `None` if there is none."""
    state: State | None = None
    async with view:
        async for update in updates:
            if update.state is not None:
                state = update.state
                _catch_up(view, update, state)
            elif update.seq is not None:
                if state is None:
                    state = State(
                        execution_id=update.execution_id, workflow_id=update.workflow_id, seq=update.seq - 1
                    )
                event = _event_of(update)
                if event is not None:
                    state.apply(event)
                    view.show(state, event)
            if update.is_terminal and state is not None:
                return End(state, update.verified_from)
    return None


async def follow_and_tell(updates: AsyncIterator[Update]) -> int:
    """Follow to the end, print the outcome, and return its exit code."""
    end = await follow(updates, choose_view())
    if end is None:
        return exit_code(None)
    told = [describe_end(end.state), describe_proof(end.state, end.verified_from)]
    sys.stdout.write(without_controls("\n".join(filter(None, told))) + "\n")
    return exit_code(end.state)


def _catch_up(view: View, update: Update, state: State) -> None:
    view.catch_up(state, update.why)
    for line in update.recent:
        with suppress(InvalidMessage):
            view.show(state, decode_line(bytes(line)))


async def follow_detachably(backend: Backend, execution_id: str) -> int:
    """Follow to the end; Ctrl-C leaves the execution to the server."""
    following = asyncio.ensure_future(follow_and_tell(backend.watch(execution_id, 0)))
    with on_interrupt(following.cancel):
        try:
            return await following
        except asyncio.CancelledError:
            sys.stderr.write(
                f"\n{execution_id} goes on at the server.\n"
                f"  Follow it again: headway watch {execution_id}\n"
                f"  End it:          headway cancel {execution_id}\n"
            )
            return exits.INTERRUPTED


@contextmanager
def on_interrupt(handle: Callable[[], object]) -> Iterator[None]:
    """Call `handle` on Ctrl-C, in place of ending the loop."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, handle)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _event_of(update: Update) -> Event | None:
    try:
        return update.event()
    except InvalidMessage:
        return None  # of a newer server: what this version cannot name it cannot show either
