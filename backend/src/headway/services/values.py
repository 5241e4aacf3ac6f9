"""Users' values as JSON: results to record, arguments to recognise; knows nothing of events.

A value is encoded once, when it is made, so that nothing later depends on an object the user may change.
"""

import inspect
from collections.abc import Callable, Mapping, Set
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Raw
from pydantic_core import to_json

from headway.errors import ResultTooLarge

_WORD_ENDS = (b" ", b",", b'"')
MAX_RESULT_BYTES = 256 * 1024
MAX_PREVIEW_BYTES = 1_024
NULL = Raw(b"null")


def encode_result(value: object) -> Raw | None:
    """Encode what a step returned; NaN and infinities become null, lone surrogates are replaced.

    Returns:
        JSON, or `None` where the value has no JSON form (an open file, a generator, a cycle).

    Raises:
        ResultTooLarge: It is above `MAX_RESULT_BYTES`.
    """
    if value is None:
        return NULL
    if hasattr(type(value), "__next__"):
        return None  # reading it would leave nothing for the caller
    try:
        encoded = to_json(value, inf_nan_mode="null")
    except (ValueError, TypeError, RecursionError):
        try:
            encoded = to_json(_without_surrogates(value), inf_nan_mode="null")
        except (ValueError, TypeError, RecursionError):
            return None
    return _bounded(encoded)


def encode_output(value: object) -> Raw:
    """Encode what a workflow returned; parts without a JSON form are shown as text.

    Raises:
        ResultTooLarge: It is above `MAX_RESULT_BYTES`.
    """
    exact = encode_result(value)
    if exact is not None:
        return exact
    try:
        return _bounded(to_json(_without_surrogates(value), inf_nan_mode="null", fallback=_text))
    except (ValueError, TypeError, RecursionError):
        return Raw(to_json(_text(value)))


def digest(path: str, name: str, arguments: object) -> str:
    """Name a call by where it stands, what it calls and with what.

    The same in every process: dicts and sets are put in order, and what has no JSON form counts by its type.
    """
    try:
        encoded = _encode_ordered((path, name, arguments))
    except (ValueError, TypeError, RecursionError, OverflowError):
        encoded = repr((path, name, _canonical(arguments, 0))).encode("utf-8", "backslashreplace")
    return blake2b(encoded, digest_size=8).hexdigest()


def preview(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
    """Show what a function was called with: its arguments by name as JSON, for people only; raises nothing.

    Parts without a JSON form are shown as text, iterators unread.

    Returns:
        At most `MAX_PREVIEW_BYTES` of UTF-8, ended by `…` where it was cut, between two words: the beginning
        of a secret would not be known as one. `None` without an argument.
    """
    try:
        named = _named(function, args, kwargs)
        if not named:
            return None
        try:
            shown = _encode_shown(named)
        except Exception:  # noqa: BLE001 - cycles, surrogates, what another thread changes meanwhile
            shown = _text(named).encode()
    except Exception as error:  # noqa: BLE001 - whatever users' objects do: the failure that is told matters more
        return f"cannot be shown: {type(error).__qualname__}"
    if len(shown) <= MAX_PREVIEW_BYTES:
        return shown.decode()
    head = shown[: MAX_PREVIEW_BYTES - len("…".encode())]
    whole = 1 + max(head.rfind(end) for end in _WORD_ENDS)
    return head[:whole].decode("utf-8", "ignore") + "…"


def _named(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Mapping[str, Any]:
    try:
        return inspect.signature(function).bind(*args, **kwargs).arguments
    except (TypeError, ValueError):  # the call does not fit, which may be the very failure
        return {f"argument {number}": value for number, value in enumerate(args, 1)} | dict(kwargs)


def _shown(value: Any) -> Any:
    """What msgspec cannot encode by itself, for people."""
    if not hasattr(type(value), "__next__"):
        try:
            return Raw(to_json(value, inf_nan_mode="null", fallback=_text))
        except (ValueError, TypeError, RecursionError):
            pass
    return _text(value)


_encode_shown = msgspec.json.Encoder(enc_hook=_shown).encode


def _bounded(encoded: bytes) -> Raw:
    if len(encoded) > MAX_RESULT_BYTES:
        raise ResultTooLarge(
            f"the result is {len(encoded):,} bytes of JSON, above {MAX_RESULT_BYTES:,}; "
            "write it to a file or an output and return its name",
            size=len(encoded),
        )
    return Raw(encoded)


def _text(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a user's __repr__ may do anything
        text = f"<{type(value).__qualname__}>"
    return text[:1_000].encode("utf-8", "replace").decode("utf-8")


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_without_surrogates(item) for item in value]
    return value


def _plain(value: Any) -> Any:
    """What msgspec cannot encode by itself, for recognition only."""
    if hasattr(type(value), "__next__"):
        return type(value).__qualname__  # reading it would leave nothing for the step
    try:
        return Raw(to_json(value))
    except (ValueError, TypeError, RecursionError):
        return type(value).__qualname__


_encode_ordered = msgspec.json.Encoder(order="deterministic", enc_hook=_plain).encode


def _canonical(value: Any, depth: int) -> Any:
    """The slow way to an order: for keys of several types, surrogates, huge integers and cycles."""
    if depth > 20:
        return "…"
    if isinstance(value, Mapping):
        pairs = ((_canonical(key, depth + 1), _canonical(item, depth + 1)) for key, item in value.items())
        return sorted(pairs, key=repr)
    if isinstance(value, Set):
        return sorted((_canonical(item, depth + 1) for item in value), key=repr)
    if isinstance(value, (list, tuple)):
        return [_canonical(item, depth + 1) for item in value]
    if value is None or isinstance(value, (str, int, float, bytes)):
        return value
    return type(value).__qualname__
