"""An audit of the Python environment this runs in, with an HTML report.

What is installed, how large, under which licence, does every module parse, how complex are its functions?
Reading and measuring thousands of files keeps a processor busy, so each distribution is audited in a process
of its own, as many at once as there are processors.
"""

import ast
import importlib.metadata
import logging
import os
import platform
import sysconfig
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from string import Template
from typing import Annotated

from pydantic import Field

from headway import log, output, step, track, workflow

STANDARD_LIBRARY = "Python's standard library"
TOO_COMPLEX = 40  # above it a function is worth a line in the log
LARGE_BYTES = 20_000_000
KEPT = 10  # most complex functions that are kept of each distribution

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Function:
    """A function and its cyclomatic complexity: how many independent paths lead through it."""

    module: str
    name: str
    line: int
    complexity: int


@dataclass
class Audit:
    """What is known of one distribution.

    Args:
        size: Of all its files, in bytes.
        broken: Modules that do not parse, and why.
        complex: Its most complex functions, worst first.
    """

    name: str
    version: str
    licence: str
    files: int = 0
    size: int = 0
    modules: int = 0
    lines: int = 0
    functions: int = 0
    complexity: int = 0
    warnings: int = 0
    broken: dict[str, str] = field(default_factory=dict)
    complex: list[Function] = field(default_factory=list)


@step
def find_distributions(limit: int | None, standard_library: bool) -> list[str]:
    """Names of what is installed; the standard library, the largest of all, first."""
    names = {found.name.lower(): found.name for found in importlib.metadata.distributions() if found.name}
    ordered = [names[name] for name in sorted(names)]
    log(f"Python {platform.python_version()} on {platform.system()}: {len(ordered)} distributions")
    return ([STANDARD_LIBRARY] if standard_library else []) + ordered[:limit]


@step(process=True, retries=1, timeout_s=300, weight=20)
def audit_distribution(name: str) -> Audit:
    """Measure all files of one distribution."""
    audit, files = python_itself() if name == STANDARD_LIBRARY else distribution(name)
    for path, shown in track(files, unit="file", message=f"reading {audit.name}"):
        audit.files += 1
        audit.size += path.stat().st_size
        if path.suffix == ".py":
            audit_module(audit, path, shown)
    audit.complex = sorted(audit.complex, key=lambda function: -function.complexity)[:KEPT]
    tell(audit)
    return audit


@step
def write_report(audits: list[Audit]) -> int:
    """Leave the report as `audit.html`; returns its size."""
    report = render(audits)
    output("audit.html", report)
    return len(report)


@workflow(
    title="Audit this Python environment",
    plan={
        find_distributions: [],
        audit_distribution: [find_distributions],
        write_report: [audit_distribution],
    },
)
async def audit_environment(
    limit: Annotated[int | None, Field(ge=1)] = None,
    standard_library: bool = True,
) -> dict[str, object]:
    """Audit what is installed: sizes, licences, syntax and complexity of every module.

    Args:
        limit: Only the first so many distributions, in the order of their names.
        standard_library: Audit Python's own modules too.
    """
    names = await find_distributions.aio(limit, standard_library)
    audits = await audit_distribution.map_aio(names, concurrency=os.cpu_count() or 1)
    await write_report.aio(audits)
    worst = max((function for audit in audits for function in audit.complex), key=complexity_of, default=None)
    return {
        "distributions": len(audits),
        "modules": sum(audit.modules for audit in audits),
        "lines": sum(audit.lines for audit in audits),
        "megabytes": round(sum(audit.size for audit in audits) / 1e6, 1),
        "broken modules": sum(len(audit.broken) for audit in audits),
        "without licence": [audit.name for audit in audits if not audit.licence],
        "most complex": f"{worst.module}:{worst.line} {worst.name} ({worst.complexity})" if worst else None,
    }


def distribution(name: str) -> tuple[Audit, list[tuple[Path, str]]]:
    """An installed distribution and those of its files that are there, each with the name to show."""
    found = importlib.metadata.distribution(name)
    audit = Audit(found.name, found.version, licence_of(found))
    listed = [(Path(str(file.locate())), str(file)) for file in found.files or []]
    if not listed:
        logger.warning("%s does not say which files it installed", name)
    return audit, [(path, shown) for path, shown in listed if path.is_file()]


def python_itself() -> tuple[Audit, list[tuple[Path, str]]]:
    """Python's own modules, without its tests and without what is installed among them."""
    root = Path(sysconfig.get_path("stdlib"))
    left_out = {"site-packages", "dist-packages", "test", "tests", "__pycache__"}
    files = [(path, str(path.relative_to(root))) for path in sorted(root.rglob("*")) if path.is_file()]
    audit = Audit(STANDARD_LIBRARY, platform.python_version(), "PSF-2.0")
    return audit, [(path, shown) for path, shown in files if left_out.isdisjoint(Path(shown).parts)]


def licence_of(found: importlib.metadata.Distribution) -> str:
    """Its licence in a few words, or nothing where it names none."""
    classifiers = [line for line in values(found, "Classifier") if line.startswith("License ::")]
    named = values(found, "License-Expression") or [line.rpartition(" :: ")[2] for line in classifiers]
    written = [text.strip().splitlines()[0] for text in values(found, "License") if text.strip()]
    return " / ".join(named) or "".join(written[:1])[:60]


def values(found: importlib.metadata.Distribution, key: str) -> list[str]:
    """What a distribution's metadata say under a key, which may stand there more than once."""
    return [str(value) for value in found.metadata.get_all(key) or []]


def audit_module(audit: Audit, path: Path, shown: str) -> None:
    """Parse one module and measure its functions; one that does not parse is a finding, no failure."""
    audit.modules += 1
    try:
        source = path.read_bytes()
        audit.lines += source.count(b"\n")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            tree = ast.parse(source, shown)
        audit.warnings += len(caught)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OSError) as error:
        audit.broken[shown] = f"{type(error).__name__}: {error}"
        logger.warning("%s does not parse: %s", shown, error)
        return
    for function in functions_of(tree, shown):
        audit.functions += 1
        audit.complexity += function.complexity
        audit.complex.append(function)


def functions_of(tree: ast.Module, module: str) -> Iterator[Function]:
    """Each function with its complexity: 1, and 1 more for each place where the path may part."""
    found: list[tuple[str, int]] = [("", 0)]  # name and line; the first is the module itself
    paths = [1]
    waiting: list[tuple[ast.AST, int]] = [(tree, 0)]  # a node and the function it belongs to
    while waiting:  # no recursion: generated modules nest deeper than Python's stack
        node, owner = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.append((node.name, node.lineno))
            paths.append(1)
            owner = len(found) - 1
        paths[owner] += partings(node)
        waiting.extend((child, owner) for child in ast.iter_child_nodes(node))
    for (name, line), complexity in zip(found[1:], paths[1:], strict=True):
        yield Function(module, name, line, complexity)


def partings(node: ast.AST) -> int:
    """How many more paths lead through this node than one."""
    match node:
        case ast.If() | ast.IfExp() | ast.For() | ast.AsyncFor() | ast.While() | ast.ExceptHandler():
            return 1
        case ast.match_case():
            return 1
        case ast.BoolOp():
            return len(node.values) - 1
        case ast.comprehension():
            return 1 + len(node.ifs)
        case _:
            return 0


def complexity_of(function: Function) -> int:
    return function.complexity


def tell(audit: Audit) -> None:
    """Log what is worth a look."""
    if not audit.licence:
        log(f"{audit.name} {audit.version} names no licence", "WARNING")
    if audit.size > LARGE_BYTES:
        log(f"{audit.name} takes {audit.size / 1e6:.0f} MB")
    for function in audit.complex:
        if function.complexity > TOO_COMPLEX:
            where = f"{function.module}:{function.line}"
            log(f"{where} {function.name} has a complexity of {function.complexity}", "WARNING")
    log(f"{audit.name} {audit.version}: {audit.modules:,} modules, {audit.lines:,} lines")


PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Audit of a Python environment</title>
<style>
  :root { color-scheme: light dark; --ink: #1c2530; --quiet: #5d6b7a; --line: #dfe4ea; --paper: #fff;
          --bar: #3b6fd4; --bad: #b3261e; }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #e6ebf1; --quiet: #9aa8b7; --line: #2d3843; --paper: #12181f; --bar: #7ba5f5;
            --bad: #ff8a80; } }
  body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
         max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.6rem; margin: 0 } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem }
  .quiet { color: var(--quiet) } .bad { color: var(--bad) }
  .figures { display: flex; flex-wrap: wrap; gap: 2rem; margin: 1.5rem 0 }
  .figures b { display: block; font-size: 1.6rem; font-variant-numeric: tabular-nums }
  .scroll { overflow-x: auto }
  table { border-collapse: collapse; width: 100% }
  th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line);
           vertical-align: top }
  td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
  code { font: 13px ui-monospace, monospace; overflow-wrap: anywhere }
  meter { width: 6rem; accent-color: var(--bar) }
</style>
<h1>Audit of a Python environment</h1>
<p class="quiet">$environment</p>
<div class="figures">$figures</div>
<h2>Distributions</h2>
<div class="scroll"><table>
<tr><th>Name<th>Version<th>Licence<th class="number">Size<th class="number">Modules<th class="number">Lines
<th class="number">Mean complexity</tr>
$distributions
</table></div>
<h2>Most complex functions</h2>
<div class="scroll"><table><tr><th>Function<th>Where<th class="number">Complexity</tr>$complex</table></div>
<h2>Licences</h2>
<div class="scroll"><table><tr><th>Licence<th class="number">Distributions</tr>$licences</table></div>
<h2>Modules that do not parse</h2>
<ul>$broken</ul>
</html>
""")


def render(audits: list[Audit]) -> str:
    """The report as one page without scripts; every name in it comes from files, so all are escaped."""
    functions = sorted((each for audit in audits for each in audit.complex), key=complexity_of, reverse=True)
    licences = Counter(audit.licence or "none named" for audit in audits)
    broken = [(module, why) for audit in audits for module, why in audit.broken.items()]
    return PAGE.substitute(
        environment=escape(f"Python {platform.python_version()}, {platform.system()}"),
        figures="".join(
            f"<div><b>{value:,}</b><span class=quiet>{label}</span></div>" for label, value in figures(audits)
        ),
        distributions="".join(map(distribution_row, sorted(audits, key=lambda audit: -audit.size))),
        complex="".join(map(function_row, functions[:30])),
        licences="".join(
            f"<tr><td>{escape(name)}<td class=number>{count}</tr>" for name, count in licences.most_common()
        ),
        broken="".join(f"<li><code>{escape(module)}</code> {escape(why)}" for module, why in broken)
        or "<li class=quiet>none",
    )


def figures(audits: list[Audit]) -> list[tuple[str, int]]:
    return [
        ("distributions", len(audits)),
        ("modules", sum(audit.modules for audit in audits)),
        ("lines", sum(audit.lines for audit in audits)),
        ("functions", sum(audit.functions for audit in audits)),
        ("megabytes", round(sum(audit.size for audit in audits) / 1e6)),
        ("syntax warnings", sum(audit.warnings for audit in audits)),
    ]


def distribution_row(audit: Audit) -> str:
    mean = audit.complexity / audit.functions if audit.functions else 0.0
    licence = escape(audit.licence) if audit.licence else "<span class=bad>none named</span>"
    return (
        f"<tr><td>{escape(audit.name)}<td>{escape(audit.version)}<td>{licence}"
        f"<td class=number>{audit.size / 1e6:,.1f} MB<td class=number>{audit.modules:,}"
        f"<td class=number>{audit.lines:,}<td class=number>{mean:.1f}</tr>"
    )


def function_row(function: Function) -> str:
    return (
        f"<tr><td><code>{escape(function.name)}</code><td><code>{escape(function.module)}:{function.line}</code>"
        f"<td class=number>{function.complexity}</tr>"
    )
