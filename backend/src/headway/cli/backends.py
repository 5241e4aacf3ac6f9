"""Where a command finds executions: a server, or the database itself where no server holds it."""

import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, Self

from typing_extensions import override

from headway import bootstrap
from headway.client.http import Client
from headway.client.ladder import Transport
from headway.client.records import Update
from headway.client.watching import watch
from headway.config import Settings
from headway.services.views import (
    ControlReceipt,
    DescriptionView,
    ExecutionsView,
    Started,
    WorkflowView,
)

_TRANSPORTS: dict[Transport, str] = {
    "websocket": "a WebSocket",
    "sse": "Server-Sent Events",
    "poll": "long poll",
}


class Backend(Protocol):
    """What the commands ask for; the methods mean what `headway.client.Client`'s mean."""

    async def workflow(self, workflow_id: str) -> WorkflowView: ...

    async def executions(
        self, *, workflow_id: str | None = None, statuses: Sequence[str] = (), limit: int = 50
    ) -> ExecutionsView: ...

    async def execution(self, execution_id: str) -> DescriptionView: ...

    async def start(self, workflow_id: str, input: Mapping[str, Any]) -> Started: ...

    async def retry(
        self, execution_id: str, input: Mapping[str, Any] | None = None, *, from_step: str | None = None
    ) -> Started: ...

    async def cancel(self, execution_id: str, *, force: bool = False) -> ControlReceipt: ...

    async def answer(
        self,
        execution_id: str,
        approval_id: str,
        *,
        approved: bool,
        values: Mapping[str, Any] | None = None,
        reason: str | None = None,
    ) -> ControlReceipt: ...

    async def signal(
        self, execution_id: str, name: str, value: Any = None, *, idempotency_key: str | None = None
    ) -> ControlReceipt: ...

    def lines(self, execution_id: str) -> AsyncIterator[bytes]: ...

    def watch(self, watched_id: str, after: int | None) -> AsyncIterator[Update]: ...


class ServerBackend(Client):
    """A server, with its feed."""

    def __init__(self, url: str, token: str | None) -> None:
        super().__init__(url, token=token, by="cli")
        self._token = token

    @override
    async def __aenter__(self) -> Self:
        await super().__aenter__()
        return self

    def watch(self, watched_id: str, after: int | None) -> AsyncIterator[Update]:
        return watch(
            self.url,
            watched_id,
            after=after,
            token=self._token,
            on_cut=_tell_cut,
            on_transport=_tell_transport,
        )


def server_url(settings: Settings) -> str | None:
    """The server to talk to: the one that was named, else the one that holds the database."""
    if settings.url:
        return settings.url
    holder = bootstrap.database_holder(settings)
    return holder.url if holder else None


def open_backend(settings: Settings) -> AbstractAsyncContextManager[Backend]:
    """A server where there is one, else the database.

    Raises:
        JournalUnavailable: There is neither.
    """
    url = server_url(settings)
    if url:
        return ServerBackend(url, settings.token)
    from headway.cli.database_backend import open_database

    return open_database(settings)


def _tell_transport(transport: Transport, reason: str) -> None:
    sys.stderr.write(f"Now following by {_TRANSPORTS[transport]} ({reason})\n")


def _tell_cut(reason: str, wait_s: float) -> None:
    sys.stderr.write(f"Connection lost ({reason}); trying again in {wait_s:.1f} s\n")
