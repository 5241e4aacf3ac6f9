"""`headway doctor`: what lies between here and a server, as a table, and the setting at fault."""

import asyncio
import sys
from collections.abc import Sequence

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from headway.cli import exits
from headway.cli.backends import server_url
from headway.cli.executions import console
from headway.cli.plain_view import without_controls
from headway.client.doctor import Diagnosis, Fault, examine
from headway.client.doctor.fixes import fixes_for
from headway.config import Settings
from headway.errors import InvalidSetting

FALLBACK = 1  # something is at fault, and a feed works all the same
_MARKS = {"ok": ("✔", "green"), "note": ("!", "yellow"), "fails": ("✘", "red"), "skipped": ("-", "dim")}


def doctor(settings: Settings, url: str | None, idle_s: float, *, as_json: bool) -> int:
    """Examine the address, tell what was found, and return the exit code that says how bad it is."""
    address = url or server_url(settings)
    if address is None:
        raise InvalidSetting("no server runs on this database; give its address: headway doctor URL")
    diagnosis = asyncio.run(examine(address, settings.token, idle_s=idle_s))
    if as_json:
        sys.stdout.write(to_json(diagnosis) + "\n")
    else:
        show(diagnosis, console())
    return exit_code(diagnosis)


def exit_code(diagnosis: Diagnosis) -> int:
    """0 where nothing fails, 1 where a feed works although something does, 4 where none does."""
    if diagnosis.transport is None:
        return exits.UNREACHABLE
    return exits.COMPLETED if diagnosis.is_good else FALLBACK


def show(diagnosis: Diagnosis, out: Console) -> None:
    """The findings, what they come to, and the fixes."""
    behind = f", behind {diagnosis.proxy}" if diagnosis.proxy else ""
    out.print(Text(f"{diagnosis.url}{behind}", style="bold"))
    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in diagnosis.findings:
        mark, style = _MARKS[finding.verdict]
        detail = Text(without_controls(finding.detail), overflow="fold")
        table.add_row(Text(mark, style=style), Text(finding.check, style=style), detail)
    out.print(table)
    by_fault: dict[Fault, list[str]] = {}
    for finding in diagnosis.findings:
        if finding.fault is not None:
            by_fault.setdefault(finding.fault, []).append(finding.check)
    for fault, checks in by_fault.items():
        _show_fixes(fault, checks, diagnosis, out)
    out.print(Text(f"\n{summary(diagnosis)}", style="bold"))


def summary(diagnosis: Diagnosis) -> str:
    """What it all comes to, in a line."""
    if diagnosis.transport is None:
        return "No feed can be followed at this address."
    if diagnosis.transport == "WebSocket":
        return "Feeds are live, over WebSocket." if diagnosis.is_good else "Feeds work; see what fails above."
    return f"Feeds work, but only by {diagnosis.transport}: WebSockets do not."


def to_json(diagnosis: Diagnosis) -> str:
    """The same for programs."""
    checks = [
        {
            "check": each.check,
            "verdict": each.verdict,
            "detail": each.detail,
            "fault": each.fault,
            "fixes": fixes_for(each.fault, diagnosis.proxy) if each.fault else {},
        }
        for each in diagnosis.findings
    ]
    facts = {"url": diagnosis.url, "proxy": diagnosis.proxy, "transport": diagnosis.transport}
    whole = {**facts, "exit_code": exit_code(diagnosis), "checks": checks}
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode()


def _show_fixes(fault: Fault, checks: Sequence[str], diagnosis: Diagnosis, out: Console) -> None:
    out.print(Text(f"\nTo mend {' and '.join(checks)} ({fault}):", style="yellow"))
    for where, fix in fixes_for(fault, diagnosis.proxy).items():
        out.print(Text(f"  {where}: {fix}" if where else f"  {fix}"), soft_wrap=True)
