"""What goes over a rich connection, as text."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from headway.domain.events import Totals
from headway.domain.position import Cursor
from headway.errors import InvalidMessage
from headway.protocol import messages as m
from headway.protocol.codec import (
    MAX_SNAP_BYTES,
    decode_client,
    decode_server,
    encode,
    encode_events,
    seal_of,
    snapshot_parts,
)

X = "01JX4Q8ZK3M5N7P9R1T3V5W7Y9"
CLIENT = [
    m.Hello(token="t", client="page"),
    m.Sub(x=X, cur="9f3a01bc.17.000000aa", mode="state", tail=10),
    m.Sub(x="nightly_import", execution_id=X, ref="7"),
    m.Ack(x=X, seq=17),
    m.Unsub(x=X),
    m.Auth(token="t2"),
    m.Pong(n=3),
]
SERVER = [
    m.Welcome(conn="c", ping=15.0, pong=10.0, jitter=5_000, limits=m.Limits(), now="2026-11-22T21:30:00Z"),
    m.SubOk(x=X, result="reset", why="fork", head=40),
    m.Snap(x=X, cur="9f3a01bc.1.000000aa", part=1, parts=1, state=Raw(b'{"a":1}'), logs=[Raw(b"{}")]),
    m.Rows(
        x="*", rows=[m.Row(execution_id=X, workflow_id="w", status="running", phase="queued", progress=0.0)]
    ),
    m.Ping(n=1, heads={X: "9f3a01bc.1.000000aa"}),
    m.Err(code="not_found", msg="no", x=X, retry=500, ref="7"),
    m.AuthSoon(in_s=60),
    m.Drain(in_s=(1.0, 9.0)),
]


@pytest.mark.parametrize("message", CLIENT, ids=lambda message: type(message).__name__)
def test_a_client_message_survives_the_wire(message: m.AnyClientMessage) -> None:
    assert decode_client(encode(message)) == message


@pytest.mark.parametrize("message", SERVER, ids=lambda message: type(message).__name__)
def test_a_server_message_survives_the_wire(message: m.AnyServerMessage) -> None:
    decoded, body = decode_server(encode(message))

    assert decoded == message
    assert body == b""


def test_events_are_a_header_and_the_stored_bytes() -> None:
    """So a segment is a frame, and the tag is checked on what was sent."""
    header = m.Ev(x=X, after=1, upto=3, cur="9f3a01bc.3.000000aa", n=2, eos=Totals(3, 2, 0))
    body = '{"seq":2, "kind":"log"}\n{"seq":3,"ünï":"✓"}\n'.encode()

    frame = encode_events(header, body)

    assert decode_server(frame) == (header, body)
    assert frame.splitlines()[1:] == body.splitlines()


def test_a_cut_frame_is_no_frame() -> None:
    frame = encode_events(m.Ev(x=X, after=0, upto=2, cur="9f3a01bc.2.000000aa", n=2), b"{}\n{}\n")

    for end in range(len(frame)):
        with pytest.raises(InvalidMessage):
            decode_server(frame[:end])


def test_in_is_the_wire_name() -> None:
    """`in` cannot be a name in Python."""
    assert json.loads(encode(m.Drain(in_s=(1.0, 9.0)))) == {"t": "drain", "in": [1.0, 9.0]}


def test_unknown_names_and_fields_are_ignored() -> None:
    assert decode_client('{"t":"sing","song":"x"}') is None
    assert decode_client(f'{{"t":"unsub","x":"{X}","why":"later"}}') == m.Unsub(x=X)
    assert decode_server('{"t":"sing"}') == (None, b"")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"hello"',
        "{}",
        '{"t":7}',
        '{"t":"sub"}',
        '{"t":"sub","x":""}',
        f'{{"t":"sub","x":"{"x" * 129}"}}',
        '{"t":"sub","x":"*","mode":"some"}',
        '{"t":"sub","x":"*","tail":1001}',
        '{"t":"ack","x":"*","seq":-1}',
        '{"t":"ack","x":"*","seq":1.5}',
        '{"t":"pong"}',
        '{"t":"hello","t',
        "[" * 5_000,
    ],
)
def test_what_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(InvalidMessage):
        decode_client(text)


@given(st.text())
def test_any_text_is_a_message_or_refused(text: str) -> None:
    """No other exception leaves the decoder, whatever a client sends."""
    with suppress(InvalidMessage):
        assert decode_client(text) is None or text.lstrip().startswith("{")


def test_a_refusal_names_the_message_it_answers() -> None:
    with pytest.raises(InvalidMessage) as refusal:
        decode_client('{"t":"sub","x":"*","tail":-1,"ref":"r-9"}')

    assert refusal.value.fields == {"ref": "r-9", "x": "*"}


def test_a_big_snapshot_comes_in_parts() -> None:
    """The state in the first, every log line once and in order, each part bounded."""
    logs = [b'{"seq":%d,"pad":"%b"}' % (n, b"x" * 30_000) for n in range(1, 8)]

    parts = list(snapshot_parts(X, Cursor("9f3a01bc", 9, 0xAA), b'{"seq":9}', logs))

    assert [(part.part, part.parts) for part in parts] == [(n, len(parts)) for n in range(1, len(parts) + 1)]
    assert bytes(parts[0].state) == b'{"seq":9}'
    assert all(b'"state"' not in encode(part) for part in parts[1:])
    assert [bytes(line) for part in parts for line in part.logs] == logs
    assert all(sum(len(bytes(line)) for line in part.logs) <= MAX_SNAP_BYTES for part in parts)


def test_only_a_terminal_line_has_a_seal() -> None:
    totals = b'"totals":{"events":9,"logs":2,"errors":0}'

    assert seal_of(b'{"seq":9,"kind":"execution.failed","data":{' + totals + b"}}") == Totals(9, 2, 0)
    assert seal_of(b'{"seq":9,"kind":"log","data":{' + totals + b"}}") is None
