"""YAML of plain values, in the one style that the generated files need: block collections, JSON scalars."""

import json
import re
from collections.abc import Iterator
from typing import Any

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "~"})


def yaml_text(value: dict[str, Any]) -> str:
    """The document; every scalar is written as in JSON, which is YAML too."""
    return "\n".join(_lines(value, 0)) + "\n"


def _lines(value: Any, depth: int) -> Iterator[str]:
    pad = "  " * depth
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _member(f"{pad}{_key(name)}:", member, depth)
    else:
        for member in value:
            yield from _member(f"{pad}-", member, depth)


def _member(head: str, member: Any, depth: int) -> Iterator[str]:
    if isinstance(member, dict | list) and member:
        yield head
        yield from _lines(member, depth + 1)
    else:
        yield f"{head} {json.dumps(member, ensure_ascii=False)}"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) and name.lower() not in _RESERVED else json.dumps(name)
