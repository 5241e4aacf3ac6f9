"""Where Node is, for scripts and tests that run the front end's sources outside a browser."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def node_command() -> str:
    """The machine's own, or the one that was fetched for this checkout."""
    found = subprocess.run([ROOT / "scripts" / "node_env.sh"], capture_output=True, text=True, check=True)
    return f"{found.stdout.strip()}/node"
