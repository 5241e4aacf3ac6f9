"""What routes share: ids out of paths, JSON into answers."""

from typing import Any

import msgspec
from fastapi import Response

from headway.domain.identifiers import ExecutionId, is_execution_id
from headway.errors import ExecutionNotFound


def json_answer(value: Any, *, status_code: int = 200, headers: dict[str, str] | None = None) -> Response:
    """`value` as JSON; not to be stored anywhere, unless `headers` say so."""
    return Response(
        msgspec.json.encode(value),
        status_code=status_code,
        media_type="application/json",
        headers={"Cache-Control": "no-store"} | (headers or {}),
    )


def execution_id_of(text: str) -> ExecutionId:
    """The id in a path.

    Raises:
        ExecutionNotFound: It has not the shape of one.
    """
    if not is_execution_id(text):
        raise ExecutionNotFound(f"{text!r} is no execution id", execution_id=text)
    return ExecutionId(text)
