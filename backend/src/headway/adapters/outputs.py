"""Files that executions leave behind: in a folder, or in memory."""

import contextlib
import hashlib
import os
import secrets
import shutil
import threading
from pathlib import Path
from urllib.parse import quote

from typing_extensions import override

from headway.domain.identifiers import ExecutionId
from headway.errors import OutputNotFound, UnavailableError
from headway.ports import OutputStore

MAX_NAME_BYTES = 200  # file systems allow 255, and a file being written has a suffix


class DirectoryOutputStore(OutputStore):
    """One folder an execution, one file an output, readable by their owner only.

    Any text is a good name: what could lead out of the folder is quoted, what is too long is hashed.
    """

    def __init__(self, root: str | Path) -> None:
        self._root = Path(root)

    @override
    def save(self, execution_id: ExecutionId, name: str, content: bytes) -> None:
        """Store durably and whole, or not at all; replaces an output of this name.

        Raises:
            UnavailableError: The disk is full or cannot be written.
        """
        target = self._path(execution_id, name)
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _replace(target, content)
        except OSError as error:
            raise UnavailableError(
                f"{target} cannot be written ({error.strerror}): check the disk and the folder's permissions",
                path=str(target),
            ) from error

    @override
    def load(self, execution_id: ExecutionId, name: str) -> bytes:
        try:
            return self._path(execution_id, name).read_bytes()
        except FileNotFoundError:
            raise OutputNotFound(execution_id=execution_id, name=name) from None
        except OSError as error:
            raise UnavailableError(f"output {name!r} cannot be read ({error.strerror})") from error

    @override
    def remove(self, execution_id: ExecutionId) -> None:
        """Raises `UnavailableError` where the folder cannot be changed; what is left goes the next time."""
        try:
            shutil.rmtree(self._root / _file_name(execution_id))
        except FileNotFoundError:
            return
        except OSError as error:
            raise UnavailableError(
                f"outputs of {execution_id} cannot be removed ({error.strerror})"
            ) from error

    def _path(self, execution_id: ExecutionId, name: str) -> Path:
        return self._root / _file_name(execution_id) / _file_name(name)


class MemoryOutputStore(OutputStore):
    """For tests: keeps outputs as long as the process lives."""

    def __init__(self) -> None:
        self._outputs: dict[tuple[ExecutionId, str], bytes] = {}
        self._lock = threading.Lock()

    @override
    def save(self, execution_id: ExecutionId, name: str, content: bytes) -> None:
        with self._lock:
            self._outputs[execution_id, name] = bytes(content)

    @override
    def load(self, execution_id: ExecutionId, name: str) -> bytes:
        with self._lock:
            try:
                return self._outputs[execution_id, name]
            except KeyError:
                raise OutputNotFound(execution_id=execution_id, name=name) from None

    @override
    def remove(self, execution_id: ExecutionId) -> None:
        with self._lock:
            self._outputs = {key: one for key, one in self._outputs.items() if key[0] != execution_id}


def _file_name(name: str) -> str:
    """A name without a separator, a leading dot or a case to confuse: distinct for distinct texts."""
    quoted = quote(name, safe=" ", errors="surrogatepass") or "%"
    if quoted.startswith("."):
        quoted = f"%2E{quoted[1:]}"
    if len(quoted) <= MAX_NAME_BYTES:
        return quoted
    return f"{quoted[:100]}%{hashlib.sha256(quoted.encode()).hexdigest()}"


def _replace(target: Path, content: bytes) -> None:
    partial = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
    _sync_directory(target.parent)


def _sync_directory(directory: Path) -> None:
    """Make the new name durable, where a folder can be synchronised at all."""
    with contextlib.suppress(PermissionError):  # Windows
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
