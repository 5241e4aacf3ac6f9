"""All probes in their order: what the later ones need first, and the slow ones beside each other."""

import asyncio

import httpx

from headway.client.doctor.address import Address, examine_address
from headway.client.doctor.findings import Diagnosis, Finding
from headway.client.doctor.http_probes import TIMEOUT_S, HttpProbes
from headway.client.doctor.socket_probes import SocketProbes
from headway.client.doctor.stream_probes import StreamProbes
from headway.client.http import Client
from headway.client.proxies import proxy_of
from headway.domain.position import Cursor
from headway.errors import HeadwayError

MAX_POLL_S = 25.0


async def examine(url: str, token: str | None, *, idle_s: float) -> Diagnosis:
    """Try every way to the server at `url`; takes about `idle_s`, and a few seconds at least.

    Raises:
        InvalidSetting: The URL is none.
    """
    address = Address.parse(url)
    diagnosis = Diagnosis(address.url)
    if not await examine_address(address, diagnosis):
        return diagnosis
    proxy = proxy_of(address.url)
    async with httpx.AsyncClient(
        timeout=TIMEOUT_S, proxy=proxy, trust_env=False, follow_redirects=False
    ) as http:
        probes = HttpProbes(address, token, http)
        if await probes.examine(diagnosis):
            diagnosis.add(*await _examine_feeds(address, token, probes.headers, http, idle_s))
    return diagnosis


async def _examine_feeds(
    address: Address, token: str | None, headers: dict[str, str], http: httpx.AsyncClient, idle_s: float
) -> list[Finding]:
    sockets, streams = SocketProbes(address, headers), StreamProbes(address.url, headers, http)
    workflow_id, execution_id, epoch = await _something_to_follow(address.url, token)
    first = await sockets.rich()
    slow = [asyncio.ensure_future(streams.wait(min(idle_s, MAX_POLL_S)))]
    if first.verdict == "ok":
        slow.append(asyncio.ensure_future(sockets.idle(idle_s)))
        quick = [await sockets.simple(workflow_id), await sockets.deflated(execution_id, epoch)]
        quick.append(await sockets.as_page())
    else:
        names = ("simple mode", "deflate", "origin", "idle WebSocket")
        quick = [Finding(name, "skipped", "needs the WebSocket") for name in names]
    stream = await streams.stream()
    poll, *idle = await asyncio.gather(*slow)
    return [first, *quick, *idle, *stream, poll]


async def _something_to_follow(url: str, token: str | None) -> tuple[str | None, str | None, str | None]:
    """A workflow, an execution, and the epoch of its log, as far as there are any."""
    try:
        async with Client(url, token=token) as client:
            served = (await client.workflows()).workflows
            rows = (await client.executions(limit=1)).executions
            workflow_id = served[0].workflow_id if served else None
            if not rows:
                return workflow_id, None, None
            found = await client.execution(rows[0].execution_id)
            return rows[0].workflow_id, rows[0].execution_id, Cursor.parse(found.cursor).epoch
    except HeadwayError:
        return None, None, None
