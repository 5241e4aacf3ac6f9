"""Ready frames: what a WebSocket library reads back from the bytes we write."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders import a_body, an_execution_id
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, OPEN, Protocol

from headway.domain.events import stored_line
from headway.protocol.frames import SimpleFramer, text_frame, texts, without_first

BOUNDARIES = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000]


def read_back(frames: bytes) -> list[bytes]:
    """Texts as an independent implementation of RFC 6455 reads them."""
    protocol = Protocol(CLIENT, state=OPEN, max_size=None)
    protocol.receive_data(frames)
    received = protocol.events_received()
    for frame in received:
        assert isinstance(frame, Frame)
        assert (frame.opcode, frame.fin) == (Opcode.TEXT, True)
    return [bytes(frame.data) for frame in received if isinstance(frame, Frame)]


@pytest.mark.parametrize("length", BOUNDARIES)
def test_every_length_has_its_header(length: int) -> None:
    assert read_back(text_frame(b"x" * length)) == [b"x" * length]


@given(st.lists(st.sampled_from(BOUNDARIES[:6]), max_size=6), st.data())
def test_joined_frames_come_apart_again(lengths: list[int], data: st.DataObject) -> None:
    written = [bytes([65 + n]) * length for n, length in enumerate(lengths)]
    joined = b"".join(map(text_frame, written))
    skipped = data.draw(st.integers(0, len(written)))

    assert list(texts(joined)) == read_back(joined) == written
    assert list(texts(without_first(joined, skipped))) == written[skipped:]


def test_a_simple_frame_is_the_stored_line_with_the_ids_before_it() -> None:
    execution_id = an_execution_id()
    lines = [stored_line(seq, a_body(f'page "{seq}" ✓')) for seq in (1, 2, 3)]
    framer = SimpleFramer(execution_id, "audit")

    received = read_back(framer.frames(b"".join(line + b"\n" for line in lines)))

    assert received == [framer.text(line) for line in lines]
    for seq, text in enumerate(received, 1):
        ids = {"execution_id": execution_id, "workflow_id": "audit"}
        assert json.loads(text) == ids | json.loads(lines[seq - 1])
        assert list(json.loads(text))[:3] == ["execution_id", "workflow_id", "seq"]
