"""What a user sees of an exception: one line, a stable code, and the frames of their own code."""

import asyncio
import concurrent.futures
import contextlib
import inspect
import os
import threading
import traceback
from collections.abc import Iterable, Iterator

from headway.domain.events import cut_message
from headway.errors import HeadwayError, WorkflowError

MAX_ERROR_CHARS = 500
_OWN_CODE = os.path.dirname(os.path.dirname(__file__)) + os.sep
# What runs steps for us; its folder, or its only file.
_MACHINERY = tuple(
    inspect.getfile(module).removesuffix("__init__.py")
    for module in (asyncio, concurrent.futures, contextlib, threading)
)


def error_line(error: BaseException) -> str:
    """One line: `KeyError: 'sku'`."""
    error = innermost(error)
    try:
        text = str(error).strip()
    except Exception:  # noqa: BLE001 - a user's __str__ may do anything
        text = ""
    name = type(error).__name__
    line = f"{name}: {text.splitlines()[0]}" if text else name
    return line if len(line) <= MAX_ERROR_CHARS else line[: MAX_ERROR_CHARS - 1] + "…"


def error_code(error: BaseException) -> str:
    """The code of an error of ours, else that of a workflow's own failure."""
    error = innermost(error)
    return error.code if isinstance(error, HeadwayError) else WorkflowError.code


def user_traceback(error: BaseException) -> str:
    """The traceback as Python prints it, without the frames of Headway and of the machinery it calls."""
    told = traceback.TracebackException.from_exception(error, compact=True)
    for link in _links(told):
        link.stack = traceback.StackSummary.from_list(_user_frames(link.stack))
    return cut_message("".join(told.format()).rstrip())[0]


def _user_frames(stack: Iterable[traceback.FrameSummary]) -> Iterator[traceback.FrameSummary]:
    """Frames of the user's code, and of the libraries it calls; not those of what runs steps."""
    is_ours = False
    for frame in stack:
        if frame.filename.startswith(_OWN_CODE):
            is_ours = True
        elif not (is_ours and frame.filename.startswith(_MACHINERY)):
            is_ours = False
            yield frame


def innermost(error: BaseException) -> BaseException:
    """The only member of a group of one, as a `TaskGroup` raises it; else the error itself."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, then what led to it: members of groups, causes and contexts."""
    waiting, seen = [error], set[int]()
    while waiting:
        link = waiting.pop()
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        if isinstance(link, BaseExceptionGroup):
            waiting.extend(link.exceptions)
        waiting.extend(cause for cause in (link.__context__, link.__cause__) if cause is not None)


def _links(told: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    waiting = [told]
    while waiting:
        link = waiting.pop()
        yield link
        waiting.extend(getattr(link, "exceptions", None) or ())
        waiting.extend(cause for cause in (link.__cause__, link.__context__) if cause is not None)
