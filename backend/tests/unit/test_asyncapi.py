"""The AsyncAPI document and the schema say what is on the wire in rich mode."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from scripts.yaml_text import yaml_text

from headway.protocol.asyncapi import asyncapi_document
from headway.protocol.messages import CLIENT_MESSAGES, SERVER_MESSAGES
from headway.protocol.schema import protocol_schema

VECTORS = sorted((Path(__file__).parents[3] / "protocol" / "fixtures" / "session").glob("*.json"))


def wire() -> Iterator[tuple[str, dict[str, Any]]]:
    """Who sent it, and the header of each frame of the recorded exchanges."""
    for path in VECTORS:
        for step in json.loads(path.read_text(encoding="utf-8"))["wire"]:
            if "frame" in step:
                yield step["from"], json.loads(step["frame"].partition("\n")[0])


def validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator({**protocol_schema(), "$ref": f"#/$defs/{name}"})


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from [member] if name == "$ref" else references(member)
    elif isinstance(value, list):
        for member in value:
            yield from references(member)


def resolve(document: dict[str, Any], pointer: str) -> Any:
    for part in pointer.removeprefix("#/").split("/"):
        document = document[part]
    return document


def test_every_recorded_message_fits_the_schema_of_its_sender() -> None:
    schemas = {"client": validator("ClientMessage"), "server": validator("ServerMessage")}
    seen = set()
    for sender, message in wire():
        # What a client sends may be wrong on purpose; then the server says so.
        if sender == "server" or message.get("t") in CLIENT_MESSAGES:
            schemas[sender].validate(message)
            seen.add(message["t"])

    assert seen >= {"hello", "sub", "ack", "pong", "welcome", "sub_ok", "snap", "ev", "ping", "err", "drain"}


@pytest.mark.parametrize(
    "message",
    [
        {"t": "sub"},
        {"t": "sub", "x": ""},
        {"t": "sub", "x": "audit", "mode": "odd"},
        {"t": "ack", "x": "audit", "seq": -1},
        {"t": "nothing of ours"},
    ],
)
def test_what_does_not_fit_is_no_message(message: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        validator("ClientMessage").validate(message)


def test_every_reference_of_the_document_resolves() -> None:
    document, schema = asyncapi_document(), protocol_schema()
    for reference in references(document):
        file, _, pointer = reference.partition("#")
        assert resolve(schema if file == "./schema.json" else document, f"#{pointer}")
    for reference in references(schema):
        assert resolve(schema, reference)


def test_the_operations_name_every_message() -> None:
    operations = asyncapi_document()["operations"]

    def names(operation: str) -> list[str]:
        return [reference["$ref"].rpartition("/")[2] for reference in operations[operation]["messages"]]

    assert names("receiveMessages") == list(CLIENT_MESSAGES)
    assert names("sendMessages") == list(SERVER_MESSAGES)


def test_yaml_is_written_so_that_it_reads_back() -> None:
    """Keys and scalars that YAML would take for something else are quoted."""
    text = yaml_text({"a": {"b c": [1, {"on": "yes"}, []], "$ref": "#/x"}, "n": None, "t": "a: b\n# c"})

    assert text.splitlines() == [
        "a:",
        '  "b c":',
        "    - 1",
        "    -",
        '      "on": "yes"',
        "    - []",
        '  "$ref": "#/x"',
        '"n": null',
        't: "a: b\\n# c"',
    ]
