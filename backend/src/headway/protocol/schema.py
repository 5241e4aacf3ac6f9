"""JSON Schema of everything a viewer reads, made from the structs; pure."""

from typing import Any

import msgspec

from headway.domain.events import KINDS, EventData
from headway.domain.execution import State
from headway.protocol.messages import CLIENT_MESSAGES, SERVER_MESSAGES

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def protocol_schema() -> dict[str, Any]:
    """One document: `#/$defs/Event` is the union by `kind`, `#/$defs/State` the fold.

    `ClientMessage` and `ServerMessage` are those of rich mode, by `t`; of `ev` the header line.
    """
    (state, *bodies), definitions = msgspec.json.schema_components(
        [State, *KINDS.values()], ref_template="#/$defs/{name}"
    )
    for data, body in zip(KINDS.values(), bodies, strict=True):
        name = body["$ref"].rpartition("/")[2]
        _add_constants(definitions[name], data)
        definitions[f"{name}Event"] = _envelope(data, body)
    definitions["Event"] = {"oneOf": [{"$ref": f"#/$defs/{_name(body)}Event"} for body in bodies]}
    definitions["SnapshotFrame"] = _snapshot(state)
    definitions |= _messages(state)
    return {
        "$schema": DIALECT,
        "title": "Headway protocol",
        "description": "Generated from backend/src/headway/domain by `make protocol`.",
        "$ref": "#/$defs/Event",
        "$defs": dict(sorted(definitions.items())),
    }


def _messages(state: dict[str, Any]) -> dict[str, Any]:
    """The messages of rich mode, with what they carry as it is stored."""
    structs = [*CLIENT_MESSAGES.values(), *SERVER_MESSAGES.values()]
    references, definitions = msgspec.json.schema_components(structs, ref_template="#/$defs/{name}")
    for definition in definitions.values():
        definition["description"] = " ".join(definition.get("description", "").split("\n\n")[0].split())
    definitions["Snap"]["properties"]["state"] = state
    definitions["Snap"]["properties"]["logs"]["items"] = {"$ref": "#/$defs/LogEvent"}
    client, server = references[: len(CLIENT_MESSAGES)], references[len(CLIENT_MESSAGES) :]
    definitions["ClientMessage"] = {"oneOf": client}
    definitions["ServerMessage"] = {"oneOf": server}
    return definitions


def _name(reference: dict[str, Any]) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _add_constants(schema: dict[str, Any], data: type[EventData]) -> None:
    """Fields with one value for the kind stand on the wire, not in the struct."""
    for name, value in data.constant.items():
        if name not in schema["properties"]:
            schema["properties"][name] = {"const": value}
            schema.setdefault("required", []).append(name)


def _envelope(data: type[EventData], body: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "execution_id": {"type": "string", "description": "in simple-mode frames only"},
            "workflow_id": {"type": "string", "description": "in simple-mode frames only"},
            "seq": {"type": "integer", "minimum": 1},
            "kind": {"const": data.kind},
            "type": {"const": data.wire},
            "timestamp": {"type": "string", "format": "date-time"},
            "data": body,
        },
        "required": ["seq", "kind", "type", "timestamp", "data"],
    }


def _snapshot(state: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "description": "A folded frame of simple mode: it has no seq.",
        "properties": {
            "execution_id": {"type": "string"},
            "workflow_id": {"type": "string"},
            "kind": {"const": "snapshot"},
            "type": {"const": "status"},
            "timestamp": {"type": "string", "format": "date-time"},
            "snapshot": {"const": True},
            "beat": {"const": True},
            "as_of": {"type": "integer", "minimum": 0},
            "data": {
                "type": "object",
                "properties": {
                    "status": {"enum": ["running", "completed", "failed", "cancelled"]},
                    "phase": {"type": "string"},
                    "progress": {"type": "number", "minimum": 0, "maximum": 100},
                    "indeterminate": {"type": "boolean"},
                },
                "required": ["status", "phase", "progress"],
            },
            "state": state,
        },
        "required": ["execution_id", "workflow_id", "type", "timestamp", "as_of", "data"],
    }
