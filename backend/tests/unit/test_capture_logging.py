"""Records of `logging` and warnings inside an execution are its log; outside all is as before."""

import logging
import logging.config
import logging.handlers
import pickle
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import pytest
from tests.support.recording_scope import RecordingScope, entered

from headway.adapters.capture import logging as capture_logging
from headway.adapters.capture import stdio
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
    call_handlers = logging.Logger.callHandlers
    uninstall = capture_logging.install()
    try:
        yield root
    finally:
        uninstall()
        assert logging.Logger.callHandlers is call_handlers
        assert [each for each in root.handlers if isinstance(each, capture_logging.Placeholder)] == []
        root.handlers[:] = handlers
        root.setLevel(level_before)


@contextmanager
def streams_captured() -> Iterator[None]:
    uninstall = stdio.install()
    try:
        yield
    finally:
        uninstall()


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


class TestSetupsOfTheUser:
    """One event a record, whatever handlers there are, and none of their text beside it."""

    def test_a_logger_of_its_own_that_does_not_propagate(self) -> None:
        with captured(), streams_captured(), entered(RecordingScope()) as scope:
            own = logging.Logger("own")  # noqa: LOG001 - one that nobody else finds
            own.propagate = False
            own.addHandler(logging.StreamHandler(sys.stderr))
            own.warning("one")
        assert scope.events == [Log("WARNING", "one", None, None, "own", "logging")]

    def test_a_root_that_is_configured_anew(self, tmp_path: Path) -> None:
        handler = {"class": "logging.FileHandler", "filename": str(tmp_path / "log")}
        setup = {"version": 1, "disable_existing_loggers": False}
        with captured(), entered(RecordingScope()) as scope:
            logging.config.dictConfig(
                {**setup, "handlers": {"file": handler}, "root": {"handlers": ["file"]}}
            )
            logger.warning("to the file too")
            logging.config.dictConfig(setup)
            for each in logging.getLogger().handlers:
                each.close()
        assert scope.lines == ["to the file too"]
        assert (tmp_path / "log").read_text() == "to the file too\n"

    def test_a_basic_configuration_by_force_keeps_levels(self) -> None:
        with captured(), streams_captured(), entered(RecordingScope()) as scope:
            logging.basicConfig(force=True, level=logging.DEBUG)
            logger.debug("fine")
            logger.error("bad")
        assert [(data.level, data.message) for data in scope.of(Log)] == [("DEBUG", "fine"), ("ERROR", "bad")]

    def test_a_handler_that_prints(self) -> None:
        class Printing(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                print(self.format(record))  # noqa: T201

        with captured() as root, streams_captured(), entered(RecordingScope()) as scope:
            root.addHandler(Printing())
            logger.warning("once")
        assert scope.lines == ["once"]

    def test_a_queue_and_its_listener_in_a_thread(self) -> None:
        records: SimpleQueue[logging.LogRecord] = SimpleQueue()
        with captured() as root, streams_captured(), entered(RecordingScope()) as scope:
            root.addHandler(logging.handlers.QueueHandler(records))  # type: ignore[arg-type]
            logger.warning("once")
            logging.StreamHandler(sys.stderr).handle(records.get())
        assert scope.lines == ["once"]

    def test_records_of_another_process_count_once_there_or_here(self) -> None:
        far = {"name": "far", "levelname": "INFO", "levelno": logging.INFO}
        with captured(), entered(RecordingScope()) as scope:
            spawned = logging.makeLogRecord({**far, "msg": "spawned"})
            logger.handle(spawned)
            logger.handle(pickle.loads(pickle.dumps(spawned)))
        assert scope.lines == ["spawned"]

    def test_levels_and_disable_hold(self) -> None:
        with captured(), entered(RecordingScope()) as scope:
            logging.disable(logging.WARNING)
            logger.warning("disabled")
            logging.disable(logging.NOTSET)
        assert scope.events == []

    def test_what_headway_says_of_itself_is_no_log(self, capsys: pytest.CaptureFixture[str]) -> None:
        with captured(), streams_captured(), entered(RecordingScope()) as scope:
            logging.getLogger("headway.test").warning("ours")
        assert scope.events == []
        assert capsys.readouterr().err == "ours\n"

    def test_without_any_handler_nothing_is_written_twice(self, capsys: pytest.CaptureFixture[str]) -> None:
        with captured() as root, entered(RecordingScope()) as scope:
            root.handlers.clear()
            logger.warning("once")
        assert scope.lines == ["once"]
        assert capsys.readouterr().err == ""


def test_a_level_nobody_chose_becomes_info_for_as_long() -> None:
    with captured() as root:
        assert root.level == logging.INFO


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
