"""Settings: where they come from, what they refuse, and that they are documented."""

from dataclasses import fields
from pathlib import Path

import msgspec
import pytest

from headway.config import Settings, database_path, variable_of
from headway.errors import InsecureBinding, InvalidSetting

OPERATIONS = Path(__file__).parents[3] / "docs" / "operations.md"


def test_the_command_line_goes_before_the_environment_and_that_before_the_default() -> None:
    settings = Settings.read({"HEADWAY_PORT": "9000", "HEADWAY_WORKERS": "4"}, port=9100, host=None)
    assert (settings.port, settings.workers, settings.host) == (9100, 4, "127.0.0.1")


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("HEADWAY_GRACE_S", "2.5", "grace_s", 2.5),
        ("HEADWAY_RELOAD", "no", "reload", False),
        ("HEADWAY_OPEN", "1", "open", True),
        ("HEADWAY_ALLOWED_HOSTS", "a.example, b.example", "allowed_hosts", ("a.example", "b.example")),
        ("HEADWAY_LOG_LEVEL", "warning", "log_level", "WARNING"),
        ("HEADWAY_TOKEN", "", "token", None),
    ],
)
def test_text_becomes_what_the_setting_is(variable: str, text: str, name: str, value: object) -> None:
    assert getattr(Settings.read({variable: text}), name) == value


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("HEADWAY_PORT", "http"),
        ("HEADWAY_PORT", "70000"),
        ("HEADWAY_WORKERS", "0"),
        ("HEADWAY_RELOAD", "perhaps"),
        ("HEADWAY_SYNCHRONOUS", "OFF"),
        ("HEADWAY_PREFIX", "headway/"),
        ("HEADWAY_URL", "localhost:8321"),
        ("HEADWAY_LOG_LEVEL", "loud"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_the_name_of_its_variable(variable: str, text: str) -> None:
    with pytest.raises(InvalidSetting, match=variable):
        Settings.read({variable: text})


@pytest.mark.parametrize("url", ["postgresql://localhost/x", "sqlite://", "sqlite:///:memory:", ""])
def test_a_database_that_is_no_file_is_refused(url: str) -> None:
    with pytest.raises(InvalidSetting):
        Settings(database=url)


def test_a_database_is_an_absolute_or_relative_path_of_a_file() -> None:
    assert database_path("sqlite:////var/lib/h.db") == Path("/var/lib/h.db")
    assert database_path("sqlite:///h%20w.db") == Path.cwd() / "h w.db"
    assert database_path("runs.db") == Path.cwd() / "runs.db"


def test_an_address_with_too_few_slashes_is_refused_with_the_right_one() -> None:
    """Else it were a file of that very name."""
    with pytest.raises(InvalidSetting, match=r"use sqlite:///runs\.db"):
        database_path("sqlite:runs.db")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::"])
def test_listening_beyond_this_machine_needs_a_token_and_says_so(host: str) -> None:
    with pytest.raises(InsecureBinding, match="HEADWAY_TOKEN"):
        Settings(host=host).require_safe_binding()
    Settings(host=host, token="correct horse").require_safe_binding()


def test_listening_on_this_machine_needs_no_token() -> None:
    for host in ("127.0.0.1", "::1", "localhost"):
        Settings(host=host).require_safe_binding()


def test_a_token_that_no_header_carries_is_refused_without_showing_it() -> None:
    with pytest.raises(InvalidSetting, match=r"HEADWAY_TOKEN .* printable ASCII") as refused:
        Settings(token="s\xe9same")
    assert "same" not in refused.value.message


@pytest.mark.parametrize(
    "origin", ["portal.example", "https://a.example; script-src *", "https://a.example/x"]
)
def test_what_is_no_origin_frames_nothing(origin: str) -> None:
    with pytest.raises(InvalidSetting, match="HEADWAY_FRAME_ORIGINS"):
        Settings(frame_origins=(origin,))


def test_the_token_is_not_shown() -> None:
    assert "correct horse" not in repr(Settings(token="correct horse"))


def test_the_address_for_a_browser_is_one_it_can_open() -> None:
    assert Settings(host="0.0.0.0", prefix="/h").server_url == "http://127.0.0.1:8321/h"
    assert Settings(host="::1", port=9).server_url == "http://[::1]:9"


def test_settings_reach_a_child_process_whole() -> None:
    settings = Settings(token="t", allowed_hosts=("a",), grace_s=1.5)
    assert msgspec.json.decode(msgspec.json.encode(settings), type=Settings) == settings


def test_what_is_to_be_masked_is_named_or_off() -> None:
    assert Settings.read({"HEADWAY_MASK": "DB_PASS, API_*"}).mask == ("DB_PASS", "API_*")
    assert Settings.read({"HEADWAY_MASK": "off"}).mask == ("off",)
    with pytest.raises(InvalidSetting, match="HEADWAY_MASK"):
        Settings.read({"HEADWAY_MASK": "off,DB_PASS"})


def test_every_setting_is_in_the_operations_page_with_its_default() -> None:
    rows = {
        line.split("`")[1]: line
        for line in OPERATIONS.read_text().splitlines()
        if line.startswith("| `HEADWAY_")
    }
    assert set(rows) == {variable_of(setting.name) for setting in fields(Settings)}
    for setting in fields(Settings):
        if isinstance(setting.default, int | float) and not isinstance(setting.default, bool):
            assert f"`{setting.default}`" in rows[variable_of(setting.name)]
