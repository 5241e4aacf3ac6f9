"""`headway ls`, `show`, `cancel`, `verify` and `export`: one question each."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from headway.cli import exits
from headway.cli.backends import Backend, open_backend
from headway.cli.listing import fields_line, table_lines
from headway.cli.outcomes import describe_end
from headway.cli.plain_view import local_time, without_controls
from headway.config import Settings
from headway.domain.position import Cursor, chain, initial_tag
from headway.errors import JournalCorrupt
from headway.services.views import DescriptionView, ExecutionView

PIPE_WIDTH = 200  # columns where no terminal says how many it has


def list_executions(
    settings: Settings, statuses: Sequence[str], workflow_id: str | None, limit: int, *, as_json: bool
) -> int:
    async def ask(backend: Backend) -> int:
        page = await backend.executions(workflow_id=workflow_id, statuses=statuses, limit=limit)
        if as_json:
            _write_json(page.executions)
        elif page.executions:
            _print_rows(page.executions)
        else:
            sys.stdout.write("No executions yet. Start one: headway run FILE:WORKFLOW\n")
        return exits.COMPLETED

    return with_backend(settings, ask)


def show(settings: Settings, execution_id: str, *, as_json: bool) -> int:
    async def ask(backend: Backend) -> int:
        found = await backend.execution(execution_id)
        if as_json:
            _write_json(found)
        else:
            _print_description(found)
        return exits.COMPLETED

    return with_backend(settings, ask)


def cancel(settings: Settings, execution_id: str, *, force: bool) -> int:
    async def ask(backend: Backend) -> int:
        receipt = await backend.cancel(execution_id, force=force)
        if force:
            sys.stdout.write(f"Cancel by force requested ({receipt.control_id}).\n")
            sys.stdout.write("Its worker is ended at once unless it answers within 2 s.\n")
        else:
            sys.stdout.write(f"Cancel requested ({receipt.control_id}).\n")
            sys.stdout.write(f"If it has no effect within seconds: headway cancel {execution_id} --force\n")
        sys.stdout.write(f"See it end: headway watch {execution_id}\n")
        return exits.COMPLETED

    return with_backend(settings, ask)


def verify(settings: Settings, execution_id: str) -> int:
    """Recompute numbers and chain from the stored lines and compare them with the head's cursor."""

    async def ask(backend: Backend) -> int:
        found = await backend.execution(execution_id)
        position = Cursor.parse(found.cursor)
        seq, tag = 0, initial_tag(position.epoch)
        async for line in backend.lines(execution_id):
            if seq == position.seq:
                break  # an open execution has grown since
            number = _seq_of(line)
            if number != seq + 1:
                raise JournalCorrupt(f"event {seq + 1} is missing: event {number} follows event {seq}")
            seq, tag = number, chain(tag, line + b"\n")
        if seq != position.seq:
            raise JournalCorrupt(f"the log ends at event {seq}; it should reach event {position.seq}")
        if tag != position.tag:
            raise JournalCorrupt(f"the chain over {seq:,} events ends in {tag:08x}, not {position.tag:08x}")
        state = "complete and verified" if found.execution.closed else "verified so far, still open"
        sys.stdout.write(f"{state}: {seq:,} events\n")
        return exits.COMPLETED

    return with_backend(settings, ask)


def export(settings: Settings, execution_id: str) -> int:
    async def ask(backend: Backend) -> int:
        async for line in backend.lines(execution_id):
            sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()
        return exits.COMPLETED

    return with_backend(settings, ask)


def console() -> Console:
    """The terminal; wide where there is none, so that no value is cut for a program that reads it.

    Under `NO_COLOR` no escape code at all is written: Rich alone would leave out the colours only.
    """
    found = Console()
    if not found.is_terminal:
        return Console(width=PIPE_WIDTH)
    return Console(force_terminal=False, width=found.width) if found.no_color else found


def with_backend(settings: Settings, ask: Callable[[Backend], Awaitable[int]]) -> int:
    """Ask whoever knows the executions; the answer is the exit code."""

    async def run() -> int:
        async with open_backend(settings) as backend:
            return await ask(backend)

    return asyncio.run(run())


def _print_rows(executions: Sequence[ExecutionView]) -> None:
    if not sys.stdout.isatty():
        sys.stdout.write("".join(f"{fields_line(each)}\n" for each in executions))
        return
    out = console()
    for line in table_lines(executions, out.width):
        out.print(line, no_wrap=True, overflow="ignore", crop=False)


def _print_description(found: DescriptionView) -> None:
    row, state, out = found.execution, found.state, console()
    facts = Table.grid(padding=(0, 2))
    wanted = {
        "workflow": row.workflow_id,
        "status": row.phase,
        "progress": None if row.indeterminate else f"{row.progress:.0f} %",
        "created": local_time(row.created_at, "%Y-%m-%d %H:%M:%S"),
        "ended": local_time(row.ended_at, "%Y-%m-%d %H:%M:%S") if row.ended_at else None,
        "attempt": str(row.attempt) if row.attempt > 1 else None,
        "retry of": row.retry_of,
        "from step": state.from_step,
        "input": bytes(row.input).decode(),
        "events": f"{row.last_seq:,}",
    }
    for name, value in wanted.items():
        if value is not None:
            facts.add_row(Text(name, style="dim"), Text(without_controls(value)))
    out.print(Text(row.execution_id, style="bold"), facts)
    for question in state.waiting.approvals.values():
        if question.status == "open":
            out.print(Text(f"waits for an answer: {without_controls(question.message)}", style="yellow"))
            out.print(Text(f"  headway approve {row.execution_id} --question {question.approval_id}"))
    steps = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("STEP", "STATUS", "ATTEMPT", "DONE"):
        steps.add_column(column)
    for step in state.steps.values():
        done = "" if step.done is None else f"{step.done:,.0f}/{step.total or 0:,.0f} {step.unit or ''}"
        steps.add_row(step.step_id, step.status, str(step.attempt), done)
    if state.steps:
        out.print(steps)
    if state.closed:
        out.print(Text(without_controls(describe_end(state))))


def _seq_of(line: bytes) -> int:
    try:
        return msgspec.json.decode(line, type=_Numbered).seq
    except msgspec.MsgspecError as error:
        raise JournalCorrupt(f"a stored line is no event: {error}") from error


class _Numbered(msgspec.Struct):
    seq: int


def _write_json(value: object) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")
