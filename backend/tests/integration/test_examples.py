"""The examples do what they say, on the real engine, loaded as `headway serve` loads them."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from headway import Workflow
from headway.adapters.user_files import UserFiles
from headway.domain.events import Output, StepProgressed, StepRetrying
from headway.testing import Result, run

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.py"))


@pytest.fixture(scope="module")
def workflows() -> Mapping[str, Workflow[..., Any]]:
    loaded = UserFiles(EXAMPLES).load()
    assert [file.source.import_error for file in loaded] == [None] * len(EXAMPLES)
    return {name: workflow for file in loaded for name, workflow in file.workflows.items()}  # type: ignore[misc]


def module_of(workflow: Workflow[..., Any]) -> dict[str, Any]:
    """What stands in the file of a workflow, by name."""
    return workflow.function.__globals__


def test_each_has_a_description_and_a_schema(workflows: Mapping[str, Workflow[..., Any]]) -> None:
    assert set(workflows) == {"audit_environment", "git_history", "quickstart", "recovering_pipeline"}
    for workflow in workflows.values():
        definition = workflow.definition
        jsonschema.Draft202012Validator.check_schema(definition.input_schema)
        assert definition.description
        assert definition.input_schema.get("required", []) == []  # one button starts it


def test_quickstart_is_short_and_counts(workflows: Mapping[str, Workflow[..., Any]], tmp_path: Path) -> None:
    (quickstart,) = [path for path in EXAMPLES if path.stem == "quickstart"]
    assert len(quickstart.read_text().splitlines()) <= 25
    (tmp_path / "a.txt").write_text("one two\nthree")
    (tmp_path / "b.txt").write_text("")
    result = run(workflows["quickstart"], folder=tmp_path, pattern="*.txt").raise_for_status()
    assert result.output == {"a.txt": 3, "b.txt": 0}
    assert [line.message for line in result.logs] == ["3 words in 2 files"]


class TestRecoveringPipeline:
    def test_one_file_fails_once_and_the_rest_goes_on(
        self, workflows: Mapping[str, Workflow[..., Any]]
    ) -> None:
        result = run(workflows["recovering_pipeline"], files=6).raise_for_status()
        (retrying,) = [event.data for event in result.events if isinstance(event.data, StepRetrying)]
        assert retrying.error.startswith("VolumeNotReady: ")
        assert result.output["files"] == 6
        assert result.outputs["SHA256SUMS"].count(b"\n") == 6
        assert progress_never_falls(result)

    def test_it_can_be_made_to_fail_for_good(self, workflows: Mapping[str, Workflow[..., Any]]) -> None:
        result = run(workflows["recovering_pipeline"], files=3, outcome="fail")
        assert (result.status, result.state.step) == ("failed", "digest_file")
        assert result.error is not None
        assert result.error.startswith("VolumeNotReady: ")
        assert [event.kind for event in result.events].count("step.retrying") == 2


class TestGitHistory:
    @pytest.fixture
    def repository(self, tmp_path: Path) -> Path:
        self.git(tmp_path, "init", "--quiet")
        for number, (author, name) in enumerate([("Ada", "a.py"), ("Ada", "ä b.py"), ("Bob", "a.py")]):
            (tmp_path / name).write_text("line\n" * (number + 1))
            self.git(tmp_path, "add", name)
            who = ["-c", f"user.name={author}", "-c", "user.email=x@example.org"]
            self.git(tmp_path, *who, "commit", "--quiet", "-m", "change", at=f"202{number}-03-05T12:00:00Z")
        return tmp_path

    def git(self, folder: Path, *arguments: str, at: str = "2020-01-01T00:00:00Z") -> None:
        dated = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
        alone = {**os.environ, **dated, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        subprocess.run(["git", "-C", folder, *arguments], check=True, timeout=30, env=alone)

    def test_counts_authors_and_churn(
        self, workflows: Mapping[str, Workflow[..., Any]], repository: Path
    ) -> None:
        below = repository / "below"
        below.mkdir()
        result = run(workflows["git_history"], path=str(below)).raise_for_status()
        assert result.output["commits"] == 3
        assert result.output["authors"] == {"Ada": 2, "Bob": 1}
        assert result.output["hot spots"] == [
            {"file": "a.py", "commits": 2, "lines changed": 3},
            {"file": "ä b.py", "commits": 1, "lines changed": 2},
        ]
        assert result.outputs["authors.csv"].decode().splitlines() == ["author,commits", "Ada,2", "Bob,1"]

    def test_looks_back_only_so_far(
        self, workflows: Mapping[str, Workflow[..., Any]], repository: Path
    ) -> None:
        newest = run(workflows["git_history"], path=str(repository), max_commits=1).raise_for_status()
        assert newest.output["authors"] == {"Bob": 1}
        later = run(workflows["git_history"], path=str(repository), since="2021-01-01").raise_for_status()
        assert later.output["busiest weeks"] == {"2021-W09": 1, "2022-W09": 1}
        none = run(workflows["git_history"], path=str(repository), since="2023-01-01").raise_for_status()
        assert (none.output["commits"], none.logs[-2].level) == (0, "WARNING")

    def test_says_so_where_there_is_no_repository(
        self, workflows: Mapping[str, Workflow[..., Any]], tmp_path: Path
    ) -> None:
        result = run(workflows["git_history"], path=str(tmp_path))
        assert result.status == "failed"
        assert result.error is not None
        assert f"'{tmp_path}' is in no git repository" in result.error


class TestAuditEnvironment:
    def test_audits_each_distribution_and_leaves_a_report(
        self, workflows: Mapping[str, Workflow[..., Any]]
    ) -> None:
        result = run(workflows["audit_environment"], limit=3, standard_library=False).raise_for_status()
        assert result.output["distributions"] == 3
        assert result.output["modules"] > 3
        assert result.outputs["audit.html"].startswith(b"<!doctype html>")
        (left,) = [event.data for event in result.events if isinstance(event.data, Output)]
        assert left.media_type == "text/html; charset=utf-8"
        files = [
            event.data
            for event in result.events
            if isinstance(event.data, StepProgressed) and event.data.unit == "file"
        ]
        assert files, "each audit shows how many files it has read, from its own process"
        assert progress_never_falls(result)

    def test_a_module_that_does_not_parse_is_a_finding(
        self, workflows: Mapping[str, Workflow[..., Any]], tmp_path: Path
    ) -> None:
        names = module_of(workflows["audit_environment"])
        audit = names["Audit"]("shop", "1", "MIT")
        for name, source in {
            "bad.py": b"def f(:",
            "null.py": b"\0",
            "deep.py": b"-" * 100_000 + b"1",
        }.items():
            (tmp_path / name).write_bytes(source)
            names["audit_module"](audit, tmp_path / name, name)
        assert set(audit.broken) == {"bad.py", "null.py", "deep.py"}
        assert audit.modules == 3

    def test_complexity_counts_the_paths(
        self, workflows: Mapping[str, Workflow[..., Any]], tmp_path: Path
    ) -> None:
        names = module_of(workflows["audit_environment"])
        audit = names["Audit"]("shop", "1", "MIT")
        module = tmp_path / "m.py"
        module.write_text(
            "def straight(): return 1\n"
            "def bent(x):\n"
            "    if x and x > 1 or not x:\n"
            "        return [y for y in x if y]\n"
            "    def inner():\n"
            "        while x: pass\n"
            "    return 1 if x else 2\n"
        )
        names["audit_module"](audit, module, "m.py")
        assert {each.name: each.complexity for each in audit.complex} == {
            "straight": 1,
            "bent": 7,
            "inner": 2,
        }

    def test_the_report_shows_names_as_text(self, workflows: Mapping[str, Workflow[..., Any]]) -> None:
        names = module_of(workflows["audit_environment"])
        audit = names["Audit"]("<script>", "<b9>", "<i9>", broken={"<u9>": "<s9>"})
        report = names["render"]([audit])
        for name in ("script", "b9", "i9", "u9", "s9"):
            assert f"&lt;{name}&gt;" in report
            assert f"<{name}>" not in report


def progress_never_falls(result: Result) -> bool:
    seen = [
        event.data.progress
        for event in result.events
        if event.kind in {"step.progressed", "step.completed", "execution.completed"}
        and hasattr(event.data, "progress")
    ]
    return seen == sorted(seen)  # type: ignore[type-var]
