"""Bars of `tqdm` as progress of the step they run in; nothing of them is written there."""

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from headway.authoring.tracker import Tracker
from headway.ports import current_scope

_MODULE = "tqdm.std"


def install() -> Callable[[], None]:
    """Teach `tqdm`, now or when it is first imported; bars outside an execution stay as they were."""
    undo: list[Callable[[], None]] = []
    loaded = sys.modules.get(_MODULE)
    if loaded is not None:
        undo.append(_patch(loaded))
    else:
        finder = _Finder(lambda module: undo.append(_patch(module)))
        sys.meta_path.insert(0, finder)
        undo.append(finder.remove)

    def uninstall() -> None:
        while undo:
            undo.pop()()

    return uninstall


class _Nowhere:
    """The file a bar inside an execution writes to."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        """There is nothing to flush."""

    def isatty(self) -> bool:
        return False


def _patch(module: ModuleType) -> Callable[[], None]:
    bar: Any = module.tqdm
    before = bar.__init__, bar.display, bar.close
    bar.__init__, bar.display, bar.close = _init(bar.__init__), _display(bar.display), _close(bar.close)

    def unpatch() -> None:
        bar.__init__, bar.display, bar.close = before

    return unpatch


def _init(real: Callable[..., None]) -> Callable[..., None]:
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        self.headway_tracker = None
        if current_scope.get() is None:
            real(self, *args, **kwargs)
            return
        if len(args) < 5:  # iterable, desc, total, leave, file
            kwargs["file"] = _Nowhere()
        if kwargs.get("disable", False) is None:
            kwargs["disable"] = False  # None means: on a terminal only; here is something better than one
        real(self, *args, **kwargs)
        if not self.disable:
            self.headway_tracker = Tracker(self.total, _unit(self), _description(self))

    return init


def _display(real: Callable[..., Any]) -> Callable[..., Any]:
    def display(self: Any, *args: Any, **kwargs: Any) -> Any:
        tracker = getattr(self, "headway_tracker", None)
        if tracker is None:
            return real(self, *args, **kwargs)
        tracker.total, tracker.message = self.total, _description(self)
        tracker.advance_to(self.n)
        return True

    return display


def _close(real: Callable[..., None]) -> Callable[..., None]:
    def close(self: Any) -> None:
        tracker = getattr(self, "headway_tracker", None)
        if tracker is not None:
            tracker.done, self.headway_tracker = self.n, None
            tracker.end()
        real(self)

    return close


def _description(bar: Any) -> str | None:
    return bar.desc.removesuffix(": ") or None


def _unit(bar: Any) -> str | None:
    return None if bar.unit == "it" else bar.unit


class _Finder(importlib.abc.MetaPathFinder):
    """Waits for the import of `tqdm.std`, finds it as Python would, and tells once it is loaded."""

    def __init__(self, loaded: Callable[[ModuleType], None]) -> None:
        self._loaded = loaded

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != _MODULE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._tell)
        return spec

    def remove(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def _tell(self, module: ModuleType) -> None:
        self.remove()
        self._loaded(module)


class _Loader(importlib.abc.Loader):
    """The real loader, and then a call."""

    def __init__(self, real: importlib.abc.Loader, loaded: Callable[[ModuleType], None]) -> None:
        self._real = real
        self._then = loaded

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._real.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._real.exec_module(module)
        self._then(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)
