"""What is masked in events, and that nothing else changes."""

import json
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import Raw
from pydantic_core import to_json

from headway.domain import events as e
from headway.domain.masking import MASK, Masks, named_values

AT = "2026-11-22T21:30:00.123456Z"
TOTALS = e.Totals(events=1, logs=0, errors=0)
GITHUB = "ghp_" + "a1B2" * 9
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
PEM = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA7" * 3 + "\n-----END RSA PRIVATE KEY-----"

TOKENS = [
    (f"token {GITHUB}.", f"token {MASK}."),
    ("github_pat_11ABCDEFG0abcdefghijkl", MASK),
    ("glpat-abcdefghij0123456789", MASK),
    ("key=sk-proj-abcdefgh0123456789abcd", f"key={MASK}"),
    ("\x1b[1;32msk-ant-api03-0123456789abcdefgh\x1b[0m", f"\x1b[1;32m{MASK}\x1b[0m"),
    ("sk_live_" + "a1" * 12, MASK),
    ("id AKIAIOSFODNN7EXAMPLE", f"id {MASK}"),
    ("xoxb-1234567890-abcdef", MASK),
    ("AIza" + "b" * 35, MASK),
    ("npm_" + "c" * 36, MASK),
    ("hf_" + "d" * 34, MASK),
    (f"got {JWT} back", f"got {MASK} back"),
    ("Authorization: Bearer abcdef0123456789abcdef", f"Authorization: Bearer {MASK}"),
    ("-H 'authorization: Basic dXNlcjpwYXNz'", f"-H 'authorization: Basic {MASK}'"),
    ('{"Authorization": "token 0123456789abcdef"}', '{"Authorization": "token ***"}'),
    ("BEARER abcdef0123456789abcdef", f"BEARER {MASK}"),
    ("postgres://app:s3cr3t-pw@db.example:5432/app", "postgres://app:***@db.example:5432/app"),
    ("redis://:s3cr3t-pw@cache", "redis://:***@cache"),
    (f"x\n{PEM}\ny", "x\n-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----\ny"),
    (PEM[:60], "-----BEGIN RSA PRIVATE KEY-----***"),
]
HARMLESS = [
    "task-2026-11-22-load-orders-again-and-again",
    "risk-1 disk-2 sk-short sk-only-words-and-no-figure-in-it",
    "the bearer of good news is an authorization: bearer tokens are required",
    "authorization: token required",
    "https://github.com/a@b/c:d and mail ada@example.org:22",
    "ssh://git@example.org/repo.git, http://localhost:8321/?x=a:b@c",
    "eyJust a word.with.dots",
    "ghp_short AKIA1234 xox-1 hf_model_name npm_config_registry",
    "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "***",
]


@pytest.mark.parametrize(("text", "masked"), TOKENS)
def test_a_token_is_masked_and_what_stands_around_it_is_not(text: str, masked: str) -> None:
    masks = Masks()

    assert masks.text(text) == masked
    assert masks.text(masked) is masked  # masked once more it is the same


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_resembles_a_token_stays(text: str) -> None:
    assert Masks().text(text) is text


@pytest.mark.parametrize(
    "text",
    [
        *("eyJ" * 20_000, "sk-a" * 15_000, "://a:" * 12_000, "://a:@" * 10_000, "bearer a" * 8_000),
        *("authorization: basic a" * 3_000, PEM[:31] * 2_000, "a1" * 30_000),
    ],
)
def test_no_text_takes_longer_than_its_length_explains(text: str) -> None:
    """What is quadratic in one of these takes minutes, and the test's time is bounded."""
    Masks().text(f"{text} @ eyJ sk-aaaaaaaaaaaaaaaaaaaaaaaaa Bearer PRIVATE KEY")


# Long enough to be no part of the JSON around it, and without what a mask is made of.
_SECRET = st.text(min_size=8, max_size=40).map(str.strip).filter(lambda s: len(s) >= 8 and "*" not in s)
_FORMS = [
    lambda s: s,
    lambda s: json.dumps(s)[1:-1],
    lambda s: json.dumps(s, ensure_ascii=False)[1:-1],
    lambda s: msgspec.json.encode(s).decode()[1:-1],
    lambda s: repr(s)[1:-1],
    lambda s: quote(s, safe=""),
]


def _events(text: str) -> list[e.EventData]:
    """One of each kind that says what user code says."""
    result = e.ExecutionResult(
        execution_id="01K",
        status="failed",
        output=Raw(to_json({"a": [text, 1e3]})),
        error=text,
        totals=TOTALS,
    )
    step = {"step": "load", "step_id": "load#1"}
    return [
        e.Log("INFO", text, "load#1", "load", "root", "stdout"),
        e.StepProgressed(**step, done=1, message=text),
        e.StepRetrying(
            **step, attempt=1, max_attempts=2, backoff_s=1, message=text, error=text, traceback=text
        ),
        e.StepFailed(**step, message=text, error=text, traceback=text),
        e.ExecutionFailed(error=text, traceback=text, totals=TOTALS, result=result),
        e.ExecutionCompleted(totals=TOTALS, result=result),
        e.ApprovalRequested(approval_id="a1", message=text, form=Raw(to_json({"title": text}))),
        e.WaitStarted(wait_id="w1", wait="timer", message=text),
    ]


@given(secret=_SECRET, before=st.text(max_size=30), after=st.text(max_size=30), form=st.sampled_from(_FORMS))
def test_a_secret_is_in_no_encoded_event_in_whatever_form_it_was_written(secret, before, after, form) -> None:
    for data in _events(f"{before}{form(secret)}{after}"):
        masked = Masks([secret]).event(data)
        body = b'{"seq":1,' + e.encode_body(masked, AT)

        told = msgspec.json.decode(body)
        assert secret not in "\0".join(_texts_in(told["data"]))
        assert (told["kind"], told["timestamp"]) == (data.kind, AT)
        plain = msgspec.json.decode(b'{"seq":1,' + e.encode_body(data, AT))
        assert _names_in(told) == _names_in(plain)
        assert e.decode_line(body).data == masked  # what is folded is what is stored


@given(secret=_SECRET, text=st.text(max_size=200))
def test_an_event_without_a_secret_is_the_very_same(secret: str, text: str) -> None:
    masks = Masks([secret])
    assume(not masks.suspects(text))

    for data in _events(text):
        assert masks.event(data) is data


@given(value=st.recursive(st.none() | st.floats() | st.integers() | st.text(), lambda each: st.lists(each)))
def test_json_without_a_secret_stays_to_the_byte(value: object) -> None:
    for encoded in (to_json(value, inf_nan_mode="null"), json.dumps(value, indent=1).encode()):
        assert Masks(["no such secret anywhere"], shapes=False).json(encoded) == encoded


def test_in_json_only_texts_change_and_no_name_of_a_member() -> None:
    masked = Masks(["s3cr3t-pw"]).json(
        b'{"s3cr3t-pw" : [1e400,"a \\"s3cr3t-pw\\"\\u0041",{"b":"s3cr3t\\u002dpw"}]}'
    )

    assert masked == b'{"s3cr3t-pw" : [1e400,"a \\"***\\"A",{"b":"***"}]}'


def test_ids_and_the_result_of_a_step_stay() -> None:
    done = e.StepCompleted(step="postgres", step_id="postgres#1", key="postgres", result=Raw(b'"postgres"'))

    assert Masks(["postgres"]).event(done) is done


def test_the_event_that_was_emitted_is_not_changed() -> None:
    line = e.Log("INFO", "with s3cr3t-pw")

    assert Masks(["s3cr3t-pw"]).event(line) == e.Log("INFO", "with ***")
    assert line.message == "with s3cr3t-pw"


def test_of_two_secrets_the_longer_one_goes_first() -> None:
    assert Masks(["s3cr3t-pw", "s3cr3t-pw-2"]).text("s3cr3t-pw-2 s3cr3t-pw") == "*** ***"


def test_a_private_key_that_is_printed_line_by_line_is_masked_in_each() -> None:
    masks = Masks([PEM])

    assert [masks.text(line) for line in PEM.splitlines()][1] == MASK


def test_more_secrets_of_one_execution() -> None:
    masks = Masks(["s3cr3t-pw"], shapes=False)

    assert masks.also([]) is masks
    assert masks.also(["1"]) is masks  # would be found in every line
    assert masks.also(["hunter2"]).text("hunter2 s3cr3t-pw") == "*** ***"


def test_variables_are_chosen_by_their_names() -> None:
    environment = {
        "GITHUB_TOKEN": "value-of-a-token",
        "pgpassword": "value-of-a-password\n",
        "AWS_SECRET_ACCESS_KEY": "value-of-a-key",
        "SHORT_TOKEN": "1",
        "PATH": "/usr/bin:/bin",
        "TOKENIZERS_PARALLELISM": "false-or-true",
        "DB_PASS": "named-by-the-operator",
        "SORT_KEY": "created_at",
    }

    chosen = named_values(environment, ("DB_*", "!SORT_KEY"))

    assert sorted(chosen) == [
        *("named-by-the-operator", "value-of-a-key", "value-of-a-password", "value-of-a-token")
    ]


def _texts_in(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in _texts_in(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts_in(each)]
    return [value] if isinstance(value, str) else []


def _names_in(value: object) -> object:
    if isinstance(value, dict):
        return {name: _names_in(each) for name, each in value.items()}
    return [_names_in(each) for each in value] if isinstance(value, list) else None
