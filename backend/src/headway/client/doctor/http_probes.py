"""What becomes of ordinary requests: the API, its errors, the token, the path, the clock."""

import re
from datetime import UTC, datetime
from http import HTTPStatus
from time import monotonic

import httpx

from headway.client.doctor.address import Address
from headway.client.doctor.findings import Diagnosis, Fault, Finding
from headway.client.doctor.fixes import proxy_of

TIMEOUT_S = 10.0
MAX_SKEW_S = 2.0
NOBODY = "0" * 26  # an execution id that nobody has
_NOBODY_BEHIND = frozenset(
    {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
)
_BASE = re.compile(r'<base\s+href="([^"]*)"')


class HttpProbes:
    """Asks the server at `address`, with the token if there is one.

    Args:
        address: Of the server.
        token: For what needs it.
        http: Without any header of its own.
    """

    def __init__(self, address: Address, token: str | None, http: httpx.AsyncClient) -> None:
        self._address = address
        self._token = token
        self._http = http

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    async def examine(self, diagnosis: Diagnosis) -> bool:
        """The API and who may use it; true if it can be used."""
        if not await self._reaches_api(diagnosis):
            return False
        diagnosis.add(await self._prefix(), await self._errors(), await self._clock())
        token = await self._is_let_in()
        diagnosis.add(token)
        return token.verdict != "fails"

    async def _reaches_api(self, diagnosis: Diagnosis) -> bool:
        began = monotonic()
        try:
            answer = await self._get("/api/server")
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            diagnosis.add(Finding("HTTP API", "fails", f"no answer: {reason}", Fault.TCP))
            return False
        took_ms = (monotonic() - began) * 1_000
        diagnosis.proxy = proxy_of(answer.headers.get("server", ""), answer.headers.get("via", ""))
        version = _json(answer).get("version") if answer.status_code == HTTPStatus.OK else None
        if isinstance(version, str) and "capabilities" in _json(answer):
            diagnosis.add(Finding("HTTP API", "ok", f"Headway {version}, {took_ms:.0f} ms"))
            return True
        diagnosis.add(await self._not_headway(answer))
        return False

    async def _not_headway(self, answer: httpx.Response) -> Finding:
        problem = _json(answer)
        if problem.get("code") == "forbidden":
            return Finding("HTTP API", "fails", str(problem.get("detail")), Fault.HOST)
        if str(problem.get("type", "")).startswith("urn:headway:"):
            told = f"Headway answers {answer.status_code}: the path arrives there changed"
            return Finding("HTTP API", "fails", told, Fault.PREFIX)
        if answer.status_code in _NOBODY_BEHIND:
            told = f"answered {answer.status_code}: a proxy does not reach Headway"
            return Finding("HTTP API", "fails", told, Fault.TCP)
        if self._address.path and await self._is_at_root():
            told = f"Headway answers at {self._address.origin}, not under {self._address.path}"
            return Finding("HTTP API", "fails", told, Fault.PREFIX)
        kind = answer.headers.get("content-type", "something").partition(";")[0]
        told = (
            f"{self._address.url}/api/server answers {answer.status_code} with {kind}: not a Headway server"
        )
        return Finding("HTTP API", "fails", told, Fault.NOT_HEADWAY)

    async def _is_at_root(self) -> bool:
        try:
            answer = await self._http.get(f"{self._address.origin}/api/server")
        except httpx.HTTPError:
            return False
        return "capabilities" in _json(answer)

    async def _prefix(self) -> Finding:
        """The page names its own path: with another one, its scripts would not load."""
        found = _BASE.search((await self._get("/")).text)
        if found is None:
            return Finding("path", "skipped", "the server has no page")
        if found[1] == f"{self._address.path}/":
            return Finding("path", "ok", f"the page is at {found[1]}")
        told = f"the page believes to be at {found[1]}, and is at {self._address.path}/"
        return Finding("path", "fails", told, Fault.PREFIX)

    async def _errors(self) -> Finding:
        """An error of the server has to arrive as it was: clients decide by its code."""
        answer = await self._get(f"/api/executions/{NOBODY}")
        if _json(answer).get("code") in ("execution_not_found", "unauthorized"):
            return Finding("errors", "ok", "they arrive as sent")
        kind = answer.headers.get("content-type", "nothing").partition(";")[0]
        told = f"an error arrives as {answer.status_code} with {kind}: somebody replaces it"
        return Finding("errors", "fails", told, Fault.ERRORS)

    async def _is_let_in(self) -> Finding:
        answer = await self._get("/api/executions?limit=1")
        if answer.status_code == HTTPStatus.OK:
            told = "accepted" if self._token else "none is needed"
            return Finding("token", "ok", told)
        if answer.status_code != HTTPStatus.UNAUTHORIZED:
            return Finding("token", "fails", f"the API answers {answer.status_code}", Fault.NOT_HEADWAY)
        if not self._token:
            return Finding("token", "fails", "the server asks for one", Fault.TOKEN)
        session = await self._http.post(f"{self._address.url}/api/session", json={"token": self._token})
        if session.status_code == HTTPStatus.NO_CONTENT:
            told = "the token is right, but the header Authorization does not arrive"
            return Finding("token", "fails", told, Fault.AUTHORIZATION)
        return Finding("token", "fails", "the server does not know this one", Fault.TOKEN)

    async def _clock(self) -> Finding:
        """By the server's own word: a proxy may write the `Date` of an answer."""
        began = datetime.now(UTC)
        answer = await self._get("/api/server/beats?wait=0")
        told = _json(answer).get("now")
        if not isinstance(told, str):
            return Finding("clock", "skipped", "the server does not tell its time without a token")
        middle = began + (datetime.now(UTC) - began) / 2
        skew_s = (datetime.fromisoformat(told) - middle).total_seconds()
        if abs(skew_s) <= MAX_SKEW_S:
            return Finding("clock", "ok", f"within {abs(skew_s):.1f} s of the server's")
        ahead = "behind" if skew_s > 0 else "ahead of"
        return Finding("clock", "note", f"{abs(skew_s):.0f} s {ahead} the server's", Fault.CLOCK)

    async def _get(self, path: str) -> httpx.Response:
        return await self._http.get(self._address.url + path, headers=self.headers, timeout=TIMEOUT_S)


def _json(answer: httpx.Response) -> dict[str, object]:
    """The object in an answer; an empty one where it holds something else."""
    try:
        value = answer.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
