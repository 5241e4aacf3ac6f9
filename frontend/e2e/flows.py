"""Workflows for the browser tests: paced, so that a test can act in the middle of one."""

import asyncio
import logging
import time
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from headway import approval, progress, signal, sleep, step, workflow

logger = logging.getLogger(__name__)


@step
async def tick(number: int, pause_s: float) -> int:
    """One item of `paced`; its lines name it, so that a lost or repeated one is seen."""
    for line in range(5):
        logger.info("tick %d line %d — ünïcode ✓", number, line)
        await asyncio.sleep(pause_s / 5)
    return number


@workflow
async def paced(ticks: int = 30, pause_s: float = 0.2) -> int:
    """Log five lines a tick."""
    for number in range(ticks):
        await tick(number, pause_s)
        progress(number + 1, ticks, unit="tick")
    return ticks


@step
async def wait_for_ever() -> None:
    """Go on until somebody cancels."""
    logger.info("waiting")
    await asyncio.sleep(3600)


@workflow
async def endless() -> None:
    """Wait in one step."""
    await wait_for_ever()


@step
async def spin(seconds: float) -> None:
    """Hold up the event loop of the worker."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


@workflow
async def stuck(seconds: float = 120.0) -> None:
    """Hear no cancel."""
    logger.info("spinning")
    await asyncio.sleep(0.2)
    await spin(seconds)


@step
def load(row: dict[str, str]) -> str:
    """Read a field that is not there."""
    return row["sku"]


@workflow
def broken() -> str:
    """Fail on a missing key."""
    print("about to fail")  # noqa: T201 - prints are captured
    return load({"name": "lamp"})


@workflow
async def noisy(lines: int = 100_000) -> int:
    """Log as fast as it can."""
    for number in range(lines):
        logger.info("line %d of %d", number, lines)
        if number % 1_000 == 999:
            await asyncio.sleep(0.01)
    return lines


@workflow
async def bursting(lines: int = 20_000) -> int:
    """Say nothing until somebody says go, then much."""
    logger.info("ready")
    await signal("go", timeout_s=600)
    return await noisy.function(lines)


@step
async def speak(number: int) -> int:
    """Three levels, colours and addresses."""
    logger.info("spoke %d", number)
    logger.warning("slow %d, see https://example.org/slow?by=%d.", number, number)
    logger.error("broken %d", number)
    print("\x1b[7minverse\x1b[0m \x1b[44;97mwhite on blue\x1b[0m \x1b[43mon yellow\x1b[0m")  # noqa: T201
    print("\x1b]8;;https://example.org/report\x1b\\the report\x1b]8;;\x1b\\")  # noqa: T201
    return number


@workflow
async def spoken(times: int = 200) -> int:
    """Five lines a step."""
    for number in range(times):
        await speak(number)
    return times


class Rollout(BaseModel):
    """What comes with a yes to `release`."""

    channel: Literal["beta", "stable"] = Field(description="Who gets it first.")
    share: int = Field(default=10, ge=1, le=50, description="Percent of the installations.")


@step
async def build(number: int) -> str:
    """Make what is released."""
    logger.info("building %d", number)
    return f"build {number}"


@step
async def publish(name: str, channel: str, share: int) -> str:
    """Give it to the people."""
    logger.info("publishing %s", name)
    return f"{name} to {share} % of {channel}"


@workflow
async def release(number: int = 7, deadline_s: float = 600) -> str:
    """Ask before anything is published."""
    name = await build(number)
    answer = await approval(
        f"Publish {name}?\nThe tests of it passed; 3 issues stay open.",
        Rollout,
        deadline_s=deadline_s,
    )
    if not answer or answer.values is None:
        return f"{name} was kept back"
    return await publish(name, answer.values.channel, answer.values.share)


@workflow
async def napping(seconds: float = 4) -> str:
    """Wait for a time, then for a signal."""
    await sleep(seconds)
    return f"woken by {await signal('wake', timeout_s=600)}"


@workflow
async def staged(number: int = 7) -> str:
    """Two steps, so that the second can be done over alone."""
    return await publish(await build(number), "beta", 10)


@step
async def fetch(pages: int) -> list[int]:
    """What `nightly` loads."""
    for page in range(pages):
        await asyncio.sleep(0.02)
        progress(page + 1, pages, unit="page")
    return list(range(pages))


@step(retries=1, backoff_s=0.2)
async def load_chunk(number: int) -> int:
    """One of them is broken, and stays so."""
    logger.info("loading chunk %d", number)
    await asyncio.sleep(0.05)
    if number != 7:
        return number
    try:
        return int({"sku": "lamp"}["sku"])
    except ValueError as error:
        raise RuntimeError("row 4,112 is broken") from error


@step
async def report(chunks: int) -> str:
    """Never reached."""
    return f"{chunks} chunks"


@workflow(plan=[fetch, load_chunk, report])
async def nightly(pages: int = 20) -> str:
    """Load many chunks, of which one fails for good."""
    chunks = await load_chunk.map(await fetch(pages), concurrency=4)
    return await report(len(chunks))


class FileSource(BaseModel):
    """Rows of a file."""

    kind: Literal["file"] = "file"
    path: str = Field(min_length=1, description="Where it lies on the server.")
    delimiter: str = ","


class TableSource(BaseModel):
    """Rows of a database."""

    kind: Literal["table"] = "table"
    url: str
    tables: list[str] = []


class Column(BaseModel):
    """A column of `load_rows`."""

    name: str
    type: Literal["text", "number", "date"] = "text"
    width: int | None = Field(None, ge=1, le=80)


class Notice(BaseModel):
    """Who is told, and when."""

    to: str
    on_success: bool = False


@workflow
def load_rows(
    source: FileSource | TableSource,
    columns: list[Column],
    labels: dict[str, str] | None = None,
    limits: dict[str, float] | None = None,
    notice: Notice | None = None,
    since: date | None = None,
    until: datetime | None = None,
    batch: int = Field(default=500, ge=1, le=10_000, description="Rows a transaction."),
    rows: int | Literal["all"] = "all",
    dry_run: bool = False,
    extra: dict[str, Any] | None = None,
) -> str:
    """Take an input of every kind."""
    said = (labels, limits, notice, since, until, batch, rows, dry_run, extra)
    return f"{source.kind}: {len(columns)} columns, {len(said)} settings"
