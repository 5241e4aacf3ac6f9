"""Python client of a Headway server: start, list and cancel over HTTP, follow over WebSocket."""

from headway.client.http import Client
from headway.client.records import ExecutionDetails, ExecutionRow, Started, Update, WorkflowRow
from headway.client.watching import watch

__all__ = ["Client", "ExecutionDetails", "ExecutionRow", "Started", "Update", "WorkflowRow", "watch"]
