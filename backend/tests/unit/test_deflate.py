"""Binary frames of rich mode: read back as they were packed, or refused."""

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headway.errors import InvalidMessage
from headway.protocol.deflate import (
    MAX_DICTIONARIES,
    MAX_DICTIONARY_BYTES,
    MAX_NUMBER,
    Inflater,
    dictionary_frame,
    stream_frame,
)
from headway.protocol.frames import messages
from headway.services.dictionary import Dictionary, deflated

FIXTURE = Path(__file__).resolve().parents[3] / "protocol/fixtures/deflate.json"
CASES = json.loads(FIXTURE.read_text(encoding="utf-8"))
numbers = st.integers(1, MAX_NUMBER)
lines = st.lists(
    st.sampled_from([b'{"seq":1,"kind":"log"}\n', b"\xc3\xbc\n", b"x" * 900 + b"\n"]) | st.binary()
)
texts = lines.map(b"".join)


def payload(frame: bytes) -> bytes:
    ((is_text, found),) = messages(frame)
    assert not is_text
    return found


def given_as(number: int, text: bytes) -> Dictionary:
    return Dictionary(number, text, dictionary_frame(deflated(text), number))


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_the_vectors_that_both_languages_are_held_to(case: dict[str, Any]) -> None:
    inflater = Inflater()
    frames = [base64.b64decode(frame) for frame in case["frames"]]
    for frame, text in zip(frames, case["texts"], strict=False):
        assert inflater.read(frame) == (None if text is None else text.encode())
    assert len(frames) == len(case["texts"]) + case.get("breaks", False)
    for frame in frames[len(case["texts"]) :]:
        with pytest.raises(InvalidMessage):
            inflater.read(frame)


@given(texts, texts, numbers)
@example(b"", b"", 1)
@example(b"abc", b"abc" * 1_000, MAX_NUMBER)
def test_what_is_packed_with_a_dictionary_is_read_with_it(text: bytes, words: bytes, number: int) -> None:
    dictionary = given_as(number, words[:MAX_DICTIONARY_BYTES])
    inflater = Inflater()

    assert inflater.read(payload(dictionary.frame)) is None
    assert inflater.read(payload(stream_frame(deflated(text, dictionary), number))) == text
    assert inflater.read(payload(stream_frame(deflated(text)))) == text


@given(st.lists(st.tuples(st.integers(1, 400), st.booleans()), max_size=900), texts)
def test_a_connection_knows_the_dictionaries_it_was_given_last(
    steps: list[tuple[int, bool]], text: bytes
) -> None:
    inflater = Inflater()
    order: list[int] = []
    for number, is_given in steps:
        dictionary = given_as(number, b"words of %d, " % number)
        if is_given:
            inflater.read(payload(dictionary.frame))
            order = [*(each for each in order if each != number), number][-MAX_DICTIONARIES:]
        elif number in order:
            frame = stream_frame(deflated(dictionary.text + text, dictionary), number)
            assert inflater.read(payload(frame)) == dictionary.text + text
        else:
            with pytest.raises(InvalidMessage, match="was not given"):
                inflater.read(payload(stream_frame(deflated(text), number)))


@given(st.binary(max_size=200))
def test_whatever_comes_is_text_or_refused(received: bytes) -> None:
    inflater = Inflater()
    inflater.read(payload(given_as(1, b"words").frame))
    try:
        inflater.read(received)
    except InvalidMessage:
        return


def test_a_dictionary_that_swells_is_not_unpacked_further_than_it_may_be_long() -> None:
    press = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    stream = press.compress(b"x" * (MAX_DICTIONARY_BYTES + 1)) + press.flush()

    with pytest.raises(InvalidMessage, match="too large"):
        Inflater().read(payload(dictionary_frame(stream, 1)))
