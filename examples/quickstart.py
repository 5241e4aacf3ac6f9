"""The smallest whole workflow: one step over many files, with progress and log."""

import asyncio
from pathlib import Path

from headway import log, step, track, workflow


@step(retries=2)
async def count_words(file: Path) -> int:
    """Count the words of one text file."""
    text = await asyncio.to_thread(file.read_text, "utf-8", "replace")
    return sum(len(line.split()) for line in track(text.splitlines(), unit="line"))


@workflow(plan=[count_words])
async def quickstart(folder: Path = Path(__file__).parent, pattern: str = "*.py") -> dict[str, int]:
    """Count the words of the files in a folder."""
    files = await asyncio.to_thread(lambda: sorted(folder.glob(pattern)))
    counts = await count_words.map(files, concurrency=4)
    log(f"{sum(counts):,} words in {len(files):,} files")
    return {file.name: count for file, count in zip(files, counts, strict=True)}
