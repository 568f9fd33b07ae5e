"""Every setting of synclog and where its value comes from: flag, environment, ``synclog.toml``, default.

A flag is given by the command that has it; everything else can be said as ``SYNCLOG_<KEY>`` or as a key of the file.
The server listens on this machine only: it has no accounts yet, so any other address is refused here.
"""

import difflib
import ipaddress
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from ingest.errors import SettingsError
from ingest.retention_rules import Rules
from web.retention_settings import read_rules, rules_as_json

MIB = 1024 * 1024
FILE_NAME = "synclog.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a synclog process is told from outside."""

    data: Path = Path("synclog-data")
    """The data folder: lake and index."""
    index_url: str | None = None
    """SQLAlchemy address of the index; index.sqlite in the data folder when not given."""
    control_url: str | None = None
    """SQLAlchemy address of the control database, which holds what people keep: notes on problems, saved queries;
    control.sqlite in the data folder when not given."""
    host: str = "127.0.0.1"
    """The address the server listens on: a loopback address."""
    port: int = 8080
    """The port the server listens on; 0 takes a free one."""
    threads: int = 256
    """Requests answered at the same moment."""
    max_body_bytes: int = 256 * MIB
    """The largest request body, counted after decompression."""
    body_seconds: int = 30
    """How long a piece of a request body may take to come, a MiB or what is left of it."""
    maintain_seconds: int = 10
    """How long a server rests between two rounds of maintenance; 0 leaves that to others."""
    retain_hours: int = 24
    """How often maintenance removes what is too old; 0 leaves that to ``synclog retain``."""
    retention: Rules = field(default_factory=Rules)
    """How long actions and rejects stay: for ever, unless tables say otherwise. In the environment their JSON."""
    causes: str | None = None
    """A file of rules of your own that say why problems happen, before those that come with synclog."""
    search_memory_mb: int = 640
    """How much memory may hold decoded blocks for searches; the newest are read before anybody asks. 0 keeps none."""
    sql_seconds: int = 30
    """How long an ad-hoc SQL statement may run."""
    sql_rows: int = 10_000
    """How many rows an ad-hoc SQL statement may answer."""
    sql_memory_mb: int = 1024
    """How much memory an ad-hoc SQL statement may take."""


def load_settings(
    flags: Mapping[str, object], *, environment: Mapping[str, str] | None = None, file: Path | None = None
) -> Settings:
    """The settings in force. ``file`` None reads synclog.toml of the working folder when there is one."""
    said_by_file = _read_file(file or Path(FILE_NAME), must_exist=file is not None)
    said_by_environment = _read_environment(os.environ if environment is None else environment)
    said_by_flags = {key: value for key, value in flags.items() if value is not None}
    said = said_by_file | said_by_environment | said_by_flags
    settings = Settings(**{key: _typed(key, value) for key, value in said.items()})  # type: ignore[arg-type]
    _check(settings)
    return settings


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment of a child process with the same settings."""
    values = {field.name: getattr(settings, field.name) for field in fields(Settings)}
    values |= {"data": settings.data.resolve(), "retention": rules_as_json(settings.retention)}
    return os.environ | {f"SYNCLOG_{name.upper()}": str(value) for name, value in values.items() if value is not None}


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def nearest(word: str, known: tuple[str, ...]) -> str:
    """A hint that names the closest of the known words, or all of them."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known are: {', '.join(known)}"


def _names() -> tuple[str, ...]:
    return tuple(field.name for field in fields(Settings))


def _read_file(file: Path, *, must_exist: bool) -> dict[str, object]:
    if not must_exist and not file.exists():
        return {}
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"cannot read the settings file {file}: {error}") from error
    for key in said:
        if key not in _names():
            raise SettingsError(f"{file} has a key nobody reads: {key}", field=key, hint=nearest(key, _names()))
    return said


def _read_environment(environment: Mapping[str, str]) -> dict[str, object]:
    variables = {name: f"SYNCLOG_{name.upper()}" for name in _names()}
    return {name: environment[variable] for name, variable in variables.items() if environment.get(variable)}


def _typed(key: str, value: object) -> Path | str | int | Rules:
    kind = next(field.type for field in fields(Settings) if field.name == key)
    if kind is Path:
        return Path(str(value)).expanduser()
    if kind is Rules:
        return read_rules(value)
    if kind is not int:
        return str(value)
    try:
        return int(str(value).replace("_", ""))
    except ValueError:
        raise SettingsError(f"{key} is a whole number, not {value!r}", field=key) from None


def _check(settings: Settings) -> None:
    if not is_loopback(settings.host):
        raise SettingsError(
            f"cannot listen on {settings.host}: until there are accounts, synclog serves this machine only",
            field="host",
            hint="use 127.0.0.1 (or ::1); for others, put a proxy with its own login in front",
        )
    if not 0 <= settings.port <= 65535:
        raise SettingsError(f"port is 0 to 65535, not {settings.port}", field="port")
    for name in ("maintain_seconds", "retain_hours", "search_memory_mb"):
        if getattr(settings, name) < 0:
            raise SettingsError(f"{name} is at least 0, not {getattr(settings, name)}", field=name)
    for name in ("threads", "max_body_bytes", "body_seconds", "sql_seconds", "sql_rows", "sql_memory_mb"):
        if getattr(settings, name) < 1:
            raise SettingsError(f"{name} is at least 1, not {getattr(settings, name)}", field=name)
