"""Settings: TOML, then the environment (CASEPROBE_COLLECTOR_…), then flags; each remembers where it came from."""

from __future__ import annotations

import os
import socket
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from caseprobe.errors import ConfigurationError

PREFIX = "CASEPROBE_COLLECTOR_"
FILE_VARIABLE = PREFIX + "CONFIG"
# Beyond it one process has too little of a core for their heartbeats.
MOST_MACHINES = 50_000
SYSTEM_FILE = Path("/etc/caseprobe/collector.toml")
SYSTEM_FOLDER = Path("/var/lib/caseprobe-collector")


@dataclass(frozen=True)
class CollectorConfig:
    """What a collector needs to know to run. Ports: 0 lets the system choose one."""

    data_folder: Path
    # Names and addresses that agents and people reach it by; the first stands in join codes.
    public_names: tuple[str, ...] = ()
    link_host: str = "0.0.0.0"  # noqa: S104 (agents come from everywhere; mutual TLS lets in who is enrolled)
    link_port: int = 7443
    https_host: str = "0.0.0.0"  # noqa: S104 (staff and enrolment come from everywhere)
    https_port: int = 8443
    metrics_port: int = 9443
    # A certificate of your own for HTTPS, instead of one of the collector's CA.
    server_certificate_file: Path | None = None
    server_key_file: Path | None = None
    # Plain http on 127.0.0.1, for the demo alone; 0: none.
    console_http_port: int = 0
    # Ports that a forwarder in front presents to agents, where they differ from ours; 0: the same.
    public_link_port: int = 0
    public_https_port: int = 0
    collector_name: str = "caseprobe collector"
    # Machines that may be connected at once; one more is asked to come back later. About 100 KiB of memory each.
    most_machines: int = 10_000
    # Whether join codes for bundles ask for encryption to the collector's key.
    encrypt_bundles: bool = False
    # Where each setting came from, by its name: "default", a file, a variable or "flag".
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def console_http_loopback(self) -> bool:
        """True where the console is plain http on loopback."""
        return self.console_http_port != 0


def load_config(
    path: Path | None = None, environment: Mapping[str, str] = os.environ, **flags: object
) -> CollectorConfig:
    """The effective settings; a flag that is None was not given.

    path: a file that must exist; without it CASEPROBE_COLLECTOR_CONFIG, then /etc/caseprobe/collector.toml if there.
    Raises ConfigurationError that names file, line and key.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    file, text = _read(path, environment)
    for key, value in _from_file(file, text).items():
        _set(values, origins, key, value, _place(file, text, key))
    for key, value in _from_environment(environment).items():
        _set(values, origins, key, value, f"variable {PREFIX}{key.upper()}")
    for key, value in flags.items():
        if value is not None:
            _set(values, origins, key, value, f"flag --{key.replace('_', '-')}")
    return _complete(values, origins, environment)


def _complete(values: dict[str, Any], origins: dict[str, str], environment: Mapping[str, str]) -> CollectorConfig:
    values.setdefault("data_folder", default_folder(environment))
    values.setdefault("public_names", (socket.gethostname(), "localhost", "127.0.0.1"))
    config = CollectorConfig(**values, origins={name: origins.get(name, "default") for name in KINDS})
    if (config.server_certificate_file is None) != (config.server_key_file is None):
        raise ConfigurationError("server_certificate_file, server_key_file: give both or neither")
    if not config.public_names:
        raise ConfigurationError("public_names: at least one name or address that agents reach the collector by")
    return config


def default_folder(environment: Mapping[str, str]) -> Path:
    """The service's folder for root, a user's own (XDG) otherwise."""
    if os.geteuid() == 0:
        return SYSTEM_FOLDER
    home = environment.get("XDG_DATA_HOME") or str(Path(environment.get("HOME", "/")) / ".local/share")
    return Path(home) / "caseprobe-collector"


def _read(path: Path | None, environment: Mapping[str, str]) -> tuple[Path, str]:
    chosen = path or (Path(environment[FILE_VARIABLE]) if environment.get(FILE_VARIABLE) else None)
    file = chosen or SYSTEM_FILE
    if chosen is None and not file.exists():
        return file, ""
    try:
        return file, file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _from_file(file: Path, text: str) -> dict[str, Any]:
    try:
        # A line end more, so that an error in the last line has a line number too.
        return tomllib.loads(text + "\n")
    except tomllib.TOMLDecodeError as error:
        what = str(error).replace("at end of document", f"at the end, line {len(text.splitlines())}")
        raise ConfigurationError(f"{file}: not TOML: {what}") from None


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found = {name.removeprefix(PREFIX).lower(): text for name, text in environment.items() if name.startswith(PREFIX)}
    found.pop("config", None)
    return found


def _place(file: Path, text: str, key: str) -> str:
    numbers = (number for number, line in enumerate(text.splitlines(), 1) if line.split("=")[0].strip(" \"'[]") == key)
    return f"{file} line {next(numbers, '?')}"


def _set(values: dict[str, Any], origins: dict[str, str], key: str, value: object, place: str) -> None:
    """Enter a value in the setting's own type; raises ConfigurationError that names place and key."""
    if key not in KINDS:
        raise ConfigurationError(f"{place}: {key[:60]!r} is no setting; there are {', '.join(KINDS)}")
    try:
        values[key], origins[key] = KINDS[key](value), place
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{place}: {key}: {error}") from None


def _port(value: object) -> int:
    if isinstance(value, bool) or not str(value).isascii() or not str(value).isdigit() or int(str(value)) > 65535:
        raise ValueError(f"{value!r} is not a port, which is a number from 0 to 65535")
    return int(str(value))


def _machines(value: object) -> int:
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= MOST_MACHINES:
        raise ValueError(f"{value!r} is not a number of machines, which is 1 to {MOST_MACHINES}")
    return int(text)


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if value not in ("true", "false"):
        raise ValueError(f"{value!r} is neither true nor false")
    return value == "true"


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError(f"{value!r} is not a text")
    return value.strip()


def _path(value: object) -> Path:
    path = value if isinstance(value, Path) else Path(_text(value))
    return path.expanduser().absolute()


def _names(value: object) -> tuple[str, ...]:
    """A list of names, or one text with commas, as a variable has it."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise ValueError(f"{value!r} is not a list of names")
    return tuple(_text(part) for part in parts)


KINDS: Mapping[str, Callable[[object], object]] = {
    "data_folder": _path,
    "public_names": _names,
    "link_host": _text,
    "link_port": _port,
    "https_host": _text,
    "https_port": _port,
    "metrics_port": _port,
    "server_certificate_file": _path,
    "server_key_file": _path,
    "console_http_port": _port,
    "public_link_port": _port,
    "public_https_port": _port,
    "collector_name": _text,
    "most_machines": _machines,
    "encrypt_bundles": _switch,
}
