"""A copy of the repository in which sources are changed and tests are run; the checkout is never touched."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from scripts.mutations.mutation import Mutation
from scripts.node import ROOT, node_command

TEST_TIMEOUT_S = 60
NOT_COPIED = shutil.ignore_patterns(
    ".git",
    ".venv",
    ".node",
    ".cache",
    "node_modules",
    "static",
    "dist",
    "build",
    "results",
    "*.db*",
    ".*_cache",
)


class Workbench:
    """The copy; `outcomes` runs tests in it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def survives(self, mutation: Mutation) -> list[str]:
        """Which of the named tests pass although the check is gone; none if the tests are worth their name.

        Raises:
            Outdated: The table is out of date.
            RuntimeError: The tests could not run.
        """
        with mutation.applied(self.root):
            failed = self.failures(mutation.tests)
        return [test for test in mutation.tests if not _names(test, failed)]

    def failures(self, tests: Sequence[str]) -> list[str]:
        """The tests that fail, of those that are named; their parameters are part of their names here.

        Raises:
            RuntimeError: They could not run, so that nothing is known of them.
        """
        pages = [test for test in tests if ".test.ts" in test]
        rest = [test for test in tests if test not in pages]
        return [*(self._pytest(rest) if rest else ()), *(self._vitest(pages) if pages else ())]

    def _pytest(self, tests: Sequence[str]) -> list[str]:
        backend = self.root / "backend"
        # No bytecode is written: a file that is changed twice within a second could be taken for its cache.
        environment = {
            **os.environ,
            "PYTHONPATH": str(backend / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HYPOTHESIS_STORAGE_DIRECTORY": str(self.root / "hypothesis"),
        }
        options = ["-q", "-rf", "--tb=no", "-p", "no:cacheprovider", f"--timeout={TEST_TIMEOUT_S}"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=backend,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (0, 1):
            raise RuntimeError(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        lines = done.stdout.splitlines()
        return [line.removeprefix("FAILED ") for line in lines if line.startswith("FAILED ")]

    def _vitest(self, tests: Sequence[str]) -> list[str]:
        frontend, answer = self.root / "frontend", self.root / "vitest.json"
        files = sorted({test.partition("::")[0] for test in tests})
        tool = frontend / "node_modules" / "vitest" / "vitest.mjs"
        options = ["run", "--project=core", "--reporter=json", f"--outputFile={answer}"]
        done = subprocess.run(
            [node_command(), tool, *options, *files],
            cwd=frontend,
            capture_output=True,
            text=True,
            check=False,
        )
        if not answer.exists():
            raise RuntimeError(f"vitest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        told = json.loads(answer.read_text())
        answer.unlink()
        return [
            f"{Path(file['name']).relative_to(frontend.resolve())}::{each['fullName']}"
            for file in told["testResults"]
            for each in file["assertionResults"]
            if each["status"] == "failed"
        ]


@contextmanager
def workbench() -> Iterator[Workbench]:
    """A copy of what stands in the checkout now, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="headway-mutations-") as folder:
        root = Path(folder).resolve() / "headway"
        shutil.copytree(ROOT, root, ignore=NOT_COPIED)
        packages = ROOT / "frontend" / "node_modules"
        if packages.is_dir():
            (root / "frontend" / "node_modules").symlink_to(packages.resolve())
        yield Workbench(root)


def _names(test: str, failed: Sequence[str]) -> bool:
    """A failure of the test itself, or of one of its parameters."""
    return any(each == test or each.startswith((f"{test}[", f"{test} - ")) for each in failed)
