"""The history of a git repository: who worked when, which files change most.

`git` itself reads the history, many commits a call, several calls at once.
"""

import asyncio
import csv
import io
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated

from pydantic import Field

from headway import CommandFailed, log, output, shell, step, workflow

CHUNK = 50  # commits a call of git
TOP = 15

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chunk:
    """Some commits of a repository, by their ids."""

    repository: str
    commits: list[str]


@dataclass
class Activity:
    """What some commits did; the sums of two are the activity of both.

    Args:
        authors: Commits by author.
        weeks: Commits by ISO week, like `2026-W47`.
        touched: In how many commits each file changed.
        churn: Lines added and deleted in each file.
    """

    commits: int = 0
    authors: Counter[str] = field(default_factory=Counter)
    weeks: Counter[str] = field(default_factory=Counter)
    touched: Counter[str] = field(default_factory=Counter)
    churn: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Activity") -> None:
        """Take the commits of `other` in."""
        self.commits += other.commits
        self.authors.update(other.authors)
        self.weeks.update(other.weeks)
        self.touched.update(other.touched)
        self.churn.update(other.churn)


@step
async def find_repository(path: str) -> str:
    """The top folder of the repository that `path` is in.

    Raises:
        ValueError: It is in none.
    """
    try:
        found = await shell(["git", "-C", path, "rev-parse", "--show-toplevel"])
    except CommandFailed as error:
        raise ValueError(
            f"{path!r} is in no git repository; give the path of a folder in one ({error})"
        ) from error
    return found.stdout.strip()


@step
async def list_commits(repository: str, since: str | None, max_commits: int) -> list[str]:
    """Ids of the newest commits, merges left out, newest first."""
    options = [f"--since={since}"] if since else []
    listed = await git(repository, "rev-list", "--no-merges", f"--max-count={max_commits}", *options, "HEAD")
    return listed.split()


@step(retries=1, max_concurrency=4)
async def read_commits(chunk: Chunk) -> Activity:
    """Authors, weeks and changed files of some commits."""
    history = await git(
        chunk.repository,
        "-c",
        "core.quotePath=false",
        "log",
        "--no-walk=unsorted",
        "--no-renames",
        "--numstat",
        "--date=short",
        "--format=%x00%aN%x00%ad",
        "--stdin",
        given="\n".join(chunk.commits),
    )
    activity = Activity()
    for author, day, changes in commits_of(history):
        year, week, _ = date.fromisoformat(day).isocalendar()
        activity.commits += 1
        activity.authors[author] += 1
        activity.weeks[f"{year}-W{week:02}"] += 1
        for added, deleted, file in changes:
            activity.touched[file] += 1
            activity.churn[file] += added + deleted
    busiest = activity.churn.most_common(1)
    for file, lines in busiest:
        logger.info("%d commits, most of them in %s (%s lines)", activity.commits, file, f"{lines:,}")
    return activity


@step
def write_tables(activity: Activity) -> dict[str, int]:
    """Leave the whole tables as CSV files, for a spreadsheet."""
    files = [(file, count, activity.churn[file]) for file, count in activity.touched.most_common()]
    output("files.csv", table(("file", "commits", "lines changed"), files))
    output("authors.csv", table(("author", "commits"), activity.authors.most_common()))
    output("weeks.csv", table(("week", "commits"), sorted(activity.weeks.items())))
    return {"files": len(files), "authors": len(activity.authors), "weeks": len(activity.weeks)}


@workflow(plan=[find_repository, list_commits, read_commits, write_tables])
async def git_history(
    path: str = ".",
    since: str | None = None,
    max_commits: Annotated[int, Field(ge=1, le=100_000)] = 2000,
) -> dict[str, object]:
    """Read the history of a git repository.

    Args:
        path: A folder in the repository.
        since: Only commits after it, in any form that git knows: `2026-01-01`, `3 months ago`.
        max_commits: The newest so many.
    """
    repository = await find_repository(path)
    commits = await list_commits(repository, since, max_commits)
    if not commits:
        log(f"{repository} has no commits since {since}", "WARNING")
    chunks = [Chunk(repository, commits[at : at + CHUNK]) for at in range(0, len(commits), CHUNK)]

    total = Activity()
    for activity in await read_commits.map(chunks):
        total.add(activity)
    log(f"{total.commits:,} commits by {len(total.authors):,} authors in {len(total.weeks):,} weeks")
    return {
        "repository": repository,
        "commits": total.commits,
        "authors": dict(total.authors.most_common(TOP)),
        "busiest weeks": dict(total.weeks.most_common(TOP)),
        "hot spots": hot_spots(total),
        "tables": await write_tables.aio(total),
    }


async def git(repository: str, *arguments: str, given: str = "") -> str:
    """What a command of git prints, as text; too much of it to be shown line by line as `shell` does.

    Raises:
        RuntimeError: It ended with an error; says git's own message.
    """
    process = await asyncio.create_subprocess_exec(
        *("git", "-C", repository, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        printed, complaint = await process.communicate(given.encode())
    finally:
        if process.returncode is None:  # cancelled
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(f"git {arguments[0]}: {complaint.decode('utf-8', 'replace').strip()}")
    return printed.decode("utf-8", "replace")


def commits_of(history: str) -> Iterator[tuple[str, str, list[tuple[int, int, str]]]]:
    """Author, day and changed files of each commit; a binary file changes by no lines."""
    fields = history.split("\0")[1:]
    for author, rest in zip(fields[::2], fields[1::2], strict=True):
        day, *lines = rest.splitlines()
        changes = []
        for line in filter(None, lines):
            added, deleted, file = line.split("\t", 2)
            changes.append((int(added) if added != "-" else 0, int(deleted) if deleted != "-" else 0, file))
        yield author, day, changes


def hot_spots(activity: Activity) -> list[dict[str, object]]:
    """Files that change both often and much: where work, and trouble, gathers."""

    def heat(file: str) -> int:
        return activity.touched[file] * activity.churn[file]

    ranked = sorted(activity.touched, key=heat, reverse=True)
    return [
        {"file": file, "commits": activity.touched[file], "lines changed": activity.churn[file]}
        for file in ranked[:TOP]
    ]


def table(columns: tuple[str, ...], rows: list[tuple[str, int]] | list[tuple[str, int, int]]) -> str:
    """Rows as CSV."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
