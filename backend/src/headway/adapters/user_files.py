"""Imports users' files, and again when they are saved.

A file is imported under a fresh module each time, so that running executions keep the functions they began
with. Whatever its import raises becomes the `import_error` of its `SourceFile`; nothing is raised here.
"""

import hashlib
import linecache
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import msgspec

from headway.authoring.workflow import Workflow
from headway.domain.workflow import SourceFile
from headway.ports import RunnableWorkflow
from headway.services.failures import user_traceback

Fingerprint = tuple[int, int] | None  # modification time in ns and size in bytes; None where the file is gone
_INSTALLED = tuple(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedFile:
    """What a file defines, or why it does not import."""

    source: SourceFile
    workflows: Mapping[str, RunnableWorkflow] = field(default_factory=dict)


class UserFiles:
    """The files a worker serves, as they were imported last. For one thread at a time."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self.paths = tuple(dict.fromkeys(path.absolute() for path in paths))
        self._loaded: dict[Path, LoadedFile] = {}
        self._neighbours: dict[str, Path] = {}  # modules beside the files that importing them brought in
        self._imported: dict[Path, Fingerprint] = {}
        self._seen: dict[Path, Fingerprint] = {}
        self._serial = 0

    def load(self) -> list[LoadedFile]:
        """Import all of them."""
        for path in self.paths:
            self._loaded[path] = self._load(path)
        self._imported = self._seen = fingerprints(self._watched())
        return self._resolved()

    def load_saved(self) -> list[LoadedFile] | None:
        """Import those that were saved since, once they have been the same for two calls.

        Returns:
            All files as they are now, or `None` where nothing was saved.
        """
        before, self._seen = self._seen, fingerprints(self._watched())
        if self._seen == self._imported or self._seen != before:
            return None
        saved = {path for path, found in self._seen.items() if found != self._imported.get(path)}
        for path in self.paths:
            if path in saved or any(path.parent in each.parents for each in saved if each not in self.paths):
                self._loaded[path] = self._load(path)
        self._imported = self._seen = fingerprints(self._watched())
        return self._resolved()

    def _watched(self) -> list[Path]:
        return [*self.paths, *self._neighbours.values()]

    def _resolved(self) -> list[LoadedFile]:
        return resolve_duplicates([self._loaded[path] for path in self.paths])

    def _load(self, path: Path) -> LoadedFile:
        loaded_at = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        source = SourceFile(path=str(path), loaded_at=loaded_at)
        try:
            content = path.read_bytes()
        except OSError as error:
            source.import_error = f"{path} cannot be read: {error.strerror}"
            return LoadedFile(source=source)
        source.code_hash = hashlib.sha256(content).hexdigest()
        self._forget_neighbours(path.parent)
        module, known = self._new_module(path), set(sys.modules)
        try:
            exec(compile(content, str(path), "exec"), module.__dict__)
            workflows = _workflows_of(module)
        except BaseException as error:  # noqa: BLE001 - a file that raises SystemExit ends only itself
            source.import_error = user_traceback(error)
            return LoadedFile(source=source)
        finally:
            self._neighbours |= _modules_beside(path.parent, set(sys.modules) - known)
        if not workflows:
            source.import_error = f"{path.name} defines no workflow; put @workflow above a function of it"
        return LoadedFile(source=source, workflows=workflows)

    def _new_module(self, path: Path) -> ModuleType:
        """A module that dataclasses, pickle and Pydantic find under its own name."""
        folder = str(path.parent)
        if folder not in sys.path:
            sys.path.insert(0, folder)
        self._serial += 1
        module = ModuleType(f"headway_user_{path.stem}_{self._serial}")
        module.__file__ = str(path)
        sys.modules[module.__name__] = module
        linecache.checkcache(str(path))
        return module

    def _forget_neighbours(self, folder: Path) -> None:
        for name in [name for name, path in self._neighbours.items() if folder in path.parents]:
            del self._neighbours[name]
            sys.modules.pop(name, None)


def resolve_duplicates(loaded: Sequence[LoadedFile]) -> list[LoadedFile]:
    """Give a file that defines a workflow id of an earlier one an `import_error` that names both."""
    owner_of: dict[str, str] = {}
    resolved = []
    for each in loaded:
        taken = next((name for name in each.workflows if name in owner_of), None)
        if taken is None:
            owner_of |= dict.fromkeys(each.workflows, each.source.path)
            resolved.append(each)
            continue
        problem = (
            f"workflow {taken!r} is already defined by {owner_of[taken]}; "
            f'give one of them another id, for example @workflow(id="{taken}_2")'
        )
        resolved.append(LoadedFile(source=msgspec.structs.replace(each.source, import_error=problem)))
    return resolved


def fingerprints(paths: Iterable[Path]) -> dict[Path, Fingerprint]:
    """What changes when a file is saved."""
    found: dict[Path, Fingerprint] = {}
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            found[path] = None
        else:
            found[path] = (status.st_mtime_ns, status.st_size)
    return found


def _workflows_of(module: ModuleType) -> dict[str, RunnableWorkflow]:
    """The workflows a module defines; where it defines none, those it imports.

    Raises:
        DefinitionError: One of them is declared in a way that cannot run.
    """
    found = [value for value in vars(module).values() if isinstance(value, Workflow)]
    own = [each for each in found if each.function.__module__ == module.__name__]
    return {each.definition.workflow_id: each for each in own or found}


def _modules_beside(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """Those of the modules whose files lie in `folder` or below it and belong to no installed package."""
    found = {}
    for name in names:
        file = getattr(sys.modules.get(name), "__file__", None)
        if not isinstance(file, str) or folder not in (path := Path(file)).parents:
            continue
        if not any(installed in path.parents for installed in _INSTALLED) and "site-packages" not in file:
            found[name] = path
    return found
