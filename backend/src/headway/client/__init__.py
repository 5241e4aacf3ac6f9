"""Python client of a Headway server: start, list and cancel over HTTP, follow over what works."""

from headway.client.http import Client
from headway.client.ladder import Transport
from headway.client.producer import Producer
from headway.client.records import Update
from headway.client.watching import watch
from headway.services.producers import Taken
from headway.services.views import (
    ControlReceipt,
    DescriptionView,
    ExecutionsView,
    ExecutionView,
    Started,
    WorkflowsView,
    WorkflowView,
)

__all__ = [
    "Client",
    "ControlReceipt",
    "DescriptionView",
    "ExecutionView",
    "ExecutionsView",
    "Producer",
    "Started",
    "Taken",
    "Transport",
    "Update",
    "WorkflowView",
    "WorkflowsView",
    "watch",
]
