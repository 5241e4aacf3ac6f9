"""The public names are written by hand; a new one is a decision."""

import subprocess
import sys

import headway


def test_public_names() -> None:
    assert headway.__all__ == [
        "Answer",
        "ApprovalTimeout",
        "AsyncStep",
        "CommandFailed",
        "CommandResult",
        "Current",
        "HeadwayError",
        "PlainStep",
        "Plan",
        "PlanNode",
        "SignalTimeout",
        "Step",
        "StepTimeout",
        "Workflow",
        "approval",
        "current",
        "gather",
        "log",
        "map",
        "output",
        "progress",
        "shell",
        "signal",
        "sleep",
        "step",
        "track",
        "workflow",
    ]
    assert all(hasattr(headway, name) for name in headway.__all__)


def test_importing_headway_loads_no_framework() -> None:
    """The command line starts with it, and a user's file needs no server."""
    heavy = "{'pydantic', 'fastapi', 'uvicorn', 'rich', 'typer', 'sqlite3', 'tqdm'}"
    code = f"import sys, headway; print(sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout == "[]\n"
