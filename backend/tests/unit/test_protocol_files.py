"""The files in `protocol/` are what the code says, and what the other language is held to."""

import json
from pathlib import Path

import jsonschema
import pytest
from scripts.write_protocol import EXECUTION, WORKFLOW, files, golden_frames

from headway.domain.events import KINDS, decode_line, encode_body, stored_line
from headway.protocol.schema import protocol_schema


@pytest.mark.parametrize(("path", "text"), [pytest.param(p, t, id=p.name) for p, t in files()])
def test_generated_files_are_current(path: Path, text: str) -> None:
    """`make protocol` was run after the last change of an event or of the fold."""
    assert path.read_text(encoding="utf-8") == text


def test_golden_frames_cover_every_kind() -> None:
    assert {frame["kind"] for frame in golden_frames()} == set(KINDS)


@pytest.mark.parametrize("golden", [pytest.param(g, id=g["kind"]) for g in golden_frames()])
def test_a_golden_line_survives_decoding(golden: dict[str, str]) -> None:
    """Decoding a stored line and encoding it again gives the same bytes, so nothing of it is lost."""
    line = golden["line"].encode()

    event = decode_line(line)

    assert stored_line(event.seq, encode_body(event.data, event.timestamp)) == line


@pytest.mark.parametrize("golden", [pytest.param(g, id=g["kind"]) for g in golden_frames()])
def test_a_golden_frame_fits_the_schema(golden: dict[str, str]) -> None:
    frame = json.loads(golden["frame"])

    jsonschema.Draft202012Validator(protocol_schema()).validate(frame)

    assert (frame["execution_id"], frame["workflow_id"]) == (EXECUTION, WORKFLOW)
    assert isinstance(frame["data"], dict)


def test_the_schema_refuses_what_is_no_event() -> None:
    """A schema that lets everything pass would make the test above worthless."""
    frame = json.loads(next(golden_frames())["frame"])
    frame["kind"] = "execution.exploded"

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(protocol_schema()).validate(frame)
