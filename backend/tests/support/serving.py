"""A real `headway serve` on a database of its own, for tests of processes."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.support.eventually import eventually

from headway.adapters.journal.sqlite import SqliteJournal
from headway.domain.events import Event, decode_line
from headway.domain.identifiers import ExecutionId
from headway.domain.position import chain, initial_tag
from headway.ports import Journal

FLOWS = Path(__file__).parent / "flows" / "steady.py"
START_WITHIN_S = 30.0


def headway_command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from headway_command import main; main()", *arguments]


def environment(database: Path, **more: str) -> dict[str, str]:
    """Ours without what would change a command, with this database."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HEADWAY_")}
    ours = {"HEADWAY_DATABASE": f"sqlite:///{database}", "HEADWAY_GRACE_S": "1", "NO_COLOR": "1"}
    return {**kept, **ours, **more}


class Serving:
    """A running server; `url` answers."""

    def __init__(self, process: subprocess.Popen[str], database: Path, url: str, errors: Path) -> None:
        self.process = process
        self.database = database
        self.url = url
        self._errors = errors

    @property
    def log(self) -> str:
        """What the processes have said on stderr so far."""
        return self._errors.read_text()

    def children(self, module: str) -> list[int]:
        """Pids of the supervisor's children that run this module."""
        listing = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
        ).stdout
        rows = [line.split(maxsplit=2) for line in listing.splitlines()]
        return [int(pid) for pid, parent, args in rows if int(parent) == self.process.pid and module in args]

    def kill(self, module: str) -> int:
        """`kill -9` the child that runs this module, once there is one."""
        pid = eventually(lambda: self.children(module), within_s=20)[0]
        os.kill(pid, signal.SIGKILL)
        return pid

    def start(self, workflow_id: str, **input: object) -> ExecutionId:
        """Start an execution, once a worker has imported its file, without following it."""
        address = f"{self.url}/api/workflows/{workflow_id}"
        eventually(lambda: status_of(address) == HTTPStatus.OK, within_s=START_WITHIN_S)
        body = json.dumps({"input": input}).encode()
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(f"{address}/executions", body, headers), timeout=10) as answer:
            return ExecutionId(json.load(answer)["execution_id"])

    def command(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return command(self.database, *arguments, **more)


def status_of(address: str) -> int:
    try:
        with urlopen(address, timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def command(database: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        headway_command(*arguments),
        env=environment(database, **more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def serving(
    database: Path, files: Sequence[Path] = (FLOWS,), *options: str, **more: str
) -> Iterator[Serving]:
    """Serve on a free port until the block ends; then SIGTERM, and nothing may be left."""
    with tempfile.NamedTemporaryFile("w", suffix=".log") as errors:
        process = subprocess.Popen(
            headway_command("serve", *map(str, files), "--port", "0", *options),
            env=environment(database, **more),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        alarm = threading.Timer(START_WITHIN_S, process.kill)
        alarm.start()
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            alarm.cancel()
            assert "Headway is at" in line, f"did not start: {Path(errors.name).read_text()}"
            yield Serving(process, database, line.split()[3], Path(errors.name))
        finally:
            alarm.cancel()
            process.terminate()
            try:
                process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


@dataclass(frozen=True, slots=True)
class StoredLog:
    """All stored lines of an execution, and the chained tag at each seq from 0 on."""

    lines: list[bytes]
    tags: list[int]


def stored_log(journal: Journal, execution_id: ExecutionId) -> StoredLog:
    """What there is at the moment; checks on the way that its chain holds."""
    head = journal.get(execution_id).head
    lines, tags = list[bytes](), [initial_tag(head.epoch)]
    while segments := journal.read(execution_id, len(lines)):
        for segment in segments:
            lines += segment.body.split(b"\n")[:-1]
            for line in lines[len(tags) - 1 :]:
                tags.append(chain(tags[-1], line + b"\n"))
            assert tags[-1] == segment.tag_after
    upto = head.last_seq  # more may have come since
    assert tags[upto] == head.last_tag
    return StoredLog(lines[:upto], tags[: upto + 1])


def stored_events(journal: Journal, execution_id: ExecutionId) -> list[Event]:
    """All events of an execution; checks on the way that its seqs are 1…n and its chain holds."""
    events = [decode_line(line) for line in stored_log(journal, execution_id).lines]
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    return events


def is_alive(pid: int) -> bool:
    """Whether it runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@contextmanager
def journal_of(database: Path) -> Iterator[SqliteJournal]:
    journal = SqliteJournal(database)
    try:
        yield journal
    finally:
        journal.close()
