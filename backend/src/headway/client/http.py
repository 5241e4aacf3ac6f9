"""Calls of a server's HTTP API; every refusal is raised as the error the server meant."""

from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlencode

import httpx
import msgspec

from headway.client.problems import to_error
from headway.client.proxies import proxy_of
from headway.errors import PositionLost, ServerUnreachable
from headway.services.producers import Taken
from headway.services.views import (
    ControlReceipt,
    DescriptionView,
    EventsView,
    ExecutionsView,
    Started,
    WorkflowsView,
    WorkflowView,
)

TIMEOUT_S = 10.0
_T = TypeVar("_T")


class Client:
    """A server's HTTP API; use it with `async with`. Goes through the HTTP proxy of the environment, if any.

    Args:
        url: Where the server is, with its prefix: `http://127.0.0.1:8321`.
        token: Shared secret, where the server wants one.
        by: Who asks, as the logs of executions will say.

    Every method raises `ServerUnreachable` where nobody answers, `Unauthorized` without the right token,
    and `NotFound` where the id means nothing.
    """

    def __init__(self, url: str, *, token: str | None = None, by: str = "") -> None:
        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"Headway-By": quote(by)} if by else {}
        self._http = httpx.AsyncClient(
            base_url=self.url,
            headers=headers,
            timeout=TIMEOUT_S,
            proxy=proxy_of(self.url),
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def workflows(self) -> WorkflowsView:
        return await self._get("/api/workflows", WorkflowsView)

    async def workflow(self, workflow_id: str) -> WorkflowView:
        return await self._get(f"/api/workflows/{quote(workflow_id)}", WorkflowView)

    async def start(
        self, workflow_id: str, input: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> Started:
        """Start an execution.

        Raises:
            InvalidInput: Naming each field that does not fit.
            WorkflowUnavailable: The workflow's file does not import now.
        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        path = f"/api/workflows/{quote(workflow_id)}/executions"
        return await self._post(path, Started, {"input": input}, headers)

    async def executions(
        self,
        *,
        workflow_id: str | None = None,
        statuses: Sequence[str] = (),
        limit: int = 50,
        cursor: str | None = None,
    ) -> ExecutionsView:
        """A page of executions, newest first; `cursor` is the page before's `next_cursor`."""
        wanted: list[tuple[str, str | int]] = [("limit", limit), *(("status", each) for each in statuses)]
        if workflow_id:
            wanted.append(("workflow_id", workflow_id))
        if cursor:
            wanted.append(("cursor", cursor))
        return await self._get(f"/api/executions?{urlencode(wanted)}", ExecutionsView)

    async def execution(self, execution_id: str) -> DescriptionView:
        return await self._get(f"/api/executions/{quote(execution_id)}", DescriptionView)

    async def holds(self, execution_id: str, cursor: str) -> bool:
        """Whether the log goes through this cursor; not where an older copy was restored."""
        try:
            path = f"/api/executions/{quote(execution_id)}/events?cursor={quote(cursor)}&limit=1"
            await self._get(path, EventsView)
        except PositionLost:
            return False
        return True

    async def lines(self, execution_id: str) -> AsyncIterator[bytes]:
        """The stored lines of an execution, oldest first, without their newlines."""
        path = f"/api/executions/{quote(execution_id)}/export"
        try:
            async with self._http.stream("GET", path) as answer:
                if answer.status_code >= httpx.codes.BAD_REQUEST:
                    raise to_error(answer.status_code, await answer.aread())
                rest = b""
                async for piece in answer.aiter_bytes():
                    *whole, rest = (rest + piece).split(b"\n")
                    for line in whole:
                        yield line
                if rest:
                    yield rest
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    async def cancel(
        self, execution_id: str, *, force: bool = False, idempotency_key: str | None = None
    ) -> ControlReceipt:
        """Ask for an execution's end; the receipt's stages follow in its log.

        With `force` its worker's process is ended if the event loop there does not answer within about 2 s;
        other executions on it go on from their last finished step.

        Raises:
            ExecutionClosed: It has ended already.
        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        body = {"force": True} if force else {}
        return await self._post(
            f"/api/executions/{quote(execution_id)}/cancel", ControlReceipt, body, headers
        )

    async def retry(
        self,
        execution_id: str,
        input: Mapping[str, Any] | None = None,
        *,
        from_step: str | None = None,
        idempotency_key: str | None = None,
    ) -> Started:
        """Start a new execution of the same workflow, with the same input unless another is given.

        With `from_step`, a step's id or name, the results from before it began are used again.

        Raises:
            InvalidInput: Naming each field that does not fit, or `from_step` where there was no such step.
        """
        given = {"input": input, "from_step": from_step}
        body = {name: value for name, value in given.items() if value is not None}
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return await self._post(f"/api/executions/{quote(execution_id)}/retry", Started, body, headers)

    async def answer(
        self,
        execution_id: str,
        approval_id: str,
        *,
        approved: bool,
        values: Mapping[str, Any] | None = None,
        reason: str | None = None,
    ) -> ControlReceipt:
        """Answer a question of the workflow; `reason` says why, in its log.

        Raises:
            ApprovalClosed: It was answered otherwise, has expired, or is no longer asked.
            ExecutionClosed: The execution has ended.
            InvalidInput: Naming each value that does not fit the question's form.
        """
        path = f"/api/executions/{quote(execution_id)}/approvals/{quote(approval_id, safe='')}"
        body = {"approved": approved, "values": values, "reason": reason or ""}
        return await self._post(path, ControlReceipt, body, {})

    async def signal(
        self, execution_id: str, name: str, value: Any = None, *, idempotency_key: str | None = None
    ) -> ControlReceipt:
        """Send the workflow a message; it is kept until the workflow waits for one of this name.

        Raises:
            ExecutionClosed: The execution has ended.
        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        path = f"/api/executions/{quote(execution_id)}/signals/{quote(name, safe='')}"
        return await self._post(path, ControlReceipt, {"value": value}, headers)

    async def add_lines(
        self, execution_id: str, producer_id: str, first: int, lines: Sequence[Mapping[str, Any]]
    ) -> Taken:
        """Add lines to an execution's log from outside; `headway.client.Producer` keeps the numbers.

        Raises:
            ExecutionClosed: The execution has ended.
            ProducerGap: `first` is not the number that comes next.
            IdempotencyConflict: The number stands for another line.
        """
        path = f"/api/executions/{quote(execution_id)}/producers/{quote(producer_id, safe='')}/log"
        return await self._post(path, Taken, {"first": first, "lines": lines}, {})

    async def _get(self, path: str, kind: type[_T]) -> _T:
        return await self._call("GET", path, kind)

    async def _post(self, path: str, kind: type[_T], body: Mapping[str, Any], headers: dict[str, str]) -> _T:
        try:
            content = msgspec.json.encode(body)
        except (TypeError, ValueError) as error:
            from headway.services.inputs import not_json  # and with it what checks schemas

            raise not_json(body, "the request", error) from error
        headers = {**headers, "Content-Type": "application/json"}
        return await self._call("POST", path, kind, content=content, headers=headers)

    async def _call(self, method: str, path: str, kind: type[_T], **request: Any) -> _T:
        try:
            answer = await self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if answer.status_code >= httpx.codes.BAD_REQUEST:
            raise to_error(answer.status_code, answer.content)
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except msgspec.MsgspecError as error:
            raise ServerUnreachable(f"{self.url} answers, but not as a Headway server does") from error

    def _unreachable(self, error: httpx.HTTPError) -> ServerUnreachable:
        reason = str(error) or type(error).__name__
        return ServerUnreachable(f"no server answers at {self.url} ({reason}); start one: headway serve FILE")
