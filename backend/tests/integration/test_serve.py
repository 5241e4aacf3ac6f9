"""`headway serve` and the commands, as a person runs them: real processes, exit codes, what is said."""

import contextlib
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from tests.support.eventually import eventually
from tests.support.serving import (
    FLOWS,
    Serving,
    command,
    environment,
    headway_command,
    journal_of,
    serving,
    status_of,
    stored_events,
)

from headway.adapters.database_lock import DatabaseLock, holder_of

FLOW = """
from headway import workflow

@workflow
def report(month: str, top: int = 3) -> str:
    return f"{month} {top}"
"""
FAILING = """
from headway import workflow

@workflow
def fail() -> None:
    raise KeyError("sku")
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for the tests that do it no harm."""
    folder = tmp_path_factory.mktemp("serve")
    broken = folder / "broken.py"
    broken.write_text("import no_such_module\n")
    flows = folder / "flows.py"
    flows.write_text(FLOW)
    with serving(folder / "headway.db", [FLOWS, flows, broken]) as running:
        eventually(lambda: "broken.py is not served" in running.log, within_s=20)
        yield running


def asked(served: Serving, path: str) -> dict[str, object]:
    with urlopen(f"{served.url}{path}", timeout=10) as answer:
        found: dict[str, object] = json.load(answer)
        return found


def test_run_uses_the_server_that_holds_the_database_and_shows_how_it_ended(served: Serving) -> None:
    flows = served.database.parent / "flows.py"
    done = served.command("run", f"{flows}:report", "--input", "month=May", "-i", "top=5")
    assert done.returncode == 0, done.stderr
    assert '"May 5"' in done.stdout
    assert "completed: 3 events" in done.stdout
    assert f"{served.url}/executions/" in done.stderr


def test_the_commands_agree_on_one_execution(served: Serving) -> None:
    """`ls`, `show`, `export`, `watch`, `verify` and `rerun` through the server."""
    execution_id = served.start("report", month="June")
    watched = served.command("watch", execution_id, "--json")
    assert watched.returncode == 0, watched.stderr
    assert [json.loads(line)["seq"] for line in watched.stdout.splitlines()] == [1, 2, 3]
    assert execution_id in served.command("ls", "--workflow", "report").stdout
    shown = json.loads(served.command("show", execution_id, "--json").stdout)
    assert (shown["execution"]["status"], shown["state"]["output"]) == ("completed", "June 3")
    exported = served.command("export", execution_id).stdout.splitlines()
    assert [json.loads(line)["kind"] for line in exported][-1] == "execution.completed"
    assert served.command("verify", execution_id).stdout == "complete and verified: 3 events\n"
    again = served.command("rerun", execution_id)
    assert again.returncode == 0
    [newest, *_] = json.loads(served.command("ls", "--limit", "1", "--json").stdout)
    assert newest["retry_of"] == execution_id


def test_input_that_does_not_fit_names_the_field(served: Serving) -> None:
    refused = served.command("run", "report", "-i", "top=many")
    assert refused.returncode == 2
    assert "top" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_workflow_that_the_server_does_not_serve_is_told_with_the_way_out(
    served: Serving, tmp_path: Path
) -> None:
    other = tmp_path / "other.py"
    other.write_text(FLOW)
    refused = served.command("run", f"{other}:report", "-i", "month=May")
    assert refused.returncode == 2
    assert f"headway serve {other}" in refused.stderr


def test_a_name_that_a_served_file_lacks_is_told_with_those_it_has(served: Serving) -> None:
    flows = served.database.parent / "flows.py"
    refused = served.command("run", f"{flows}:reprot", "-i", "month=May")
    assert refused.returncode == 2
    assert "defines no workflow 'reprot'" in refused.stderr
    assert "It has report" in refused.stderr


def test_a_file_that_does_not_import_is_shown_and_the_others_are_served(served: Serving) -> None:
    listed = asked(served, "/api/workflows")
    assert {each["workflow_id"] for each in listed["workflows"]} >= {"report", "steady"}  # type: ignore[union-attr,attr-defined]
    [broken] = [each for each in listed["sources"] if each["path"].endswith("broken.py")]  # type: ignore[union-attr,attr-defined]
    assert "No module named 'no_such_module'" in broken["import_error"]


def test_a_second_server_on_the_database_names_the_first(served: Serving) -> None:
    second = served.command("serve", str(FLOWS), "--port", "0")
    assert second.returncode == 2
    assert str(served.process.pid) in second.stderr
    assert served.url in second.stderr


def test_a_port_in_use_is_told_with_the_way_out(served: Serving, tmp_path: Path) -> None:
    port = served.url.rpartition(":")[2]
    second = command(tmp_path / "other.db", "serve", str(FLOWS), "--port", port)
    assert second.returncode == 2
    assert "--port" in second.stderr
    pids = [served.process.pid, *served.children("headway.")]
    assert any(str(pid) in second.stderr for pid in pids) or sys.platform != "linux"
    assert "Traceback" not in second.stderr


def test_cancel_ends_a_running_step_and_the_exit_code_says_so(served: Serving, tmp_path: Path) -> None:
    execution_id = served.start("waiting", marker=str(tmp_path / "never"))
    watcher = subprocess.Popen(
        headway_command("watch", execution_id), env=environment(served.database), stdout=subprocess.PIPE
    )
    assert served.command("cancel", execution_id).returncode == 0
    assert watcher.wait(20) == 3
    watcher.communicate()
    again = served.command("cancel", execution_id)
    assert again.returncode == 2
    assert "ended" in again.stderr


def test_ctrl_c_leaves_a_followed_execution_to_the_server(served: Serving, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    runner = subprocess.Popen(
        headway_command("run", "waiting", "-i", f"marker={marker}"),
        env=environment(served.database),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert runner.stderr is not None
    execution_id = runner.stderr.readline().strip().rpartition("/")[2]
    assert runner.stdout is not None
    assert "queued" in runner.stdout.readline()
    runner.send_signal(signal.SIGINT)
    _, said = runner.communicate(timeout=20)
    assert runner.returncode == 130
    assert f"headway watch {execution_id}" in said
    marker.write_text("done")
    assert served.command("watch", execution_id).returncode == 0


def test_a_saved_file_gives_new_executions_the_new_code_and_leaves_the_running_one_its_own(
    tmp_path: Path,
) -> None:
    flows, marker = tmp_path / "flows.py", tmp_path / "marker"
    code = (
        "import asyncio\nfrom pathlib import Path\nfrom headway import workflow\n\nVERSION = 'old'\n\n\n"
        "@workflow\nasync def tell(marker: str) -> str:\n"
        "    while not Path(marker).exists():\n        await asyncio.sleep(0.02)\n    return VERSION\n"
    )
    flows.write_text(code)
    with serving(tmp_path / "headway.db", [flows]) as running, journal_of(running.database) as journal:
        first = running.start("tell", marker=str(marker))
        eventually(lambda: journal.get(first).head.last_seq >= 2, within_s=10)
        flows.write_text(code.replace("'old'", "'new and longer'"))
        eventually(lambda: "imported again: tell" in running.log, within_s=10)
        second = running.start("tell", marker=str(marker))
        eventually(lambda: journal.get(second).head.last_seq >= 2, within_s=10)
        flows.write_text("import no_such_module\n")
        eventually(lambda: "flows.py is not served" in running.log, within_s=10)
        marker.write_text("")
        for execution_id, told in ((first, b'"old"'), (second, b'"new and longer"')):
            eventually(lambda one=execution_id: journal.get(one).head.closed, within_s=10)
            assert bytes(stored_events(journal, execution_id)[-1].data.result.output) == told  # type: ignore[attr-defined]
        assert running.command("run", "tell", "-i", "marker=x").returncode == 2


def test_sigterm_ends_all_in_order_and_says_nothing_more(tmp_path: Path) -> None:
    with serving(tmp_path / "headway.db") as running:
        children = running.children("headway.")
        assert len(children) == 2
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(15) == 0
        assert "Traceback" not in running.log
        for pid in children:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
    assert holder_of(tmp_path / "headway.db") is None


def test_a_run_in_process_leaves_what_every_command_reads_without_a_server(tmp_path: Path) -> None:
    flows, database = tmp_path / "flows.py", tmp_path / "headway.db"
    flows.write_text(FLOW)
    assert command(database, "run", f"{flows}:report", "-i", "month=May").returncode == 0
    [row] = json.loads(command(database, "ls", "--json").stdout)
    assert row["status"] == "completed"
    assert command(database, "verify", row["execution_id"]).stdout == "complete and verified: 3 events\n"
    assert command(database, "watch", row["execution_id"]).returncode == 0
    again = command(database, "rerun", row["execution_id"])
    assert again.returncode == 0
    assert '"May 3"' in again.stdout


def test_ctrl_c_cancels_a_run_in_process(tmp_path: Path) -> None:
    runner = subprocess.Popen(
        headway_command("run", f"{FLOWS}:waiting", "-i", f"marker={tmp_path / 'never'}"),
        env=environment(tmp_path / "headway.db"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert runner.stdout is not None
    eventually(lambda: "wait_for" in runner.stdout.readline(), within_s=20)  # type: ignore[union-attr]
    runner.send_signal(signal.SIGINT)
    out, _ = runner.communicate(timeout=20)
    assert runner.returncode == 3
    assert "cancelled:" in out


def test_a_failed_run_exits_1_with_the_users_own_lines(tmp_path: Path) -> None:
    flows = tmp_path / "flows.py"
    flows.write_text(FAILING)
    failed = command(tmp_path / "headway.db", "run", str(flows))
    assert failed.returncode == 1
    assert "Failed: KeyError: 'sku'" in failed.stdout
    assert "flows.py" in failed.stdout
    assert "headway/services" not in failed.stdout


@pytest.mark.parametrize("kind", ["text", "folder", "no folder"])
def test_a_database_that_cannot_be_used_is_told_in_words(tmp_path: Path, kind: str) -> None:
    database = tmp_path / "headway.db"
    if kind == "text":
        database.write_text("this is a text, and not a short one: it is long enough to be read as a page\n")
    elif kind == "folder":
        database.mkdir()
    else:
        database = Path("/proc/headway/headway.db")
    refused = command(database, "serve", str(FLOWS), "--port", "0")
    assert refused.returncode == 4
    assert str(database) in refused.stderr
    assert "Traceback" not in refused.stderr
    assert len(refused.stderr.splitlines()) <= 3


@pytest.mark.parametrize("kind", ["text", "database"])
@pytest.mark.parametrize("words", [["serve", str(FLOWS), "--port", "0"], ["run", f"{FLOWS}:steady"], ["ls"]])
def test_nothing_is_left_beside_a_file_that_is_not_ours(tmp_path: Path, kind: str, words: list[str]) -> None:
    """As where an address is mistyped: `sqlite:////etc/passwd`."""
    foreign = tmp_path / "foreign"
    if kind == "text":
        foreign.write_text("root:x:0:0:root:/root:/bin/bash\n")
    else:
        with contextlib.closing(sqlite3.connect(foreign)) as connection:
            connection.execute("CREATE TABLE theirs (id)")
            connection.commit()
    before = foreign.read_bytes()
    refused = command(foreign, *words)
    assert refused.returncode == 4
    assert str(foreign) in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["foreign"]
    assert foreign.read_bytes() == before


def test_a_server_that_cannot_write_is_not_ready_until_it_can(tmp_path: Path) -> None:
    with serving(tmp_path / "headway.db") as running:
        running.start("steady", steps=1)
        ready = f"{running.url}/readyz"
        assert status_of(ready) == HTTPStatus.OK
        [server] = running.children("headway.server")
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.prlimit(server, resource.RLIMIT_FSIZE, (4096, hard))
        body = json.dumps({"input": {"steps": 1}}).encode()
        start = Request(
            f"{running.url}/api/workflows/steady/executions", body, {"Content-Type": "application/json"}
        )
        with pytest.raises(HTTPError) as refused:
            urlopen(start, timeout=10)
        refused.value.close()
        assert refused.value.code == HTTPStatus.SERVICE_UNAVAILABLE
        assert status_of(ready) == HTTPStatus.SERVICE_UNAVAILABLE
        resource.prlimit(server, resource.RLIMIT_FSIZE, (hard, hard))
        assert status_of(ready) == HTTPStatus.OK


def test_a_full_disk_is_told_and_what_is_stored_stays_whole(tmp_path: Path) -> None:
    """The file size limit stands in for the disk: writes beyond it fail in the same way."""
    database = tmp_path / "headway.db"
    limit = 256 << 10
    with (tmp_path / "said").open("w+") as said:
        runner = subprocess.Popen(
            headway_command("run", f"{FLOWS}:steady", "-i", "steps=2000"),
            env=environment(database),
            stdout=subprocess.DEVNULL,
            stderr=said,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )
        try:
            eventually(lambda: "unavailable" in Path(said.name).read_text(), within_s=40)
        finally:
            runner.kill()
            runner.wait()
        told = Path(said.name).read_text()
    assert "Traceback" not in told
    assert str(database) in told
    [row] = json.loads(command(database, "ls", "--json").stdout)
    verified = command(database, "verify", row["execution_id"]).stdout
    assert verified.startswith("verified so far, still open")


def test_what_cannot_be_read_or_written_is_no_bug_of_headway(tmp_path: Path) -> None:
    """Bytes that are no text, a locale without the letters of the input, a full disk behind `>`."""
    flows, database = tmp_path / "flows.py", tmp_path / "headway.db"
    flows.write_text(FLOW)
    words = headway_command("run", f"{flows}:report", "-i")
    ascii_only = environment(database, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    done = subprocess.run(
        [*words, "month=März".encode()], env=ascii_only, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b"M\\xe4rz" in done.stdout
    [row] = json.loads(command(database, "ls", "--json").stdout)
    assert row["input"]["month"] == "März"
    refused = subprocess.run(
        [*words, b"month=\xff\xfe"], env=environment(database), capture_output=True, timeout=60, check=False
    )
    assert refused.returncode == 2
    assert b"month=" in refused.stderr
    lone = tmp_path / "lone.json"
    lone.write_text('{"month": "\\ud800"}')
    named = command(database, "run", f"{flows}:report", "--json", str(lone))
    assert named.returncode == 2
    assert "  month: " in named.stderr
    with open("/dev/full", "w") as full:
        export = subprocess.run(
            headway_command("export", row["execution_id"]),
            env=environment(database),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert export.returncode == 5
    assert export.stderr.splitlines() == [
        "Error: the system refuses to write or read on: No space left on device"
    ]


def test_a_lock_is_free_again_when_its_process_is_gone(tmp_path: Path) -> None:
    database = tmp_path / "headway.db"
    lock = DatabaseLock.take(database)
    lock.announce("http://127.0.0.1:1")
    held = holder_of(database)
    assert held is not None
    assert (held.pid, held.url) == (os.getpid(), "http://127.0.0.1:1")
    lock.release()
    assert holder_of(database) is None


def test_help_is_quick_and_teaches(tmp_path: Path) -> None:
    began = time.monotonic()
    helped = command(tmp_path / "headway.db", "run", "--help")
    assert time.monotonic() - began < 10
    assert helped.returncode == 0
    assert "headway run flows.py:report" in helped.stdout
