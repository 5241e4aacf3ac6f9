"""Follows one execution through a view, and ends as it ended."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, Self

from rich.console import Console

from headway.cli import exits
from headway.cli.backends import Backend
from headway.cli.live_view import LiveView
from headway.cli.outcomes import describe_end, exit_code
from headway.cli.plain_view import PlainView, without_controls
from headway.client.records import Update
from headway.domain.events import Event
from headway.domain.execution import State
from headway.errors import InvalidMessage


class View(Protocol):
    """Shows an execution as it goes on, between entering and leaving it."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *reason: object) -> None: ...

    def show(self, state: State, event: Event) -> None:
        """An event, and the state after it."""
        ...

    def catch_up(self, state: State) -> None:
        """A state that stands for all events before it."""
        ...


def choose_view() -> View:
    """A live picture in a terminal that can colour, plain lines anywhere else."""
    console = Console(file=sys.__stdout__)
    if console.is_terminal and not console.is_dumb_terminal and not console.no_color:
        return LiveView(console)
    return PlainView(sys.__stdout__)


async def follow(updates: AsyncIterator[Update], view: View) -> State | None:
    """Show every update up to the terminal event and return the state there; `None` if there is none."""
    state: State | None = None
    async with view:
        async for update in updates:
            if update.snapshot and update.state is not None:
                state = update.state
                view.catch_up(state)
            if update.seq is None:
                continue
            if state is None:
                state = State(
                    execution_id=update.execution_id, workflow_id=update.workflow_id, seq=update.seq - 1
                )
            event = _event_of(update)
            if event is not None:
                state.apply(event)
                view.show(state, event)
            if update.is_terminal:
                return state
    return None


async def follow_and_tell(updates: AsyncIterator[Update]) -> int:
    """Follow to the end, print the outcome, and return its exit code."""
    state = await follow(updates, choose_view())
    if state is not None:
        sys.stdout.write(without_controls(describe_end(state)) + "\n")
    return exit_code(state)


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
