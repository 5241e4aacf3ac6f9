"""Bars of tqdm inside an execution are progress and write nothing; outside they are bars."""

import io
from collections.abc import Iterator

import pytest
import tqdm as tqdm_package
import tqdm.auto
from tests.support.recording_scope import RecordingScope, entered
from tqdm import tqdm as bar

from headway import track
from headway.adapters.capture import tqdm as capture_tqdm
from headway.authoring import tracker
from headway.domain.events import StepProgressed


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(tracker, "INTERVAL_S", 0.0)
    uninstall = capture_tqdm.install()
    yield
    uninstall()


def test_a_bar_is_progress_of_its_step(capsys: pytest.CaptureFixture[str]) -> None:
    with entered(RecordingScope("load")) as scope:
        assert list(bar(range(5), desc="Reading", unit="row", mininterval=0)) == [0, 1, 2, 3, 4]
    events = scope.of(StepProgressed)
    assert [data.done for data in events][:3] == [0, 1, 2]
    assert events[-1] == StepProgressed(
        step="load", step_id="load#1", done=5, total=5, unit="row", message="Reading"
    )
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("leave", [True, False])
def test_the_last_count_is_always_shown(leave: bool) -> None:
    with entered(RecordingScope()) as scope, bar(total=10, leave=leave, mininterval=1000) as progress:
        progress.update(4)
        progress.set_description("now")
    assert (scope.of(StepProgressed)[-1].done, scope.of(StepProgressed)[-1].message) == (4, "now")


def test_bars_and_track_nest() -> None:
    with entered(RecordingScope("load")) as scope:
        for _ in track(["a", "b"], unit="file"):
            for _ in bar(range(4), mininterval=0):
                pass
    done = [data.done for data in scope.of(StepProgressed)]
    assert done == sorted(done)
    assert 0.5 in done
    assert done[-1] == 2


def test_a_bar_that_wants_a_terminal_is_shown_all_the_same() -> None:
    with entered(RecordingScope()) as scope:
        list(tqdm.auto.tqdm(range(2), disable=None))
    assert scope.of(StepProgressed)[-1].done == 2


def test_a_disabled_bar_says_nothing() -> None:
    with entered(RecordingScope()) as scope:
        assert list(bar(range(2), disable=True)) == [0, 1]
    assert scope.events == []


def test_outside_a_bar_is_a_bar() -> None:
    file = io.StringIO()
    assert list(bar(range(2), file=file)) == [0, 1]
    assert "2/2" in file.getvalue()


def test_uninstalling_leaves_tqdm_as_it_was() -> None:
    taught = tqdm_package.std.tqdm.display
    undo = capture_tqdm.install()
    undo()
    assert tqdm_package.std.tqdm.display is taught
