"""Records of `logging` and warnings inside an execution are its log; outside all is as before."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.support.recording_scope import RecordingScope, entered

from headway.adapters.capture import logging as capture_logging
from headway.adapters.capture import warnings as capture_warnings
from headway.domain.events import MAX_MESSAGE_BYTES, Log, encode_body

logger = logging.getLogger("shop.orders")


@contextmanager
def captured(level: int = logging.WARNING) -> Iterator[logging.Logger]:
    """The root logger as a new interpreter has it, with capture; pytest adds handlers after fixtures."""
    root = logging.getLogger()
    handlers, level_before = root.handlers[:], root.level
    root.handlers[:] = []
    root.setLevel(level)
    uninstall = capture_logging.install()
    try:
        yield root
    finally:
        uninstall()
        assert (root.handlers, root.level) == ([], level)
        root.handlers[:] = handlers
        root.setLevel(level_before)


class TestRecords:
    def test_carry_level_logger_message_and_step(self) -> None:
        with captured(), entered(RecordingScope("load")) as scope:
            logger.info("%d orders", 3)
        assert scope.events == [Log("INFO", "3 orders", "load#1", "load", "shop.orders", "logging")]

    def test_carry_the_exception(self) -> None:
        with captured(), entered(RecordingScope()) as scope:
            try:
                {}["sku"]
            except KeyError:
                logger.exception("no such order")
        (data,) = scope.of(Log)
        assert data.level == "ERROR"
        assert data.message.startswith("no such order\nTraceback (most recent call last):\n")
        assert data.message.endswith("KeyError: 'sku'")

    def test_with_a_wrong_format_lose_nothing_and_break_nothing(self) -> None:
        class Broken:
            def __repr__(self) -> str:
                raise ZeroDivisionError

        with captured(), entered(RecordingScope()) as scope:
            logger.warning("%d orders", "many")
            logger.warning("%s %s", Broken())  # noqa: PLE1206
        assert "'%d orders' % ('many',): TypeError" in scope.lines[0]
        assert "<tuple>" in scope.lines[1]

    def test_levels_of_ones_own_become_the_nearest_below(self) -> None:
        with captured(), entered(RecordingScope()) as scope:
            logger.log(25, "25")
            logger.log(45, "45")
        assert [data.level for data in scope.of(Log)] == ["INFO", "ERROR"]

    def test_made_while_formatting_a_record_end_there(self) -> None:
        class Chatty:
            def __str__(self) -> str:
                logger.info("formatting %s", self)
                return "chatty"

        with captured(), entered(RecordingScope()) as scope:
            logger.info("it is %s", Chatty())
        assert scope.lines == ["it is chatty"]

    def test_long_and_strange_text_is_bounded_and_can_be_encoded(self) -> None:
        with captured(), entered(RecordingScope()) as scope:
            logger.info("x" * (MAX_MESSAGE_BYTES + 1))
            logger.info("lone \ud800")
        long, lone = scope.of(Log)
        assert long.length == MAX_MESSAGE_BYTES + 1
        assert b"lone ?" in encode_body(lone, "2026-11-22T00:00:00.000000Z")

    def test_outside_go_to_the_handler_of_last_resort(self, capsys: pytest.CaptureFixture[str]) -> None:
        with captured():
            logger.warning("disk is full")
            logger.info("quiet")
        assert capsys.readouterr().err == "disk is full\n"


def test_a_level_nobody_chose_becomes_info_for_as_long() -> None:
    with captured() as root:
        assert root.level == logging.INFO
        assert capture_logging.is_installed()


def test_a_level_somebody_chose_stays() -> None:
    with captured(logging.ERROR) as root, entered(RecordingScope()) as scope:
        logger.warning("unwanted")
        assert root.level == logging.ERROR
    assert scope.events == []


def test_warnings_are_log_lines_inside_and_warnings_outside() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        shown: list[str] = []
        warnings.showwarning = lambda message, *_, **__: shown.append(str(message))
        before = warnings.showwarning
        uninstall = capture_warnings.install()
        with entered(RecordingScope("load")) as scope:
            warnings.warn("old column", DeprecationWarning, stacklevel=1)
        warnings.warn("outside", UserWarning, stacklevel=1)
        uninstall()
        assert warnings.showwarning is before
    (data,) = scope.of(Log)
    assert (data.level, data.logger, data.step_id) == ("WARNING", "py.warnings", "load#1")
    assert data.message.startswith("DeprecationWarning: old column (")
    assert shown == ["outside"]
