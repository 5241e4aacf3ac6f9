"""What a docstring in Google style says of a function and of each parameter."""

import re
from dataclasses import dataclass, field
from typing import Self

_SECTION = re.compile(r"^(Args|Arguments|Returns|Raises|Yields|Examples?|Notes?|Attributes):\s*$")
_PARAMETER = re.compile(r"^\*{0,2}(\w+)(?:\s*\([^)]*\))?:\s*(.*)$")


@dataclass(frozen=True, slots=True)
class Docstring:
    """Args: description: everything before the first section. parameters: name to text."""

    description: str = ""
    parameters: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a docstring whose indent is already removed; never fails."""
        description: list[str] = []
        parameters: dict[str, str] = {}
        section = current = ""
        indent = 0
        for line in text.splitlines():
            if heading := _SECTION.match(line):
                section, current, indent = heading[1], "", 0
            elif not section:
                description.append(line)
            elif section in {"Args", "Arguments"} and line.strip():
                depth = len(line) - len(line.lstrip())
                indent = indent or depth
                found = _PARAMETER.match(line.strip()) if depth <= indent else None
                if found:
                    current = found[1]
                    parameters[current] = found[2]
                elif current:
                    parameters[current] = f"{parameters[current]} {line.strip()}".strip()
        return cls("\n".join(description).strip(), parameters)
