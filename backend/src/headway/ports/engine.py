"""What runs workflows, and what it can do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class Engine(Protocol):
    """Runs workflows. The embedded engine is one; adapters of other engines are others."""

    @property
    def capabilities(self) -> "Capabilities": ...

    async def start(self) -> None: ...

    async def stop(self, grace_s: float) -> None:
        """Stop taking executions; give running ones `grace_s`, then leave them for the next worker."""
        ...


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do; drives what the screen offers."""

    cancel: bool = True
    retry: bool = True
    signals: bool = True  # and approvals
    plan_known: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
