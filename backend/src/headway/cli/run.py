"""`headway run`, `rerun` and `watch`: follow an execution; its outcome is the exit code."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec

from headway.cli import exits
from headway.cli.backends import Backend, ServerBackend, open_backend, server_url
from headway.cli.following import follow_and_tell, follow_detachably
from headway.cli.inputs import read_input
from headway.client.records import Update
from headway.config import Settings
from headway.errors import InvalidSetting, WorkflowNotFound
from headway.services.views import Started, WorkflowView


@dataclass(frozen=True, slots=True)
class Target:
    """What to run: `FILE:WORKFLOW`, `FILE`, or `WORKFLOW` where a server knows it."""

    file: Path | None
    workflow_id: str | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the command line's form; a file alone ends in `.py`.

        Raises:
            InvalidSetting: The file is not there.
        """
        name, separator, workflow_id = text.rpartition(":")
        if not separator:
            name, workflow_id = (text, "") if text.endswith(".py") else ("", text)
        if name and not Path(name).is_file():
            raise InvalidSetting(f"there is no file {name}; write FILE:WORKFLOW, as in flows.py:report")
        return cls(Path(name).absolute() if name else None, workflow_id or None)


def run(settings: Settings, text: str, pairs: Sequence[str], json_source: str | None) -> int:
    target = Target.parse(text)

    async def start(backend: Backend, workflow: WorkflowView) -> Started:
        given = read_input(pairs, json_source, workflow.input_schema)
        return await backend.start(workflow.workflow_id, given)

    async def on_server(url: str) -> int:
        async with ServerBackend(url, settings.token) as backend:
            started = await start(backend, await find_served(backend, settings, target))
            return await _tell_and_follow(backend, started)

    url = server_url(settings)
    if url:
        return asyncio.run(on_server(url))
    if target.file is None:
        raise InvalidSetting(f"no server runs, so {text!r} must name a file; write FILE:{text}")
    from headway.cli.in_process import run_in_process

    return run_in_process(settings, target.file, target.workflow_id, start)


def rerun(settings: Settings, execution_id: str, from_step: str | None, pairs: Sequence[str]) -> int:
    """Do it over; a pair takes the place of its field of the input."""

    async def retry(backend: Backend, workflow: WorkflowView) -> Started:
        given = None
        if pairs:
            same = msgspec.json.decode((await backend.execution(execution_id)).execution.input)
            given = same | read_input(pairs, None, workflow.input_schema)
        return await backend.retry(execution_id, given, from_step=from_step)

    async def find_in(backend: Backend) -> WorkflowView:
        found = await backend.execution(execution_id)
        return await backend.workflow(found.execution.workflow_id)

    async def on_server(url: str) -> int:
        async with ServerBackend(url, settings.token) as backend:
            return await _tell_and_follow(backend, await retry(backend, await find_in(backend)))

    async def find() -> WorkflowView:
        async with open_backend(settings) as backend:
            return await find_in(backend)

    url = server_url(settings)
    if url:
        return asyncio.run(on_server(url))
    workflow = asyncio.run(find())
    from headway.cli.in_process import run_in_process

    return run_in_process(settings, Path(workflow.source), workflow.workflow_id, retry)


def watch(settings: Settings, watched_id: str, after: int | None, *, as_json: bool) -> int:
    async def ask() -> int:
        async with open_backend(settings) as backend:
            updates = backend.watch(watched_id, after)
            if not as_json:
                return await follow_and_tell(updates)
            async for update in updates:
                sys.stdout.write(frame_text(update) + "\n")
                sys.stdout.flush()
                if update.is_terminal:
                    return exits.OF_STATUS.get(str(update.data.get("status")), exits.FAILED)
            return exits.FAILED

    return asyncio.run(ask())


def frame_text(update: Update) -> str:
    """The frame as a server sends it."""
    return (update.raw or msgspec.json.encode(update)).decode()


async def find_served(backend: ServerBackend, settings: Settings, target: Target) -> WorkflowView:
    """The workflow at the server, from the very file where one is named and the server is this machine's own.

    Raises:
        WorkflowNotFound: Saying how to get it served.
        InvalidSetting: The file alone does not tell which.
    """
    served = (await backend.workflows()).workflows
    candidates = [each for each in served if target.workflow_id in (None, each.workflow_id)]
    if target.file is not None and (settings.url is None or target.workflow_id is None):
        candidates = [each for each in candidates if Path(each.source) == target.file]
    if not candidates:
        of_file = sorted(each.workflow_id for each in served if Path(each.source) == target.file)
        if of_file:
            raise WorkflowNotFound(
                f"{target.file} defines no workflow {target.workflow_id!r}; it has {', '.join(of_file)}"
            )
        wanted = target.workflow_id or "a workflow"
        file = target.file or "FILE"
        raise WorkflowNotFound(
            f"the server at {backend.url} does not serve {wanted!r} of {file}; stop it and start it with "
            f"`headway serve {file}`, or run this apart with --database sqlite:///other.db"
        )
    if len(candidates) > 1:
        names = ", ".join(each.workflow_id for each in candidates)
        raise InvalidSetting(f"{target.file} defines several workflows; choose one of {names} after a colon")
    return candidates[0]


async def _tell_and_follow(backend: ServerBackend, started: Started) -> int:
    sys.stderr.write(f"{backend.url}/executions/{started.execution_id}\n")
    return await follow_detachably(backend, started.execution_id)
