"""Viewers in TypeScript: the page's own feeds, in one Node process, bundled from the front end's sources."""

import asyncio
import json
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from scripts.node import ROOT, node_command
from tests.support.chaos.watch import Watch

from headway.domain.position import Cursor

FRONTEND = ROOT / "frontend"
BUNDLER = FRONTEND / "node_modules" / "rolldown" / "bin" / "cli.mjs"
MAX_LINE_BYTES = 16 << 20
_SHOWN = ("seq", "kind", "type", "timestamp", "data")


def as_shown(line: bytes) -> bytes:
    """A stored line as a page may tell of it: numbers are what JavaScript makes of them."""
    event = json.loads(line, parse_int=float)
    return json.dumps({name: event[name] for name in _SHOWN}, sort_keys=True).encode()


class Pages:
    """Node with the front end's client; an asynchronous context manager, and a viewer for each call."""

    def __init__(self, folder: Path) -> None:
        self._bundle = folder / "watch.mjs"
        self._watches: dict[int, tuple[Watch, asyncio.Event]] = {}
        self._problem: Exception | None = None

    async def __aenter__(self) -> Self:
        source = FRONTEND / "test" / "watchExecutions.ts"
        options = [
            "--file",
            str(self._bundle),
            "--format",
            "esm",
            "--platform",
            "node",
            "--log-level",
            "silent",
        ]
        bundling = await asyncio.create_subprocess_exec(
            node_command(), BUNDLER, source, *options, cwd=FRONTEND, stdout=DEVNULL
        )
        assert await bundling.wait() == 0, "needs Node and the front end's packages: make setup"
        self._node: Process = await asyncio.create_subprocess_exec(
            node_command(), self._bundle, stdin=PIPE, stdout=PIPE, limit=MAX_LINE_BYTES
        )
        self._hearing = asyncio.create_task(self._hear())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._hearing.cancel()
        with suppress(ProcessLookupError):
            self._node.kill()
        await self._node.communicate()

    async def __call__(self, url: str, watch: Watch) -> None:
        """Follow until the end."""
        number, over = len(self._watches), asyncio.Event()
        self._watches[number] = (watch, over)
        assert self._node.stdin is not None
        order = {"id": number, "base": url, "execution": watch.execution_id}
        self._node.stdin.write(json.dumps(order).encode() + b"\n")
        await over.wait()
        if self._problem is not None:
            raise self._problem

    async def _hear(self) -> None:
        assert self._node.stdout is not None
        try:
            while line := await self._node.stdout.readline():
                news = json.loads(line)
                watch, over = self._watches[news["id"]]
                if not watch.is_over:
                    self._take(watch, news, line)
                if watch.is_over:
                    over.set()
            raise AssertionError("the Node process has ended")
        except Exception as error:  # a viewer's rule that does not hold: whoever waits for it shall know
            self._problem = error
            for _, over in self._watches.values():
                over.set()

    def _take(self, watch: Watch, news: dict[str, Any], line: bytes) -> None:
        match news["t"]:
            case "event":
                event = json.loads(line, parse_int=float)["event"]
                shown = json.dumps({name: event[name] for name in _SHOWN}, sort_keys=True).encode()
                watch.take(int(event["seq"]), shown)
            case "snapshot":
                self._begin(watch, news)
            case "cursor":
                assert Cursor.parse(news["cursor"]).seq == watch.seq, f"{watch} is at {news['cursor']}"
                watch.tag = Cursor.parse(news["cursor"]).tag
            case "complete":
                watch.ended = True
            case "connection":
                watch.connections += news["name"] in ("connecting", "reconnecting")
                watch.gone = news["name"] == "refused"
            case _:
                raise AssertionError(f"{watch}: {news}")

    def _begin(self, watch: Watch, news: dict[str, Any]) -> None:
        cursor = Cursor.parse(news["cursor"]) if news["cursor"] else None
        if news["why"] is None:
            watch.begin_at(news["seq"], cursor.tag if cursor else None)
            return
        assert cursor is not None
        watch.reset(news["why"], None, cursor)
