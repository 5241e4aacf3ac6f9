"""What becomes of answers that take their time: streams of events, and pages that wait."""

import asyncio
from http import HTTPStatus
from time import monotonic

import httpx

from headway.client.doctor.findings import Fault, Finding

BEATS, BEAT_S = 4, 0.4
GRACE_S = 10.0


class StreamProbes:
    """Asks for beats at `url`; `headers` carry what lets it in."""

    def __init__(self, url: str, headers: dict[str, str], http: httpx.AsyncClient) -> None:
        self._url = f"{url}/api/server/beats"
        self._headers = headers
        self._http = http

    async def stream(self) -> list[Finding]:
        """Whether events arrive one by one, and unpacked."""
        arrived: list[float] = []
        headers = {**self._headers, "Accept": "text/event-stream", "Accept-Encoding": "gzip"}
        query = {"count": BEATS, "wait": BEAT_S}
        try:
            async with (
                asyncio.timeout(BEATS * BEAT_S + GRACE_S),
                self._http.stream("GET", self._url, params=query, headers=headers) as answer,
            ):
                kind, packed = answer.headers.get("content-type", ""), answer.headers.get("content-encoding")
                if answer.status_code != HTTPStatus.OK or not kind.startswith("text/event-stream"):
                    told = f"answered {answer.status_code} with {kind.partition(';')[0] or 'nothing'}"
                    return [Finding("SSE", "fails", told, Fault.BUFFERING)]
                lines = answer.aiter_lines()
                arrived += [monotonic() async for line in lines if line.startswith("id:")]
        except (httpx.HTTPError, TimeoutError) as error:
            told = f"the stream breaks: {str(error) or type(error).__name__}"
            return [Finding("SSE", "fails", told, Fault.TIMEOUT)]
        return _judge(arrived, packed)

    async def wait(self, wait_s: float) -> Finding:
        """Whether an answer may take so long."""
        began = monotonic()
        timeout = httpx.Timeout(GRACE_S, read=wait_s + GRACE_S)
        try:
            answer = await self._http.get(
                self._url, params={"wait": wait_s}, headers=self._headers, timeout=timeout
            )
        except httpx.HTTPError as error:
            told = f"ended after {monotonic() - began:.1f} s: {str(error) or type(error).__name__}"
            return Finding("long poll", "fails", told, Fault.TIMEOUT)
        took_s = monotonic() - began
        if answer.status_code != HTTPStatus.OK:
            return Finding(
                "long poll", "fails", f"answered {answer.status_code} after {took_s:.1f} s", Fault.TIMEOUT
            )
        return Finding("long poll", "ok", f"an answer may take {took_s:.0f} s")


def _judge(arrived: list[float], packed: str | None) -> list[Finding]:
    """Beats that come all at once were held back; packed ones are by the packer, mostly."""
    span_s = arrived[-1] - arrived[0] if arrived else 0.0
    sent_s = (BEATS - 1) * BEAT_S
    fault = Fault.COMPRESSION if packed else Fault.BUFFERING
    findings = []
    if len(arrived) == BEATS and span_s >= sent_s / 2:
        findings.append(Finding("SSE", "ok", f"{BEATS} events in {span_s:.1f} s, as sent"))
    else:
        told = f"held back: {len(arrived)} of {BEATS} events within {span_s:.1f} s, sent over {sent_s:.1f} s"
        findings.append(Finding("SSE", "fails", told, fault))
    if packed:
        told = f"events come packed with {packed}, by somebody in between"
        findings.append(Finding("compression", "note", told, Fault.COMPRESSION))
    else:
        findings.append(Finding("compression", "ok", "events come unpacked"))
    return findings
