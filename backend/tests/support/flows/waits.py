"""Workflows that wait, and one that fails once, for the tests of controls on real processes."""

from pathlib import Path

from pydantic import BaseModel

from headway import approval, signal, sleep, step, workflow


class Payment(BaseModel):
    amount: int
    note: str = ""


@step
async def prepare(name: str) -> str:
    return name.upper()


@workflow
async def pays(name: str = "bill") -> dict[str, object]:
    """Asks before it pays, then waits to be told when."""
    prepared = await prepare(name)
    answer = await approval(f"Pay {prepared}?", form=Payment)
    if not answer or answer.values is None:
        return {"paid": 0, "by": answer.by}
    when = await signal("when")
    return {"paid": answer.values.amount, "by": answer.by, "when": when}


@workflow
async def naps(seconds: float) -> str:
    """Sleeps after a step."""
    prepared = await prepare("nap")
    await sleep(seconds)
    return prepared


@step
def load(marker: str, limit: int) -> int:
    if not Path(marker).exists():
        raise FileNotFoundError(marker)
    return limit


@workflow
async def loads(marker: str, limit: int = 3) -> list[object]:
    """Fails in its second step until `marker` is there."""
    prepared = await prepare("rows")
    loaded: int = await load.aio(marker, limit)
    return [prepared, loaded]
