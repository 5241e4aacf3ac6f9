"""A secret that a workflow says is in nothing that anybody is shown, and the workflow still gets it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from tests.support.eventually import eventually
from tests.support.serving import Serving, journal_of, serving, stored_events
from websockets.sync.client import connect

from headway.domain import events as e
from headway.domain.identifiers import ExecutionId
from headway.domain.masking import HIDDEN

FLOWS = Path(__file__).parent.parent / "support" / "flows" / "secretive.py"
SECRET = 's3cr"t-\\pw-é-0001'  # of the environment
PASSWORD = "hunter2-päss"  # of the input
TOKEN = "abcdef0123456789abcdef"
SAID = (SECRET, PASSWORD, TOKEN)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("secrets")
    with serving(folder / "headway.db", [FLOWS], SHOP_PASSWORD=SECRET) as running:
        yield running


def fetch(served: Serving, path: str) -> str:
    with urlopen(f"{served.url}/api{path}", timeout=10) as answer:
        found: bytes = answer.read()
        return found.decode()


def post(served: Serving, path: str, body: object) -> str:
    request = Request(
        f"{served.url}/api{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urlopen(request, timeout=10) as answer:
        return str(json.load(answer).get("execution_id"))


def begin(served: Serving, marker: Path, **more: object) -> ExecutionId:
    account = {"user": "ada", "password": PASSWORD}
    return served.start("secretive", account=account, marker=str(marker), **more)


def end(served: Serving, execution_id: str) -> e.EventData:
    """The last event, once it is there."""
    with journal_of(served.database) as journal:
        key = ExecutionId(execution_id)
        eventually(lambda: journal.get(key).head.closed, within_s=30)
        return stored_events(journal, key)[-1].data


def frames(served: Serving, execution_id: str) -> str:
    """All that a WebSocket in simple mode is sent."""
    told = [""]
    with connect(f"{served.url.replace('http', 'ws')}/ws/workflow/{execution_id}", proxy=None) as socket:
        while '"type":"error"' not in told[-1]:
            told.append(str(socket.recv(timeout=10)))
    return "\n".join(told)


def shown_anywhere(served: Serving, execution_id: str) -> str:
    """Whatever a viewer can get of an execution, over HTTP, WebSocket and the terminal."""
    own = f"/executions/{execution_id}"
    pages = [own, f"{own}/events?limit=10000", f"{own}/export", f"{own}/log", f"{own}/log/chunks/0"]
    pages += ["/executions", "/workflows", "/workflows/secretive", "/statistics"]
    commands = [["show", execution_id, "--json"], ["show", execution_id], ["ls"], ["export", execution_id]]
    commands += [["watch", execution_id, "--json"], ["watch", execution_id]]
    return "\n".join(
        [
            *(fetch(served, page) for page in pages),
            frames(served, execution_id),
            *(done.stdout + done.stderr for done in (served.command(*each) for each in commands)),
        ]
    )


def forms_of(secret: str) -> list[str]:
    """The secret as text and in JSON, plain and within a text of JSON."""
    once, twice = json.dumps(secret)[1:-1], json.dumps(json.dumps(secret)[1:-1])[1:-1]
    return [secret, once, twice, json.dumps(secret, ensure_ascii=False)[1:-1], ascii(secret)[1:-1]]


def test_what_a_workflow_says_of_its_secrets_is_masked_everywhere(served: Serving, tmp_path: Path) -> None:
    (tmp_path / "marker").touch()
    execution_id = begin(served, tmp_path / "marker")

    failed = end(served, execution_id)

    assert isinstance(failed, e.ExecutionFailed)
    assert failed.error == "PermissionError: refused: *** ***"
    everything = shown_anywhere(served, execution_id)
    with journal_of(served.database) as journal:
        record = journal.get(execution_id)
        stored = [event.data for event in stored_events(journal, execution_id)]
        everything += "".join(map(str, stored)) + str(journal.checkpoint(execution_id, 10_000)) + str(record)
    for secret in SAID:
        assert [form for form in forms_of(secret) if form in everything] == []
        assert (
            json.loads(fetch(served, f"/executions/{execution_id}/log/search?q={quote(secret)}"))["total"]
            == 0
        )
    messages = [line.message for line in stored if isinstance(line, e.Log)]
    assert "printed *** and ***" in messages
    assert "Authorization: Bearer ***" in messages
    assert "connects to postgres://app:***@db/app" in messages
    assert served.command("verify", execution_id).returncode == 0


def test_at_rest_only_the_row_of_the_input_has_the_secret(served: Serving, tmp_path: Path) -> None:
    (tmp_path / "marker").touch()
    end(served, begin(served, tmp_path / "marker"))

    kept = b"".join(
        each.read_bytes() for each in served.database.parent.glob("headway.db*") if each.is_file()
    )

    assert all(form.encode() not in kept for form in forms_of(SECRET))
    assert json.dumps(PASSWORD, ensure_ascii=False).encode() in kept


def test_the_workflow_gets_its_secret_also_after_a_crash_and_its_output_is_masked(
    served: Serving, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    execution_id = begin(served, marker, fails=False)
    with journal_of(served.database) as journal:
        eventually(lambda: journal.heads([execution_id])[execution_id].last_seq > 6, within_s=20)
    served.kill("headway.worker")
    marker.touch()

    completed = end(served, execution_id)

    assert isinstance(completed, e.ExecutionCompleted)
    assert bytes(completed.result.output) == b'"*** *** %d dflt-s3cr3t"' % len(PASSWORD)


def test_a_retry_keeps_the_secret_whose_mask_comes_back_and_takes_a_new_one(
    served: Serving, tmp_path: Path
) -> None:
    (tmp_path / "marker").touch()
    first = begin(served, tmp_path / "marker", fails=False)
    end(served, first)
    shown = json.loads(fetch(served, f"/executions/{first}"))["execution"]["input"]
    assert shown["account"] == {"user": "ada", "password": HIDDEN}

    same = post(served, f"/executions/{first}/retry", {})
    kept = post(served, f"/executions/{first}/retry", {"input": shown | {"fails": False}})
    other = shown | {"account": {"user": "ada", "password": "new-one"}}
    changed = post(served, f"/executions/{first}/retry", {"input": other})
    by_command = served.command("rerun", kept, "-i", "fails=false")

    assert by_command.returncode == 0, by_command.stderr
    lengths = [
        re.findall(rb" (\d+) ", bytes(end(served, each).result.output)) for each in (same, kept, changed)
    ]
    assert lengths == [[b"12"], [b"12"], [b"7"]]
    assert f" {len(PASSWORD)} " in by_command.stdout


def test_a_mask_is_no_value_to_start_with(served: Serving, tmp_path: Path) -> None:
    account = {"user": "ada", "password": HIDDEN}

    with pytest.raises(HTTPError) as refused:
        served.start("secretive", account=account, marker=str(tmp_path))

    problem = json.load(refused.value)
    assert problem["code"] == "invalid_input"
    assert [fault["field"] for fault in problem["errors"]] == ["account.password"]


def test_the_form_is_told_which_field_is_a_secret_and_no_default(served: Serving) -> None:
    schema = json.loads(fetch(served, "/workflows/secretive"))["input_schema"]

    password = {"format": "password", "writeOnly": True, "type": "string"}
    assert schema["$defs"]["Account"]["properties"]["password"] == password | {"title": "Password"}
    assert schema["properties"]["fallback"] == password | {"title": "Fallback"}


def test_lines_from_outside_are_masked_and_may_be_sent_again(served: Serving, tmp_path: Path) -> None:
    execution_id = begin(served, tmp_path / "later", fails=False)
    lines = {"first": 1, "lines": [{"message": f"curl -H 'Authorization: Bearer {TOKEN}' {SECRET}"}]}
    path = f"/executions/{execution_id}/producers/agent/log"

    post(served, path, lines)
    post(served, path, lines)

    with journal_of(served.database) as journal:
        own = [e for e in stored_events(journal, execution_id) if getattr(e.data, "logger", "") == "agent"]
    assert [event.data.message for event in own] == ["curl -H 'Authorization: Bearer ***' ***"]
    (tmp_path / "later").touch()
    end(served, execution_id)


def test_masking_can_be_turned_off_but_for_declared_secrets(tmp_path: Path) -> None:
    (tmp_path / "marker").touch()
    more = {"SHOP_PASSWORD": SECRET, "HEADWAY_MASK": "off"}
    with serving(tmp_path / "headway.db", [FLOWS], **more) as served:
        failed = end(served, begin(served, tmp_path / "marker"))

    assert isinstance(failed, e.ExecutionFailed)
    assert failed.error == f"PermissionError: refused: {SECRET} ***"


def test_an_import_error_is_masked(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import os\nraise KeyError(os.environ['SHOP_PASSWORD'])\n")
    with serving(tmp_path / "headway.db", [broken], SHOP_PASSWORD="s3cr3t-pw-0001") as served:
        eventually(lambda: "broken.py is not served" in served.log, within_s=20)
        sources = json.loads(fetch(served, "/workflows"))["sources"]

    assert "KeyError: '***'" in sources[0]["import_error"]
    assert "s3cr3t-pw-0001" not in str(sources)
