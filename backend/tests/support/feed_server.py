"""A real server that does what it is told on stdin, for the tests of the TypeScript client.

`python -m tests.support.feed_server [TOKEN]` prints its address, then obeys one JSON object a line:
`{"do": "log", "count": 3}`, `complete`, `next` (another execution, once the one before has ended), `burst`
(so many at once, with ids against the order of creation, and all end), `copy`, `restore`, `drain`. Each is
answered by a line, `{"execution_id", "last_seq"}`.
"""

import itertools
import json
import sys
from collections.abc import Iterator
from typing import Any

from tests.support.authored import START_NS, AuthoredExecution, define
from tests.support.restorable import Restorable
from tests.support.server import RunningServer, serving

from headway.adapters.journal.memory import MemoryJournal
from headway.domain.identifiers import execution_id
from headway.protocol.session import SessionOptions, Timers

WORKFLOW = "nightly_import"
LINE = "line {n} of a log that is worth compressing, compressing, compressing"


class Puppet:
    """Authors executions on a server, as it is told."""

    def __init__(self, server: RunningServer, journal: MemoryJournal) -> None:
        self._server = server
        self._journal = journal
        self._execution = AuthoredExecution(server.journal, server.hints, WORKFLOW)
        self._copy = Restorable(journal, self._execution)
        self._set_back_ms = itertools.count(1)

    def obey(self, do: str, count: int = 1) -> dict[str, Any]:
        match do:
            case "log":
                self._execution.log(count, LINE)
            case "complete":
                self._execution.complete()
            case "next":
                self._end()
                self._execution = AuthoredExecution(self._server.journal, self._server.hints, WORKFLOW)
            case "burst":
                self._burst(count)
            case "copy":
                self._copy = Restorable(self._journal, self._execution)
            case "restore":
                self._copy.restore()
                self._execution = self._copy.execution
            case "drain":
                self._drain()
            case _:
                raise ValueError(do)
        last_seq = self._journal.get(self._execution.id).head.last_seq
        return {"execution_id": self._execution.id, "last_seq": last_seq}

    def _end(self) -> None:
        if not self._journal.get(self._execution.id).head.closed:
            self._execution.complete()

    def _burst(self, number: int) -> None:
        """As if the clock were set back before each."""
        ids = [execution_id(START_NS // 1_000_000 - next(self._set_back_ms), 0) for _ in range(number)]
        created = [
            AuthoredExecution(self._server.journal, self._server.hints, WORKFLOW, id=each) for each in ids
        ]
        for each in (self._execution, *created):
            self._execution = each
            self._end()

    def _drain(self) -> None:
        """Ask the viewers to move, as before a restart; this server itself stays, and lets them in again."""
        loop = self._server.server._loop
        assert loop is not None
        loop.call_soon_threadsafe(self._ask_to_move)

    def _ask_to_move(self) -> None:
        for viewer in list(self._server.feed._viewers):
            viewer.drain(earliest_s=0.0, latest_s=2.0, retry_ms=0)


def orders() -> Iterator[dict[str, Any]]:
    for line in sys.stdin:
        yield json.loads(line)


def main() -> None:
    journal = MemoryJournal()
    quickly: dict[str, Any] = {"tick_s": 0.02, "options": SessionOptions(timers=Timers(ping_s=0.2))}
    token = sys.argv[1] if len(sys.argv) > 1 else None
    with serving(journal, feed=quickly, fanout={"sweep_s": 0.05}, token=token) as server:
        define(journal, WORKFLOW)
        puppet = Puppet(server, journal)
        sys.stdout.write(server.url + "\n")
        sys.stdout.flush()
        for order in orders():
            sys.stdout.write(json.dumps(puppet.obey(**order)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
