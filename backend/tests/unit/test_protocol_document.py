"""`docs/protocol.md` is held to the code: every code of ours stands in it, and every one in it is ours."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from headway import errors
from headway.api import admission, event_stream, http_events, http_log, limits, uvicorn_protocol
from headway.errors import HeadwayError, WorkflowError
from headway.protocol import codec, simple
from headway.protocol.close_codes import CloseCode
from headway.protocol.messages import CLIENT_MESSAGES, SERVER_MESSAGES, Limits
from headway.protocol.schema import protocol_schema
from headway.protocol.session import Timers
from headway.protocol.subscription import Pacing
from headway.services import (
    chunk,
    controls,
    event_streams,
    executions,
    fanout,
    feed,
    feed_reads,
    lobby,
    log_chunks,
    log_lines,
    log_search,
)

DOCUMENT = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text(encoding="utf-8")
ERRORS = [
    error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, HeadwayError)
]
OTHERS_CODES = {1006, 1009}  # sent by the WebSocket library, or by nobody


def table_after(heading: str) -> list[list[str]]:
    """Cells of the tables below a heading, up to the next one."""
    section = DOCUMENT.partition(f"\n{heading}\n")[2]
    section = re.split(r"\n#", section)[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_every_error_is_documented_with_its_status() -> None:
    documented = {
        cells[0].strip("`"): int(cells[1])
        for cells in table_after("## Errors")
        if cells[0].startswith("`") and cells[1].isdigit()
    }

    assert documented == {
        error.code: error.http_status for error in ERRORS if not issubclass(error, WorkflowError)
    }


def test_every_code_of_a_failed_execution_is_documented() -> None:
    documented = {
        cells[0].strip("`")
        for cells in table_after("## Errors")
        if cells[0].startswith("`") and not cells[1].isdigit()
    }

    assert documented == {error.code for error in ERRORS if issubclass(error, WorkflowError)}


def test_every_close_code_is_documented() -> None:
    documented = {int(cells[0]) for cells in table_after("## Close codes") if cells[0].isdigit()}

    assert documented == set(CloseCode) | OTHERS_CODES


@pytest.mark.parametrize(
    ("value", "told_as"),
    [
        (simple.BACKLOG_EVENTS, " 1,000). If "),
        (simple.MAX_CLIENT_FRAME_BYTES, "at most 65,536 bytes"),
        (int(simple.CLIENT_FRAMES_PER_S), "at most 20 a second"),
        (int(simple.CLIENT_FRAME_BURST), "a burst of 60"),
        (simple.MIN_BEAT_S, "| 5 to "),
        (simple.MAX_BEAT_S, " to 60 seconds"),
        (fanout.MAX_VIEWERS, "more than 20,000 viewers"),
        (int(fanout.STALL_S), "takes nothing for 15 s"),
        (int(uvicorn_protocol.PING_INTERVAL_S), "ping every 15 s"),
        (int(uvicorn_protocol.PING_TIMEOUT_S), "answered it within 15 s"),
        (uvicorn_protocol.MAX_FRAME_BYTES, "a frame above 131,072 bytes"),
        (log_lines.CHUNK_LINES, "the lines 4,096 *n*"),
        (log_chunks.MAX_SHOWN, "cut to 16,384 characters"),
        (log_search.MATCHED_CHARACTERS, "the first 4,096 characters"),
        (log_search.SHOWN_CHARACTERS, "cut to 1,000 characters"),
        (log_search.MAX_SEARCHES, "At most 2 searches"),
        (int(log_search.QUEUE_S), "wait up to 2 s"),
        (int(log_search.SLICE_S), "After about 1 s"),
        (int(log_search.LINE_S * 1_000), "more than 50 ms for a line"),
        (http_log.MAX_HITS, "(1 to 1,000; 100 by default), their"),
        (int(http_events.MAX_WAIT_S), "(0 to 30 seconds"),
        (http_events.MAX_EVENTS, "(1 to 10,000; 1,000"),
        (event_streams.MAX_WAITING, "At most 5,000 requests"),
        (int(event_streams.HEARTBEAT_S), "after 15 s of silence"),
        (int(event_stream.STALL_S), "takes nothing for 15 s is cut off"),
        (executions.MAX_INPUT_BYTES, "1 MiB (1,048,576 bytes)"),
        (controls.MAX_KEY_LENGTH, "1 to 200 printable characters"),
        (Limits().message_bytes, "16 KiB a message"),
        (Limits().messages_per_s, "20 messages a second"),
        (Limits().burst, "after a burst of 60 (4429"),
        (Limits().subscriptions, "128 subscriptions"),
        (Limits().window_events, "at most 4,096 events and 1 MiB unacknowledged"),
        (Limits().window_bytes >> 20, "and 1 MiB unacknowledged"),
        (Pacing().frame_events, "one frame of at most 256 events"),
        (Pacing().conflated_events, "conflated, 4,096)"),
        (Pacing().frame_bytes, "and 64 KiB (or one line)"),
        (chunk.MIN_DEFLATED_BYTES, "an `ev` frame of 1 KiB or more"),
        (codec.MAX_SNAP_BYTES, "≤ 64 KiB a part"),
        (feed_reads.MAX_SNAPSHOT_LOG_BYTES, "≤ 256 KiB together"),
        (lobby.MAX_ROWS, "the 200 newest"),
        (feed.DRAINED_PER_S, "(at most 500 a second)"),
        (int(Timers().hello_s), "no `hello` within 5 s"),
        (int(Timers().ping_s), "Ping every 15 s"),
        (int(Timers().pong_s), "silent for 10 s"),
        (int(Timers().stall_s), "write stalls for 15 s"),
        (int(Timers().auth_soon_s), "60 s before the token ends"),
        (int(Timers().auth_grace_s), "25 s after its end"),
        (admission.UPGRADES_PER_S, "more than 500 new WebSockets a second"),
        (admission.UPGRADE_BURST, "after a burst of 2,000"),
        (limits.MAX_BODY_BYTES - executions.MAX_INPUT_BYTES, "and 4 KiB around it"),
    ],
)
def test_the_limits_are_those_of_the_code(value: int, told_as: str) -> None:
    assert told_as in DOCUMENT
    numbers = [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", told_as)]
    kilobytes = [number << 10 for number in numbers if "KiB" in told_as]
    assert value in numbers + kilobytes


def examples() -> list[dict[str, object]]:
    blocks = re.findall(r"```json\n\s*(\{.*\})\n\s*```", DOCUMENT)
    return [json.loads(block) for block in blocks]


@pytest.mark.parametrize("example", [one for one in examples() if "kind" in one], ids=lambda one: one["kind"])
def test_the_frames_shown_fit_the_schema(example: dict[str, object]) -> None:
    schema = protocol_schema()
    if example["kind"] == "snapshot":
        schema["$ref"] = "#/$defs/SnapshotFrame"

    jsonschema.Draft202012Validator(schema).validate(example)


def test_the_document_shows_an_event_a_snapshot_and_a_problem() -> None:
    assert [one.get("kind", one.get("code")) for one in examples() if "t" not in one] == [
        "invalid_input",
        "step.progressed",
        "snapshot",
    ]


@pytest.mark.parametrize("example", [one for one in examples() if "t" in one], ids=lambda one: one["t"])
def test_the_messages_shown_fit_the_schema(example: dict[str, object]) -> None:
    side = "ClientMessage" if example["t"] in CLIENT_MESSAGES else "ServerMessage"
    schema = {**protocol_schema(), "$ref": f"#/$defs/{side}"}

    jsonschema.Draft202012Validator(schema).validate(example)


def test_every_message_has_a_row() -> None:
    def named(heading: str) -> list[str]:
        return [cells[0].strip("`") for cells in table_after(heading) if cells[0].startswith("`")]

    assert named("### Client to server") == list(CLIENT_MESSAGES)
    assert named("### Server to client") == list(SERVER_MESSAGES)
