"""Python warnings as log events of the execution they were raised in."""

import warnings
from collections.abc import Callable
from typing import TextIO

from headway.domain.events import Log, cut_message
from headway.ports import current_scope


def install() -> Callable[[], None]:
    """Take the place of `warnings.showwarning`; filters stay as they are."""
    shown_before = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        scope = current_scope.get()
        if scope is None or file is not None:
            shown_before(message, category, filename, lineno, file, line)
            return
        text, length = cut_message(f"{category.__name__}: {message} ({filename}:{lineno})")
        scope.emit(Log("WARNING", text, scope.step_id, scope.step_name, "py.warnings", "logging", length))

    warnings.showwarning = show

    def uninstall() -> None:
        if warnings.showwarning is show:
            warnings.showwarning = shown_before

    return uninstall
