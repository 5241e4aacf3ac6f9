"""What every store of outputs promises, and that one on disk stays inside its folder."""

import stat
from pathlib import Path

import pytest
from tests.support.builders import an_execution_id

from headway.adapters.outputs import DirectoryOutputStore, MemoryOutputStore
from headway.domain.identifiers import ExecutionId
from headway.errors import OutputNotFound, UnavailableError
from headway.ports import OutputStore

NAMES = [
    "report.html",
    "reports/2026/audit.html",
    "../../etc/passwd",
    "/etc/passwd",
    "..",
    ".",
    "",
    ".hidden",
    "%2Ehidden",
    "Bericht für Ödön.txt",
    "日本語",
    "line\nbreak",
    "nul\0byte",
    "lone \ud800 surrogate",
    "long" * 100,
    "long" * 100 + "er",
    "CON",
    "a\\b",
    "a:b",
]


@pytest.fixture(params=["memory", "directory"])
def outputs(request: pytest.FixtureRequest, tmp_path: Path) -> OutputStore:
    return MemoryOutputStore() if request.param == "memory" else DirectoryOutputStore(tmp_path / "outputs")


def test_any_text_is_a_name_of_its_own(outputs: OutputStore) -> None:
    execution = an_execution_id()
    for number, name in enumerate(NAMES):
        outputs.save(execution, name, b"content %d" % number)
    for number, name in enumerate(NAMES):
        assert outputs.load(execution, name) == b"content %d" % number


def test_the_last_one_of_a_name_counts(outputs: OutputStore) -> None:
    execution = an_execution_id()
    outputs.save(execution, "report", b"first")
    outputs.save(execution, "report", b"")
    assert outputs.load(execution, "report") == b""


def test_what_is_removed_is_gone_and_nothing_else(outputs: OutputStore) -> None:
    gone, kept = an_execution_id(), an_execution_id()
    for execution in (gone, kept):
        outputs.save(execution, "report", b"text")
    for _ in range(2):
        outputs.remove(gone)
    with pytest.raises(OutputNotFound):
        outputs.load(gone, "report")
    assert outputs.load(kept, "report") == b"text"


def test_outputs_belong_to_their_execution(outputs: OutputStore) -> None:
    outputs.save(an_execution_id(), "report", b"mine")
    with pytest.raises(OutputNotFound) as missing:
        outputs.load(an_execution_id(), "report")
    assert missing.value.fields["name"] == "report"


def test_nothing_leaves_the_folder(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "outputs"
    outputs = DirectoryOutputStore(root)
    for name in NAMES:
        outputs.save(ExecutionId("../../escape"), name, b"x")
        outputs.save(ExecutionId(name), "../escape", b"x")
    outside = [file for file in tmp_path.rglob("*") if not file.is_relative_to(root)]
    assert outside == [tmp_path / "deep"]
    files = [file for file in root.rglob("*") if file.is_file()]
    assert all(len(file.relative_to(root).parts) == 2 for file in files)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_write_that_fails_leaves_the_former_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs, execution = DirectoryOutputStore(tmp_path), an_execution_id()
    outputs.save(execution, "report", b"first")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(UnavailableError, match=r"cannot be written \(No space left on device\)"):
            outputs.save(execution, "report", b"second")
    assert outputs.load(execution, "report") == b"first"
    assert len([file for file in tmp_path.rglob("*") if file.is_file()]) == 1, "no half-written file is left"
