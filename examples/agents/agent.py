"""One of the two agents of `survey.py`: `python agent.py scout|checker EXECUTION_ID`.

It reads the execution's feed and answers what concerns it: with a line for people, and a signal for the
workflow. Kill it, or the server, whenever you like, and start it again: it goes on where it was.
"""

import argparse
import ast
import asyncio
import io
import os
import sysconfig
import tokenize
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headway.client import Client, Producer, Update, watch
from headway.errors import OverloadError, UnavailableError

AGAIN_S = 0.5


@dataclass(frozen=True)
class Answer:
    """What an agent says to one event: a message to the workflow, and a line for people."""

    signal: str
    value: dict[str, Any]
    line: str


def scout(update: Update) -> Answer | None:
    """Report on each module that is handed out."""
    if update.kind != "step.completed" or update.data["step"] != "hand_out":
        return None
    module = update.data["result"]
    functions = [
        node
        for node in ast.walk(ast.parse(source_of(module)))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    documented = sum(ast.get_docstring(function) is not None for function in functions)
    value = {"module": module, "functions": len(functions), "documented": documented}
    return Answer(f"finding {module}", value, f"{module}: {documented} of {len(functions)} are documented")


def checker(update: Update) -> Answer | None:
    """Count again what the scout has found, another way."""
    if update.kind != "signal.received" or not update.data["name"].startswith("finding "):
        return None
    finding = update.data["value"]
    tokens = tokenize.generate_tokens(io.StringIO(source_of(finding["module"])).readline)
    counted = sum(token.type == tokenize.NAME and token.string == "def" for token in tokens)
    agrees = counted == finding["functions"]
    line = f"{finding['module']}: {'agreed' if agrees else f'I count {counted}'}"
    return Answer(f"verdict {finding['module']}", {"agrees": agrees, "counted": counted}, line)


AGENTS: dict[str, Callable[[Update], Answer | None]] = {"scout": scout, "checker": checker}


async def work(name: str, url: str, execution_id: str, outbox: Path) -> None:
    """Answer every event that concerns this agent, each once, until the execution ends."""
    async with Client(url, by=name) as client:
        producer = Producer(client, execution_id, name, outbox)
        await producer.flush()  # what was written down before a crash, and perhaps not sent
        while not await answer_all(name, client, producer, execution_id):
            await producer.realign()


async def answer_all(name: str, client: Client, producer: Producer, execution_id: str) -> bool:
    """Whether the execution has ended; else an older copy of the database was restored."""
    async for update in watch(client.url, execution_id, after=producer.resume_after):
        if update.why is not None:
            return False
        answer = AGENTS[name](update)
        if answer is None or update.seq is None:
            continue
        # Both may be done again after a crash: the outbox knows the line, the key the signal.
        await producer.log(answer.line, answers=update)
        await send(client, execution_id, answer, key=f"{name} {update.cursor}")
    return True


async def send(client: Client, execution_id: str, answer: Answer, key: str) -> None:
    """Until the server has it, however long it is away."""
    while True:
        try:
            await client.signal(execution_id, answer.signal, answer.value, idempotency_key=key)
        except (UnavailableError, OverloadError):
            await asyncio.sleep(AGAIN_S)
        else:
            return


def source_of(module: str) -> str:
    return Path(sysconfig.get_path("stdlib"), module).read_text(encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=AGENTS)
    parser.add_argument("execution_id")
    parser.add_argument("--url", default=os.environ.get("HEADWAY_URL", "http://127.0.0.1:8321"))
    parser.add_argument("--outbox", type=Path, help="where it remembers what it has said")
    asked = parser.parse_args()
    outbox = asked.outbox or Path(f".{asked.name}-{asked.execution_id}.json")
    asyncio.run(work(asked.name, asked.url, asked.execution_id, outbox))


if __name__ == "__main__":
    main()
