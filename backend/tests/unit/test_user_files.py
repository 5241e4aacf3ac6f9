"""Importing users' files, and again when they are saved."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.adapters.user_files import LoadedFile, UserFiles

FLOW = """
from headway import workflow

@workflow
def {name}(count: int = {default}) -> int:
    return count + {default}
"""

PRICE = """
from headway import workflow
from headway_test_rates import RATE

@workflow
def price(count: int) -> int:
    return count * RATE
"""

SHIP = """
from __future__ import annotations
from dataclasses import dataclass
from headway import workflow

@dataclass
class Order:
    sku: str

@workflow
def ship(order: Order) -> str:
    return order.sku
"""


@pytest.fixture(autouse=True)
def _modules_left_as_they_were(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in [name for name in sys.modules if name.startswith(("headway_user_", "headway_test_"))]:
        del sys.modules[name]


def write(path: Path, text: str) -> Path:
    """Save the file as an editor does: at once, and later than it was."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text)
    later = max(before + 1_000_000, path.stat().st_mtime_ns)
    os.utime(path, ns=(later, later))
    return path


def after_save(files: UserFiles) -> list[LoadedFile]:
    """What the second look at a saved file gives."""
    assert files.load_saved() is None, "a file may still be being written at the first look"
    loaded = files.load_saved()
    assert loaded is not None
    return loaded


def test_a_file_gives_its_workflows_by_id(tmp_path: Path) -> None:
    path = write(tmp_path / "flows.py", FLOW.format(name="report", default=1))
    [loaded] = UserFiles([path]).load()
    assert list(loaded.workflows) == ["report"]
    assert loaded.source.import_error is None
    assert loaded.source.path == loaded.workflows["report"].definition.source == str(path)
    assert loaded.source.code_hash == loaded.workflows["report"].definition.code_hash


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("def broken(:\n", "SyntaxError"),
        ("raise SystemExit(3)\n", "SystemExit: 3"),
        ("x = 1\n", "defines no workflow"),
    ],
)
def test_a_file_that_does_not_import_says_why_and_harms_no_other(
    tmp_path: Path, text: str, told: str
) -> None:
    bad = write(tmp_path / "bad.py", text)
    good = write(tmp_path / "good.py", FLOW.format(name="report", default=1))
    first, second = UserFiles([bad, good]).load()
    assert told in (first.source.import_error or "")
    assert first.workflows == {}
    assert list(second.workflows) == ["report"]


def test_a_traceback_holds_the_users_lines_and_none_of_ours(tmp_path: Path) -> None:
    path = write(tmp_path / "flows.py", "def fail():\n    raise KeyError('sku')\n\nfail()\n")
    [loaded] = UserFiles([path]).load()
    told = loaded.source.import_error or ""
    assert "raise KeyError('sku')" in told
    assert "user_files.py" not in told


def test_a_file_that_is_not_there_is_an_error_of_that_file(tmp_path: Path) -> None:
    [loaded] = UserFiles([tmp_path / "gone.py"]).load()
    assert "cannot be read" in (loaded.source.import_error or "")


def test_an_id_that_another_file_defines_is_an_error_of_the_later_file(tmp_path: Path) -> None:
    first = write(tmp_path / "a.py", FLOW.format(name="report", default=1))
    second = write(tmp_path / "b.py", FLOW.format(name="report", default=2))
    one, two = UserFiles([first, second]).load()
    assert list(one.workflows) == ["report"]
    assert two.workflows == {}
    assert str(first) in (two.source.import_error or "")
    assert "'report'" in (two.source.import_error or "")


def test_workflows_of_another_module_count_where_the_file_defines_none_itself(tmp_path: Path) -> None:
    write(tmp_path / "headway_test_shared.py", FLOW.format(name="shared", default=1))
    path = write(tmp_path / "flows.py", "from headway_test_shared import shared\n")
    [loaded] = UserFiles([path]).load()
    assert list(loaded.workflows) == ["shared"]


def test_nothing_is_imported_again_while_nothing_is_saved(tmp_path: Path) -> None:
    files = UserFiles([write(tmp_path / "flows.py", FLOW.format(name="report", default=1))])
    files.load()
    assert files.load_saved() is None
    assert files.load_saved() is None


def test_a_saved_file_gives_new_code_and_the_old_functions_go_on_with_the_old(tmp_path: Path) -> None:
    path = write(tmp_path / "flows.py", FLOW.format(name="report", default=1))
    files = UserFiles([path])
    [old] = files.load()
    write(path, FLOW.format(name="report", default=20))
    [new] = after_save(files)
    assert new.workflows["report"].function(1) == 21
    assert old.workflows["report"].function(1) == 2
    assert new.source.code_hash != old.source.code_hash


def test_a_saved_file_that_no_longer_imports_is_told_and_mended_by_the_next_save(tmp_path: Path) -> None:
    path = write(tmp_path / "flows.py", FLOW.format(name="report", default=1))
    files = UserFiles([path])
    files.load()
    write(path, "import no_such_module\n")
    [broken] = after_save(files)
    assert "no_such_module" in (broken.source.import_error or "")
    write(path, FLOW.format(name="report", default=3))
    [mended] = after_save(files)
    assert mended.source.import_error is None
    assert mended.workflows["report"].function(0) == 3


def test_saving_a_module_beside_the_file_imports_both_again(tmp_path: Path) -> None:
    neighbour = write(tmp_path / "headway_test_rates.py", "RATE = 2\n")
    files = UserFiles([write(tmp_path / "flows.py", PRICE)])
    files.load()
    write(neighbour, "RATE = 50\n")
    [loaded] = after_save(files)
    assert loaded.workflows["price"].function(2) == 100


def test_modules_of_the_standard_library_and_packages_stay_as_they_are(tmp_path: Path) -> None:
    path = write(tmp_path / "flows.py", "import json, msgspec\n" + FLOW.format(name="report", default=1))
    before = sys.modules["msgspec"]
    files = UserFiles([path])
    files.load()
    write(path, path.read_text() + "\n")
    after_save(files)
    assert sys.modules["msgspec"] is before


def test_a_dataclass_of_the_file_finds_its_module(tmp_path: Path) -> None:
    [loaded] = UserFiles([write(tmp_path / "flows.py", SHIP)]).load()
    assert loaded.source.import_error is None
    assert loaded.workflows["ship"].arguments({"order": {"sku": "A1"}})["order"].sku == "A1"
