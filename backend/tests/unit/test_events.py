"""Events are encoded once, into lines that anybody can parse and that give the event back."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from tests.support.builders import AT

from headway.domain import events as e
from headway.errors import InvalidMessage

WIRE_TYPES = {"status", "log", "progress", "error", "complete"}
TOTALS = e.Totals(events=9, logs=4, errors=1)
RESULT = e.ExecutionResult(execution_id="01JD", status="completed", output=Raw(b'{"n":1}'), totals=TOTALS)
SMALLEST: list[e.EventData] = [
    e.ExecutionQueued(input=Raw(b"{}")),
    e.ExecutionStarted(attempt=1, worker="w1"),
    e.ExecutionResumed(attempt=2, worker="w1"),
    e.ExecutionCompleted(totals=TOTALS, result=RESULT),
    e.ExecutionFailed(error="KeyError: 'sku'", totals=TOTALS, result=RESULT),
    e.ExecutionCancelled(totals=TOTALS, result=RESULT),
    e.StepStarted(step="fetch", step_id="fetch#1"),
    e.StepProgressed(),
    e.StepRetrying(
        step="fetch", step_id="fetch#1", attempt=1, max_attempts=3, backoff_s=1.0, message="m", error="e"
    ),
    e.StepCompleted(step="fetch", step_id="fetch#1", result=Raw(b"[1,2]")),
    e.StepFailed(step="fetch", step_id="fetch#1", message="m", error="e"),
    e.StepSkipped(step="fetch", step_id="fetch#1"),
    e.StepCancelled(step="fetch", step_id="fetch#1"),
    e.Log("INFO", "fetched page 1"),
    e.Output(name="report", media_type="text/html", size=1, sha256="00", message="report"),
    e.Gap(dropped=3, message="3 events dropped"),
    e.ControlRequested(control="cancel", control_id="c1"),
    e.ControlDelivered(control="cancel", control_id="c1"),
    e.ControlEffective(control="cancel", control_id="c1"),
    e.ApprovalRequested(approval_id="a1", message="deploy?"),
    e.ApprovalAnswered(approval_id="a1", approved=True),
    e.WaitStarted(wait_id="w1", wait="timer"),
    e.WaitEnded(wait_id="w1", wait="timer", outcome="elapsed"),
    e.SignalReceived(signal_id="s1", name="go"),
]


def line_of(data: e.EventData, seq: int = 17) -> bytes:
    return e.stored_line(seq, e.encode_body(data, AT))


def test_the_examples_are_all_kinds() -> None:
    assert [type(data) for data in SMALLEST] == list({type(data): 0 for data in SMALLEST})
    assert {type(data) for data in SMALLEST} == set(e.KINDS.values())


@pytest.mark.parametrize("data", SMALLEST, ids=lambda data: data.kind)
def test_a_stored_line_is_one_object_that_gives_the_event_back(data: e.EventData) -> None:
    line = line_of(data)
    assert b"\n" not in line
    plain = json.loads(line)
    assert list(plain) == ["seq", "kind", "type", "timestamp", "data"]
    assert (plain["seq"], plain["kind"], plain["timestamp"]) == (17, data.kind, AT)
    assert plain["type"] == data.wire
    assert plain["type"] in WIRE_TYPES
    assert isinstance(plain["data"], dict)
    event = e.decode_line(line)
    assert (event.seq, event.kind, event.timestamp) == (17, data.kind, AT)
    assert type(event.data) is type(data)
    assert line_of(event.data) == line


@pytest.mark.parametrize("data", SMALLEST, ids=lambda data: data.kind)
def test_a_naive_client_sees_four_statuses_and_error_only_for_a_failed_execution(data: e.EventData) -> None:
    fields = json.loads(line_of(data))["data"]
    assert fields.get("status", "running") in {"running", "completed", "failed", "cancelled"}
    assert (data.wire == "error") == (fields.get("status") == "failed")
    assert data.terminal == (fields.get("status", "running") != "running")


def test_constants_stand_beside_the_fields() -> None:
    fields = json.loads(line_of(e.StepCompleted(step="fetch", step_id="fetch#1", progress=42.0)))["data"]
    assert fields == {"step_status": "completed", "progress": 42.0, "step": "fetch", "step_id": "fetch#1"}


@given(st.text())
def test_any_text_can_be_logged(message: str) -> None:
    event = e.decode_line(line_of(e.Log("INFO", message)))
    assert isinstance(event.data, e.Log)
    assert event.data.message == message


def _with_surrogates() -> list[e.EventData]:
    result = e.ExecutionResult(execution_id="01JD", status="failed", error="\udfff", totals=TOTALS)
    return [
        e.Log("INFO", "a\ud800b"),
        e.StepFailed(step="\udfff", step_id="s", message="m", error="e"),
        e.ExecutionFailed(error="e", totals=TOTALS, result=result),
        e.ExecutionStarted(attempt=1, worker="w1", plan=[e.PlannedStep("a", after=["\udfff"])]),
    ]


@pytest.mark.parametrize("data", _with_surrogates(), ids=lambda data: data.kind)
def test_lone_surrogates_are_replaced_wherever_they_stand(data: e.EventData) -> None:
    """Also in the event itself: its emitter folds it, and the state is stored too."""
    line = line_of(data)
    assert b"?" in line
    assert e.decode_line(line).data == data


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"", "not an event"),
        (b"{", "not an event"),
        (b"[]", "not an event"),
        (b'{"seq":1}', "not an event"),
        (b'{"seq":1,"kind":"odd","timestamp":"t","data":{}}', "unknown kind 'odd'"),
        (b'{"seq":1,"kind":"log","timestamp":"t","data":{"level":1}}', "not an event"),
    ],
)
def test_what_is_no_event_is_refused(line: bytes, fault: str) -> None:
    with pytest.raises(InvalidMessage, match=fault):
        e.decode_line(line)


def test_a_newer_line_with_more_fields_is_read() -> None:
    line = line_of(e.Log("INFO", "m"))[:-2] + b',"colour":"blue"},"extra":1}'
    assert e.decode_line(line).data == e.Log("INFO", "m")


@given(st.text(max_size=30), st.integers(1, 9_000))
def test_a_long_message_is_cut_at_a_character_and_says_so(piece: str, times: int) -> None:
    message = piece * times
    cut, length = e.cut_message(message)
    full = len(message.encode())
    if full <= e.MAX_MESSAGE_BYTES:
        assert (cut, length) == (message, None)
    else:
        assert message.startswith(cut)
        assert length == full
        assert e.MAX_MESSAGE_BYTES - 4 < len(cut.encode()) <= e.MAX_MESSAGE_BYTES


def test_every_kind_is_in_the_documentation() -> None:
    page = (Path(__file__).parents[3] / "docs" / "event-model.md").read_text()
    named = set(re.findall(r"`([a-z.]+)`", page))
    missing = {kind for kind in e.KINDS if not named & {kind, kind[kind.find(".") :]}}  # `.delivered` will do
    assert missing == set()


def test_event_data_is_small() -> None:
    """What an emitter builds is a struct of its fields, nothing that a garbage collector walks."""
    assert all(not data.__struct_config__.gc for data in e.KINDS.values())
    assert msgspec.structs.fields(e.Log)[0].name == "level"
