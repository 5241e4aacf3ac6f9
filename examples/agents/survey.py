"""Two agents survey modules of the standard library together; the workflow is their referee.

It hands out one module after the other. The scout answers with a finding, the checker with a verdict, both
by signals, so every message is in the execution's log before anybody acts on it. At the end a person may
look; `docs/multi-agent.md` says how to run it.
"""

import sysconfig
from pathlib import Path
from typing import Annotated

from pydantic import Field

from headway import approval, log, progress, signal, step, workflow


@step
def pick_modules(count: int) -> list[str]:
    """The largest modules at the top of the standard library, by name."""
    modules = Path(sysconfig.get_path("stdlib")).glob("*.py")
    largest = sorted(modules, key=lambda path: path.stat().st_size, reverse=True)[:count]
    return sorted(path.name for path in largest)


@step
def hand_out(module: str) -> str:
    """What the scout waits for: that this step is done, with the module as its result."""
    return module


@workflow(plan=[pick_modules, hand_out])
async def survey(
    modules: Annotated[int, Field(ge=1, le=100)] = 6,
    ask: Annotated[bool, Field(description="Let a person accept the result.")] = False,
) -> dict[str, object]:
    """Count documented functions, twice, by two agents that do not trust each other.

    Args:
        modules: How many to survey.
        ask: Whether a person is to accept the result.
    """
    accepted: list[object] = []
    doubtful: list[object] = []
    names = await pick_modules.aio(modules)
    for number, name in enumerate(names, start=1):
        await hand_out.aio(name)
        finding = await signal(f"finding {name}")
        verdict = await signal(f"verdict {name}")
        (accepted if verdict["agrees"] else doubtful).append(finding)
        progress(number, len(names), unit="module")
    if ask and not await approval(f"Accept {len(accepted)} of {len(names)} findings?"):
        log.warning("the findings were turned down")
        accepted = []
    return {"accepted": accepted, "doubtful": doubtful}
