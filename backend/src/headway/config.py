"""The settings of every process: read once, from the environment and then the command line.

Nothing else reads the environment. Each field is the variable `HEADWAY_` + its name in capitals;
`docs/operations.md` lists them all, and a test holds it to this file.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, Self, get_args
from urllib.parse import unquote

import msgspec
import platformdirs

from headway.errors import InsecureBinding, InvalidSetting

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
ALL_ADDRESSES = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # and how this machine itself reaches them
MASK_NOTHING = "off"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
Synchronous = Literal["FULL", "NORMAL"]
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.:\[\]*-]+")  # it becomes part of a header
_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"", "0", "false", "no", "off"})


def installed_version() -> str:
    return metadata.version("headway")


def default_database_url() -> str:
    """A file in the data folder of the person who runs this."""
    return f"sqlite:///{platformdirs.user_data_path('headway') / 'headway.db'}"


def _setting(default: Any, about: str) -> Any:
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set; every value has been checked. `repr` hides the token."""

    database: str = field(
        default_factory=default_database_url,
        metadata={"about": "Where everything is kept: `sqlite:///PATH` on a local disk."},
    )
    host: str = _setting(
        "127.0.0.1", "Address the server listens on; any but this machine's own needs a token."
    )
    port: int = _setting(8321, "Port the server listens on; 0 takes a free one.")
    prefix: str = _setting("", "Path the server answers under, for a proxy: `/headway`.")
    token: str | None = field(
        default=None, repr=False, metadata={"about": "Shared secret that clients must send; empty for none."}
    )
    allowed_hosts: tuple[str, ...] = _setting(
        (), "Further names the server may be called by (`Host`), separated by commas."
    )
    allowed_origins: tuple[str, ...] = _setting(
        (), "Web origins whose pages may use the server, separated by commas."
    )
    frame_origins: tuple[str, ...] = _setting(
        (), "Web origins whose pages may show Headway's pages in a frame, separated by commas."
    )
    workers: int = _setting(1, "Worker processes; a CPU-bound workflow wants one a core.")
    concurrency: int = _setting(100, "Executions that one worker runs at the same time.")
    grace_s: float = _setting(10.0, "Seconds that running executions get to finish when Headway stops.")
    synchronous: Synchronous = field(
        default="FULL",
        metadata={"about": "`FULL` survives a power cut; `NORMAL` is faster and may lose the last moments."},
    )
    retain_days: float = _setting(0.0, "Days that closed executions are kept; 0 keeps all.")
    retain_mib: int = _setting(
        0, "MiB that the journal may take before the oldest closed executions go; 0 for any."
    )
    reload: bool = _setting(True, "Import a file again when it is saved.")
    open: bool = _setting(False, "Open the page in the browser once the server is up.")
    mask: tuple[str, ...] = _setting(
        (),
        "Further environment variables whose values are masked in what is stored: `DB_PASS,API_*`; "
        "`!NAME` leaves one out, `off` masks neither variables nor tokens.",
    )
    log_level: str = _setting("INFO", "How much the processes say: DEBUG, INFO, WARNING or ERROR.")
    url: str | None = _setting(
        None, "Server that the commands talk to; else the one that holds the database."
    )
    debug: bool = _setting(False, "Show the traceback of an error of Headway itself.")

    def __post_init__(self) -> None:
        """Check what one field alone can say.

        Raises:
            InvalidSetting: Naming the variable at fault.
        """
        _require(0 <= self.port <= 65_535, "port", self.port, "a number from 0 to 65535")
        _require(1 <= self.workers <= 64, "workers", self.workers, "a number from 1 to 64")
        _require(1 <= self.concurrency <= 10_000, "concurrency", self.concurrency, "a number from 1 to 10000")
        _require(0 <= self.grace_s <= 3_600, "grace_s", self.grace_s, "seconds from 0 to 3600")
        _require(0 <= self.retain_days <= 36_500, "retain_days", self.retain_days, "days from 0 to 36500")
        _require(0 <= self.retain_mib <= 1 << 30, "retain_mib", self.retain_mib, "a number of MiB from 0")
        _require(self.log_level in LOG_LEVELS, "log_level", self.log_level, f"one of {', '.join(LOG_LEVELS)}")
        _require(
            self.mask == (MASK_NOTHING,) or MASK_NOTHING not in self.mask, "mask", self.mask, "names or off"
        )
        _require(self.synchronous in get_args(Synchronous), "synchronous", self.synchronous, "FULL or NORMAL")
        for origin in self.frame_origins:
            _require(bool(_ORIGIN.fullmatch(origin)), "frame_origins", origin, "like https://portal.example")
        bare_prefix = self.prefix == "" or (self.prefix.startswith("/") and not self.prefix.endswith("/"))
        _require(bare_prefix, "prefix", self.prefix, "empty or like /headway")
        _require(
            self.url is None or self.url.startswith(("http://", "https://")),
            "url",
            self.url,
            "like http://127.0.0.1:8321",
        )
        # It travels in a header; the message does not repeat what is secret.
        fits = self.token is None or (self.token.isascii() and self.token.isprintable())
        _require(fits, "token", "…", "printable ASCII")
        database_path(self.database)

    @classmethod
    def read(cls, environment: Mapping[str, str], **given: Any) -> Self:
        """Settings from `HEADWAY_…` variables; `given` values that are not `None` go before them.

        Raises:
            InvalidSetting: A value does not fit.
        """
        values = {name: value for name, value in given.items() if value is not None}
        for setting in fields(cls):
            text = environment.get(variable_of(setting.name), "")
            if setting.name not in values and text != "":
                values[setting.name] = _parse(setting.name, str(setting.type), text)
        if "log_level" in values:
            values["log_level"] = values["log_level"].upper()
        return cls(**values)

    def listening_on(self, port: int) -> Self:
        """The same with the port that the system chose."""
        return replace(self, port=port)

    @property
    def database_path(self) -> Path:
        """Absolute path of the database file."""
        return database_path(self.database)

    @property
    def callable_as(self) -> tuple[str, ...]:
        """Names for `Host` beside the loopback ones; on all addresses, where a token guards, any."""
        if self.host in ALL_ADDRESSES and not self.allowed_hosts:
            return ("*",)
        return self.allowed_hosts if self.host in LOOPBACK_HOSTS else (*self.allowed_hosts, self.host)

    @property
    def server_url(self) -> str:
        """Where a browser on this machine finds the server."""
        host = ALL_ADDRESSES.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}{self.prefix}"

    def require_safe_binding(self) -> None:
        """Refuse to listen beyond this machine without authentication.

        Raises:
            InsecureBinding: Saying both ways out.
        """
        if self.host not in LOOPBACK_HOSTS and not self.token:
            raise InsecureBinding(
                f"listening on {self.host} would let anybody who reaches this machine run your workflows; "
                "set HEADWAY_TOKEN to a long random text, or use --host 127.0.0.1"
            )


def variable_of(name: str) -> str:
    """The environment variable of a setting."""
    return f"HEADWAY_{name.upper()}"


def database_path(url: str) -> Path:
    """The file that a database URL names; a plain path is taken as it is.

    Raises:
        InvalidSetting: Not a SQLite file.
    """
    scheme, separator, rest = url.partition("://")
    if separator and (scheme != "sqlite" or not rest.startswith("/")):
        raise InvalidSetting(f"database {url!r} is not supported; use sqlite:///PATH")
    if not separator and url.startswith(("sqlite:", "file:")):  # else a file of that very name
        raise InvalidSetting(
            f"database {url!r} is not supported; use sqlite:///{url.partition(':')[2] or 'PATH'}"
        )
    path = unquote(rest[1:]) if separator else url
    if path in ("", ":memory:"):
        raise InvalidSetting(f"database {url!r} names no file; use sqlite:///PATH")
    return Path(path).expanduser().absolute()


def encode_settings(settings: Settings) -> bytes:
    """One line for a child process."""
    return msgspec.json.encode(settings)


def _parse(name: str, kind: str, text: str) -> Any:
    if "bool" in kind:
        _require(text.lower() in _TRUE | _FALSE, name, text, "1 or 0")
        return text.lower() in _TRUE
    if "tuple" in kind:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if "int" in kind or "float" in kind:
        try:
            return int(text) if "int" in kind else float(text)
        except ValueError:
            raise InvalidSetting(f"{variable_of(name)} is {text!r}; it must be a number") from None
    return text


def _require(holds: bool, name: str, value: object, wanted: str) -> None:
    if not holds:
        option = name.replace("_", "-")
        raise InvalidSetting(f"{variable_of(name)} (--{option}) is {value!r}; it must be {wanted}")
