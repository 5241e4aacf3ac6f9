"""Files that executions leave behind."""

from typing import Protocol

from headway.domain.identifiers import ExecutionId


class OutputStore(Protocol):
    """Files that executions leave behind."""

    def save(self, execution_id: ExecutionId, name: str, content: bytes) -> None: ...

    def load(self, execution_id: ExecutionId, name: str) -> bytes:
        """Raises `OutputNotFound`."""
        ...

    def remove(self, execution_id: ExecutionId) -> None:
        """Remove all that an execution left; harmless to repeat."""
        ...
