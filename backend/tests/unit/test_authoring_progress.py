"""`progress`, `track`, `log`, `current`, `output`: what they emit inside; outside they are ordinary."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.recording_scope import RecordingScope, entered

from headway import current, log, output, progress, track
from headway.authoring import tracker
from headway.authoring.output import MAX_OUTPUT_BYTES
from headway.domain.events import MAX_MESSAGE_BYTES, Log, StepProgressed
from headway.errors import ResultTooLarge


@pytest.fixture
def scope() -> Iterator[RecordingScope]:
    with entered(RecordingScope("load")) as scope:
        yield scope


@pytest.fixture
def every(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no progress be held back."""
    monkeypatch.setattr(tracker, "INTERVAL_S", 0.0)


def counts(scope: RecordingScope) -> list[tuple[float | None, float | None]]:
    return [(data.done, data.total) for data in scope.of(StepProgressed)]


class TestProgress:
    def test_is_the_steps_inside_one_and_the_workflows_outside(self, scope: RecordingScope) -> None:
        progress(3, 10, "page", "reading")
        with entered(RecordingScope(parent=scope)):
            progress(1)
        first, second = scope.of(StepProgressed)
        assert (first.step, first.step_id, first.done, first.total) == ("load", "load#1", 3, 10)
        assert (first.unit, first.message) == ("page", "reading")
        assert (second.step, second.step_id, second.done, second.total) == (None, None, 1, None)

    def test_numbers_that_json_cannot_carry_are_unknown(self, scope: RecordingScope) -> None:
        progress(math.nan, math.inf)
        progress(1 << 70, True)
        assert counts(scope) == [(None, None), (float(1 << 70), 1.0)]

    def test_what_is_no_number_is_left_out_with_a_word_and_raises_nothing(
        self, scope: RecordingScope
    ) -> None:
        progress("a", "b")  # type: ignore[arg-type]
        progress(10**400, object())  # type: ignore[arg-type]
        assert counts(scope) == [(None, None), (None, None)]
        warned = [data.message for data in scope.of(Log) if data.level == "WARNING"]
        assert len(warned) == 4
        assert warned[1].startswith("progress(): total is no number, so it is left out: ValueError")

    def test_is_nothing_outside_a_workflow(self) -> None:
        progress(1, 2)


class TestTrack:
    def test_emits_first_and_last_and_throttles_between(self, scope: RecordingScope) -> None:
        assert list(track(range(100_000), unit="row")) == list(range(100_000))
        seen = counts(scope)
        assert seen[0] == (0, 100_000)
        assert seen[-1] == (100_000, 100_000)
        assert len(seen) < 100

    @pytest.mark.usefixtures("every")
    def test_a_loop_left_early_shows_how_far_it_came(self, scope: RecordingScope) -> None:
        for item in track([1, 2, 3, 4]):
            if item == 3:
                break
        assert counts(scope)[-1] == (2, 4)

    @pytest.mark.usefixtures("every")
    def test_an_inner_loop_moves_the_outer_by_its_fraction(self, scope: RecordingScope) -> None:
        for name in track(["a", "b"], unit="file", message="files"):
            for _ in track(range(4), message=f"rows of {name}"):
                pass
        done = [data.done for data in scope.of(StepProgressed)]
        assert done == sorted(done)
        assert {0.25, 0.5, 1.75} <= set(done)
        assert done[-1] == 2
        assert {data.total for data in scope.of(StepProgressed)} == {2}
        assert {data.unit for data in scope.of(StepProgressed)} == {"file"}
        assert "rows of b" in {data.message for data in scope.of(StepProgressed)}

    @pytest.mark.usefixtures("every")
    def test_a_loop_of_a_step_does_not_move_the_loop_around_it(self, scope: RecordingScope) -> None:
        for _ in track([1]):
            with entered(RecordingScope("inner", parent=scope)):
                list(track([1, 2]))
        assert [data.done for data in scope.of(StepProgressed) if data.step == "load"] == [0, 1, 1]

    @pytest.mark.usefixtures("every")
    async def test_loops_at_the_same_time_move_the_outer_by_their_mean(self, scope: RecordingScope) -> None:
        async def inner(upto: int) -> None:
            for _ in track(range(upto)):
                await asyncio.sleep(0)

        for _ in track([1]):
            await asyncio.gather(inner(2), inner(4))
        done = [data.done for data in scope.of(StepProgressed)]
        assert max(done) == 1
        assert done == sorted(done)

    async def test_goes_through_asynchronous_iterables(self, scope: RecordingScope) -> None:
        async def pages() -> AsyncIterator[int]:
            for number in range(3):
                yield number

        assert [page async for page in track(pages(), total=3)] == [0, 1, 2]
        assert counts(scope)[-1] == (3, 3)

    def test_without_a_size_it_counts(self, scope: RecordingScope) -> None:
        assert list(track(x for x in "ab")) == ["a", "b"]
        assert counts(scope)[-1] == (2, None)

    def test_a_cancelled_execution_ends_a_plain_loop(self, scope: RecordingScope) -> None:
        loop = track(range(10))
        assert next(loop) == 0
        scope.cancelled = True
        with pytest.raises(asyncio.CancelledError):
            next(loop)

    def test_is_a_plain_loop_outside_a_workflow(self) -> None:
        assert list(track([1, 2])) == [1, 2]


class TestLog:
    def test_levels(self, scope: RecordingScope) -> None:
        log("a")
        log("b", "WARNING")
        log.debug("c")
        log.info("d")
        log.warning("e")
        log.error("f")
        assert [(data.level, data.message) for data in scope.of(Log)] == [
            ("INFO", "a"),
            ("WARNING", "b"),
            ("DEBUG", "c"),
            ("INFO", "d"),
            ("WARNING", "e"),
            ("ERROR", "f"),
        ]
        assert {data.step_id for data in scope.of(Log)} == {"load#1"}

    def test_never_raises(self, scope: RecordingScope) -> None:
        class Broken:
            def __str__(self) -> str:
                raise ZeroDivisionError

        log(Broken())
        log("x", "LOUD")  # type: ignore[arg-type]
        assert scope.lines == ["<Broken that str() fails on: ZeroDivisionError>", "x"]

    def test_a_long_message_is_cut_with_its_length(self, scope: RecordingScope) -> None:
        log("x" * (MAX_MESSAGE_BYTES + 5))
        (data,) = scope.of(Log)
        assert (len(data.message), data.length) == (MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES + 5)

    def test_outside_a_workflow_it_is_the_callers_logger(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO):
            log("100 %s")
        (record,) = caplog.records
        assert (record.name, record.getMessage(), record.funcName) == (
            __name__,
            "100 %s",
            "test_outside_a_workflow_it_is_the_callers_logger",
        )


class TestCurrent:
    def test_names_where_it_runs(self, scope: RecordingScope) -> None:
        here = current()
        assert here is not None
        assert (here.execution_id, here.step_id, here.cancelled) == (scope.execution_id, "load#1", False)
        scope.cancelled = True
        assert here.cancelled

    def test_is_none_outside(self) -> None:
        assert current() is None


class TestOutput:
    def test_text_bytes_and_files(self, scope: RecordingScope, tmp_path: Path) -> None:
        (tmp_path / "c.png").write_bytes(b"\x89PNG")
        output("a.html", "<p>ä\ud800</p>")
        output("b", b"\0")
        output("c.png", tmp_path / "c.png")
        output("d.csv", "x", "text/x-mine")
        assert scope.outputs == {
            "a.html": ("<p>ä?</p>".encode(), "text/html; charset=utf-8"),
            "b": (b"\0", "application/octet-stream"),
            "c.png": (b"\x89PNG", "image/png"),
            "d.csv": (b"x", "text/x-mine"),
        }

    @pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", "a\nb", "x" * 201])
    def test_names_that_are_paths_are_refused_anywhere(self, name: str) -> None:
        with pytest.raises(ValueError, match="no name for an output"):
            output(name, b"")

    def test_the_limit(self, scope: RecordingScope, tmp_path: Path) -> None:
        large = tmp_path / "large"
        with large.open("wb") as file:
            file.truncate(MAX_OUTPUT_BYTES + 1)
        contents: list[Any] = [large, bytes(MAX_OUTPUT_BYTES + 1)]
        for content in contents:
            with pytest.raises(ResultTooLarge, match="16,777,217"):
                output("large", content)
        assert scope.outputs == {}

    def test_is_nothing_outside_a_workflow(self) -> None:
        output("a.txt", "x")
