"""Answers of a server that are problem documents (RFC 9457), as the errors of `headway.errors`."""

from http import HTTPStatus

import msgspec

from headway.errors import (
    ClientError,
    Forbidden,
    HeadwayError,
    InvalidInput,
    NotFound,
    Unauthorized,
    UnavailableError,
    errors_by_code,
)


class _Problem(msgspec.Struct):
    code: str | None = None
    title: str | None = None
    detail: str | None = None
    errors: list[dict[str, str]] = msgspec.field(default_factory=list)
    why: str | None = None
    expected: int | None = None
    request_id: str | None = None


_decode = msgspec.json.Decoder(_Problem).decode
_MAYBE_CHANGED = frozenset({"not_found", "bad_request", "invalid_message"})
_BY_STATUS: dict[int, type[HeadwayError]] = {401: Unauthorized, 403: Forbidden, 404: NotFound}


def to_error(status: int, body: bytes) -> HeadwayError:
    """The error that an answer above 399 stands for; `code` is the server's where this client knows it."""
    try:
        problem = _decode(body)
    except msgspec.MsgspecError:
        problem = _Problem()
    fallback = UnavailableError if status >= 500 else HeadwayError
    kind = errors_by_code().get(problem.code or "") or _BY_STATUS.get(status, fallback)
    message = problem.detail or problem.title or f"the server answered {status} {_phrase(status)}"
    if kind is InvalidInput:
        return InvalidInput(message, errors=problem.errors or [{"field": "input", "message": message}])
    return kind(
        message,
        status=status,
        told=problem.code == kind.code,
        why=problem.why,
        expected=problem.expected,
        request_id=problem.request_id,
    )


def is_final(error: HeadwayError) -> bool:
    """The server itself says no, and would over any transport; not somebody between here and there.

    A path or message that it does not know may be what a proxy has made of the request.
    """
    told = bool(error.fields.get("told")) and error.code not in _MAYBE_CHANGED
    return told and isinstance(error, ClientError)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
