"""Secrets out of events before they are stored: values that are known, and texts that look like tokens. Pure.

A net, not a promise: it finds a secret where it stands whole in one text. What is looked at is the decoded
text, so no escape hides a secret and no mask breaks the JSON around it. Keys, ids and results stay as they
are: the code finds its way by them.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from types import NoneType
from typing import Any, TypeVar, get_args
from urllib.parse import quote, quote_plus

import msgspec
from msgspec import Raw, UnsetType

from headway.domain.events import KINDS, EventData

_S = TypeVar("_S", bound=msgspec.Struct)
_D = TypeVar("_D", bound=EventData)

MASK = "***"
HIDDEN = "**********"  # in place of an input that its type hint declares a secret, as Pydantic shows it
MIN_CHARS = 8  # of a variable's value: "1" and "true" stand everywhere
MIN_INPUT_CHARS = 4  # of an input that its type hint declares to be a secret
# Variables that hold secrets by their names, whoever runs this; the operator names more.
SECRET_NAMES = (
    *("*TOKEN", "*SECRET", "*PASSWORD", "*PASSWD", "*PASSPHRASE", "*_PWD", "*_PAT", "*_KEY", "*APIKEY"),
    "*_AUTH",
)

# Where a token begins: not inside a word, unless that is the end of a colour code.
_START = r"(?:(?<![\w-])|(?<=\x1b\[\dm)|(?<=\x1b\[\d\dm)|(?<=\x1b\[\d;\d\dm))"
# What is to be masked is the group `_`; else the whole. Each is linear in the length of the text.
_SHAPES = (
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?P<pem>[\s\S]*?)(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)",
    r"://[^\s/:@\"'<>]{0,64}:(?P<url>[^\s/@\"'<>]{1,256})@",
    r"(?i:\bauthorization[\\\"']*\s*[:=]\s*[\\\"']*(?:basic|bearer|token|digest|apikey)\s+)"
    r"(?=[^\s\"',;\\A-Z\d=]{0,256}[A-Z\d=])(?P<auth>[^\s\"',;\\]{8,})",
    r"[Bb](?i:earer)\s+(?=[A-Za-z._~+/=-]{0,256}\d)(?P<bearer>[\w.~+/=-]{16,})",
    r"gh[pousr]_[A-Za-z0-9]{20,}",
    r"github_pat_\w{22,}",
    r"glpat-[\w-]{20,}",
    _START + r"sk-(?=[A-Za-z_-]{0,256}\d)[\w-]{20,}",
    r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}",
    r"A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])",
    r"xox[abeoprs]-[\w-]{10,}",
    r"AIza[\w-]{35}",
    r"npm_[A-Za-z0-9]{36}",
    r"hf_[A-Za-z0-9]{30,}",
    _START + r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+",
)
# One of these is in every text that has such a shape: the search that most texts end with. A plain text is
# found in others at a fraction of what a pattern costs; signs that are common in words need a second look.
_SIGNS = (
    *("PRIVATE KEY", "earer ", "EARER ", "uthorization", "UTHORIZATION", "github_pat_", "glpat-"),
    *("k_live_", "k_test_", "AKIA", "ASIA", "xox", "AIza", "npm_", "hf_", "eyJ"),
)
_COMMON_SIGNS = tuple(
    (sign, re.compile(pattern).search)
    for sign, pattern in (
        ("@", r"://[^\s/@]{1,320}@"),
        ("gh", r"gh[pousr]_[A-Za-z0-9]{20}"),
        ("sk-", r"sk-[\w-]{20}"),
    )
)
_SHAPE = re.compile("|".join(_SHAPES))
_GROUPS = ("pem", "url", "auth", "bearer")

# Ids, names by which code and viewers find something, words of our own; what the code gets back as it was.
_KEPT = frozenset(
    {"execution_id", "workflow_id", "step_id", "step", "key", "parent", "name", "control_id", "approval_id"}
    | {"wait_id", "signal_id", "retry_of", "from_step", "worker", "by", "plan", "control", "phase", "wait"}
    | {
        "outcome",
        "on_deadline",
        "deadline",
        "until",
        "level",
        "stream",
        "logger",
        "code",
        "media_type",
        "sha256",
        "unit",
    }
    | {"status", "totals", "values", "value"}
)
_BASE64_LINE = re.compile(r"[A-Za-z0-9+/=]{32,}")
_JSON_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"(?P<key>\s*:)?')


def named_values(environment: Mapping[str, str], patterns: Iterable[str]) -> list[str]:
    """Values of the variables that hold secrets by their names, of at least `MIN_CHARS`.

    Args:
        environment: Values by name.
        patterns: Beside `SECRET_NAMES`: `DB_PASS`, `API_*`; `!SORT_KEY` leaves one out.
    """
    given = list(patterns)
    excepted = [pattern[1:] for pattern in given if pattern.startswith("!")]
    wanted = [*SECRET_NAMES, *(pattern for pattern in given if not pattern.startswith("!"))]
    return [
        value.strip()
        for name, value in environment.items()
        if len(value.strip()) >= MIN_CHARS and _fits(name, wanted) and not _fits(name, excepted)
    ]


class Masks:
    """What to look for.

    Args:
        secrets: Values that are masked wherever they stand, also as they are written in JSON, in Python's
            `repr` and in an address.
        shapes: Whether texts that look like tokens are masked too.
    """

    __slots__ = ("_secret", "_secrets", "_shapes", "_signs")

    def __init__(self, secrets: Iterable[str] = (), *, shapes: bool = True) -> None:
        self._secrets, self._shapes = frozenset(secrets) - {""}, shapes
        forms = {form for secret in self._secrets for form in _forms(secret)}
        # A secret that holds another goes first.
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._secret = re.compile("|".join(map(re.escape, ordered))) if ordered else None
        self._signs = (*ordered, *(_SIGNS if shapes else ()))

    def also(self, secrets: Iterable[str]) -> "Masks":
        """These and more values, each of at least `MIN_INPUT_CHARS`; `self` where there are none."""
        more = [secret for secret in secrets if len(secret) >= MIN_INPUT_CHARS]
        return Masks(self._secrets.union(more), shapes=self._shapes) if more else self

    def suspects(self, text: str) -> bool:
        """Whether `text` may have to change; quick, and never false where it has to."""
        for sign in self._signs:
            if sign in text:
                return True
        if self._shapes:
            for sign, search in _COMMON_SIGNS:
                if sign in text and search(text) is not None:
                    return True
        return False

    def text(self, text: str) -> str:
        """The text with each secret as `***`; the very same object where there is none."""
        if not self.suspects(text):
            return text
        masked = text if self._secret is None else self._secret.sub(MASK, text)
        if self._shapes:
            masked = _SHAPE.sub(_masked_shape, masked)
        return text if masked == text else masked

    def json(self, encoded: bytes) -> bytes:
        """JSON with its texts masked but for the names of members; all else stays to the byte."""
        if b"\\" not in encoded and not self.suspects(encoded.decode("utf-8", "replace")):
            return encoded  # without escapes each text stands there as it is
        return _JSON_STRING.sub(self._masked_string, encoded)

    def event(self, data: _D) -> _D:
        """The event as it may be stored: a copy, or `data` itself where there is nothing to mask."""
        return self._struct(data, _TEXTS[type(data)])

    def _struct(self, struct: _S, names: Iterable[str]) -> _S:
        changes: dict[str, Any] = {}
        for name in names:
            value = getattr(struct, name)
            if value is None:
                continue
            masked = self._value(value)
            if masked is not value:
                changes[name] = masked
        return msgspec.structs.replace(struct, **changes) if changes else struct

    def _value(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value)
            case Raw():
                before = bytes(value)
                after = self.json(before)
                return value if after == before else Raw(after)
            case list() | tuple() | dict():
                return msgspec.json.decode(self.json(msgspec.json.encode(value)))
            case msgspec.Struct():
                return self._struct(value, (name for name in value.__struct_fields__ if name not in _KEPT))
            case _:
                return value

    def _masked_string(self, found: re.Match[bytes]) -> bytes:
        encoded = found[0]
        if found["key"] is not None:
            return encoded
        text: str = json.loads(encoded)
        masked = self.text(text)
        return encoded if masked is text else msgspec.json.encode(_writable(masked))


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name.upper(), pattern.upper()) for pattern in patterns)


def _forms(secret: str) -> Iterator[str]:
    """How the secret may be written in a text."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    yield ascii(secret)[1:-1]
    writable = _writable(secret)
    yield quote(writable, safe="")
    yield quote(writable)
    yield quote_plus(writable)
    if "PRIVATE KEY" in secret:  # printed line by line, each is an event of its own
        yield from _BASE64_LINE.findall(secret)


def _writable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _masked_shape(found: re.Match[str]) -> str:
    group = next((name for name in _GROUPS if found[name] is not None), None)
    if group is None:
        return MASK
    whole, (start, end) = found[0], found.span(group)
    return whole[: start - found.start()] + MASK + whole[end - found.start() :]


def _texts(struct: type[EventData]) -> tuple[str, ...]:
    """The fields to look at: all that are neither kept nor numbers, so that a new one is among them."""
    # The result of a step is what a run recalls after a crash.
    kept = _KEPT | {"result"} if struct.kind == "step.completed" else _KEPT
    return tuple(
        field.name
        for field in msgspec.structs.fields(struct)
        if field.name not in kept and not set(_parts(field.type)) <= _NUMBERS
    )


def _parts(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) or (hint,)


_NUMBERS = {int, float, bool, NoneType, UnsetType}
_TEXTS = {data: _texts(data) for data in KINDS.values()}
