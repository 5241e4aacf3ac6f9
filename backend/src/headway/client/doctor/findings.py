"""What an examination finds, and what follows from it; pure."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Verdict = Literal["ok", "note", "fails", "skipped"]


class Fault(StrEnum):
    """What is set up badly, or missing; `fixes` says where."""

    NAME = "name"
    TCP = "tcp"
    TLS = "tls"
    NOT_HEADWAY = "not-headway"
    PREFIX = "prefix"
    HOST = "host"
    ORIGIN = "origin"
    TOKEN = "token"
    AUTHORIZATION = "authorization"
    UPGRADE = "upgrade"
    SUBPROTOCOL = "subprotocol"
    FRAMES = "frames"
    TIMEOUT = "timeout"
    BUFFERING = "buffering"
    COMPRESSION = "compression"
    ERRORS = "errors"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was seen and, where it fails, what is at fault."""

    check: str
    verdict: Verdict
    detail: str
    fault: Fault | None = None


@dataclass(slots=True)
class Diagnosis:
    """All findings about one address; `proxy` is what stands before the server, as far as it says so."""

    url: str
    proxy: str | None = None
    findings: list[Finding] = field(default_factory=list)

    def add(self, *findings: Finding) -> None:
        self.findings += findings

    def verdict(self, check: str) -> Verdict | None:
        """Of one check, if it was made."""
        return next((each.verdict for each in self.findings if each.check == check), None)

    @property
    def transport(self) -> str | None:
        """The best transport that a feed would use here; `None` if none works."""
        names = {"WebSocket": "WebSocket", "SSE": "Server-Sent Events", "long poll": "long poll"}
        if self.verdict("HTTP API") != "ok" or self.verdict("token") == "fails":
            return None
        return next((name for check, name in names.items() if self.verdict(check) == "ok"), None)

    @property
    def is_good(self) -> bool:
        """Nothing fails."""
        return all(each.verdict != "fails" for each in self.findings)
