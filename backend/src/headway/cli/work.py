"""`headway work`: runs what is started, without a server of its own."""

import sys
from collections.abc import Sequence

from headway.cli import exits
from headway.cli.supervising import supervise
from headway.config import Settings


def work(settings: Settings, files: Sequence[str]) -> int:
    """Run workers until Ctrl-C or SIGTERM."""
    supervise(settings, files, listens=False, announce=_announce)
    return exits.COMPLETED


async def _announce(settings: Settings) -> None:
    sys.stdout.write(f"Headway works on {settings.database_path} (Ctrl-C ends it)\n")
    sys.stdout.flush()
