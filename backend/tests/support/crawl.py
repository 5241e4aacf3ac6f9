"""A small workflow for tests of the engine, and what its steps have been called with."""

from collections import Counter
from typing import Any

import msgspec

from headway import log, step, workflow

calls: Counter[str] = Counter()
"""How often a step ran, by what it says of itself."""

switch: dict[str, Any] = {}
"""What a test and the workflow it runs hand each other."""


def output_of(state: Any) -> Any:
    return msgspec.json.decode(state.output)


@step
async def fetch(page: int) -> int:
    calls[f"fetch {page}"] += 1
    log(f"page {page}")
    return page * 10


@step
def count(page: int) -> int:
    calls[f"count {page}"] += 1
    return page + 1


@workflow
async def crawl(pages: int = 3) -> dict[str, Any]:
    sizes = [await fetch(page) for page in range(pages)]
    return {"sizes": sizes, "counts": await count.map_aio(range(pages))}
