"""A pipeline that runs into trouble and gets over it: one file cannot be read at first, a retry reads it.

Its files are the modules of Python's own standard library, so it runs on any machine. The trouble is made,
but in a way that real trouble comes: from outside the function, and gone by the time of the next attempt.
Run it with `outcome` set to `fail` to see an execution that does not get over it.
"""

import hashlib
import logging
import sysconfig
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from headway import current, output, progress, step, workflow

logger = logging.getLogger(__name__)


class VolumeNotReady(OSError):
    """The file's volume does not answer yet."""


@dataclass(frozen=True)
class Job:
    """One file of the pipeline, and whether trouble waits there: `none`, `once` or `always`."""

    path: Path
    trouble: Literal["none", "once", "always"] = "none"


@dataclass(frozen=True)
class Digest:
    """What is known of a file that has been read."""

    name: str
    sha256: str
    lines: int
    words: dict[str, int]


@step
def find_files(limit: int) -> list[Path]:
    """The largest modules at the top of the standard library."""
    modules = Path(sysconfig.get_path("stdlib")).glob("*.py")
    return sorted(modules, key=lambda path: path.stat().st_size, reverse=True)[:limit]


@step(retries=2, backoff_s=0.5, max_concurrency=4)
def digest_file(job: Job) -> Digest:
    """Checksum, lines and most frequent words of one file."""
    face_trouble(job)
    checksum = hashlib.sha256()
    words: Counter[str] = Counter()
    lines = 0
    size = job.path.stat().st_size
    with job.path.open("rb") as file:
        for line in file:
            lines += 1
            checksum.update(line)
            words.update(word for word in line.decode("utf-8", "replace").split() if word.isalpha())
            progress(file.tell(), size, unit="byte")
    print(f"{job.path.name}: {lines:,} lines")  # noqa: T201 - what a step prints stands in its log
    return Digest(job.path.name, checksum.hexdigest(), lines, dict(words.most_common(20)))


@step
def write_manifest(digests: list[Digest]) -> str:
    """Leave the checksums in the form that `sha256sum --check` reads."""
    manifest = "".join(f"{digest.sha256}  {digest.name}\n" for digest in digests)
    output("SHA256SUMS", manifest, "text/plain")
    return hashlib.sha256(manifest.encode()).hexdigest()


@workflow(plan=[find_files, digest_file, write_manifest])
async def recovering_pipeline(
    files: Annotated[int, Field(ge=1, le=150)] = 40,
    outcome: Literal["recover", "fail"] = "recover",
) -> dict[str, object]:
    """Read many files; one fails at first.

    Args:
        files: How many to read.
        outcome: Whether the file that fails can be read at the next attempt, or never.
    """
    paths = await find_files.aio(files)
    unlucky = paths[len(paths) // 2]
    trouble: Literal["once", "always"] = "once" if outcome == "recover" else "always"
    logger.info("%d files to read; %s will make trouble", len(paths), unlucky.name)

    jobs = [Job(path, trouble if path == unlucky else "none") for path in paths]
    digests = await digest_file.map_aio(jobs, concurrency=4)

    words: Counter[str] = Counter()
    for digest in digests:
        words.update(digest.words)
    return {
        "files": len(digests),
        "lines": sum(digest.lines for digest in digests),
        "most frequent words": dict(words.most_common(5)),
        "manifest": await write_manifest.aio(digests),
    }


def face_trouble(job: Job) -> None:
    """Raise where trouble waits; a mark outside the process tells the first attempt from the next."""
    here = current()
    if job.trouble == "none" or here is None:
        return
    mark = Path(tempfile.gettempdir()) / f"headway-{here.execution_id}.mark"
    if job.trouble == "once" and mark.exists():
        mark.unlink()
        logger.info("the volume of %s answers now", job.path.name)
        return
    if job.trouble == "once":
        mark.touch()
    raise VolumeNotReady(f"{job.path}: the volume does not answer yet")
