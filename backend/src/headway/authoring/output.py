"""`output`: a file that an execution leaves behind."""

import mimetypes
from pathlib import Path

from headway.errors import ResultTooLarge
from headway.ports import current_scope

MAX_OUTPUT_BYTES = 16 << 20
MAX_NAME = 200


def output(name: str, content: str | bytes | Path, media_type: str | None = None) -> None:
    """Keep a file with the execution, to be opened from its page. Outside a workflow: nothing.

    Args:
        name: Like `report.html`; the same name again replaces it.
        content: Text, bytes, or the path of a file that is read now; at most 16 MiB.
        media_type: Guessed from the name by default.

    Raises:
        ValueError: The name holds a slash or is empty or above 200 characters.
        ResultTooLarge: The content is above the limit.
    """
    _check_name(name)
    scope = current_scope.get()
    if scope is not None:
        scope.save_output(name, _bytes(name, content), media_type or _media_type(name, content))


def _check_name(name: str) -> None:
    if (
        not 0 < len(name) <= MAX_NAME
        or name in {".", ".."}
        or not name.isprintable()
        or set(name) & set("/\\")
    ):
        raise ValueError(f"{name!r} is no name for an output: no '/', at most {MAX_NAME} characters")


def _bytes(name: str, content: str | bytes | Path) -> bytes:
    if isinstance(content, Path):
        _check_size(name, content.stat().st_size)
        content = content.read_bytes()
    encoded = content.encode("utf-8", "replace") if isinstance(content, str) else bytes(content)
    _check_size(name, len(encoded))
    return encoded


def _check_size(name: str, size: int) -> None:
    if size > MAX_OUTPUT_BYTES:
        raise ResultTooLarge(
            f"output {name!r} has {size:,} bytes, the limit is {MAX_OUTPUT_BYTES:,}; "
            f"leave it in a file and log the path",
            name=name,
            size=size,
        )


def _media_type(name: str, content: str | bytes | Path) -> str:
    guessed = mimetypes.guess_type(name)[0] or (
        "text/plain" if isinstance(content, str) else "application/octet-stream"
    )
    return (
        f"{guessed}; charset=utf-8" if isinstance(content, str) and guessed.startswith("text/") else guessed
    )
