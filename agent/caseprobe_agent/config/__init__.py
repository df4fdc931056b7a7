"""The agent's settings: TOML files, then environment, then flags; each knows where it came from."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from caseprobe.errors import ConfigurationError, UsageError
from caseprobe.overrides import NONE, Overrides
from caseprobe_agent.config.checks import read_overrides
from caseprobe_agent.config.document import Document, Value, read
from caseprobe_agent.config.rules import read_rules
from caseprobe_agent.consent.policy import ALLOW, SHIPPED, Policy, Rule, kinds
from caseprobe_agent.folders import SYSTEM_FOLDER, folders
from caseprobe_agent.proxies import read_proxy

LANGUAGES = ("en", "zh_Hans", "ru")
# What a further file does not state does not tighten.
UNLIMITED = {kind: Rule(ALLOW) for kind in kinds().values()}


@dataclass(frozen=True)
class Key:
    """One setting: its name in TOML (CASEPROBE_ and upper case in the environment), its default and its reader.

    read raises ValueError with what it must be.
    """

    name: str
    default: str | float
    read: Callable[[Value], str | float]


# The origin of a setting that nobody made.
DEFAULT = "default"


@dataclass(frozen=True)
class Settings:
    """What the agent goes by. origins says of each setting where it came from, for `caseprobe status`."""

    config_folder: Path
    state_folder: Path
    label: str
    language: str
    log_level: str
    ask_timeout_seconds: float
    spool_quota_bytes: int
    spool_keep_seconds: float
    history_bytes: int
    proxy: str
    # Files of networks, in which the hops of paths are looked up.
    networks: tuple[Path, ...]
    policy: Policy
    origins: Mapping[str, str]
    policy_files: tuple[Path, ...] = ()
    overrides: Overrides = NONE
    # Where files beside agent.toml are read; the later one holds.
    folders: tuple[Path, ...] = ()

    @property
    def socket_path(self) -> Path:
        """Where the resident agent listens for its owner."""
        return self.state_folder / "agent.sock"


def load(environ: Mapping[str, str], flags: Mapping[str, str], system: Path = SYSTEM_FOLDER) -> Settings:
    """The settings in effect for this user and call.

    flags: by setting name, only those that were given. A folder named by CASEPROBE_CONFIG_FOLDER is the only one read;
    otherwise the system's policy binds a user's own as well. Raises ConfigurationError.
    """
    config_folder, state_folder, own = folders(environ, flags, system)
    document = read(config_folder / "agent.toml")
    values, origins = _values(document, environ, flags)
    policy, files = _policy(document, config_folder, own, system)
    switch = str(values["network_probes"])
    return Settings(
        config_folder,
        state_folder,
        str(values["label"]) or platform.node() or "unnamed",
        str(values["language"]),
        str(values["log_level"]),
        float(values["ask_timeout_seconds"]),
        int(values["spool_quota_bytes"]),
        float(values["spool_keep_seconds"]),
        int(values["history_bytes"]),
        str(values["proxy"]),
        tuple(Path(one) for one in str(values["networks"]).split(os.pathsep) if one),
        replace(policy, network_probes=policy.network_probes and switch == "on"),
        {**origins, **{name: _origin(name, environ, flags, own) for name in ("config_folder", "state_folder")}},
        tuple(files),
        _overrides(document, own, system),
        (system, config_folder) if own == "user" else (config_folder,),
    )


def _policy(document: Document | None, folder: Path, own: str, system: Path) -> tuple[Policy, list[Path]]:
    """The shipped policy with the owner's in its place, then every further file, the stricter winning."""
    policy, files = SHIPPED, []
    if document:
        policy = policy.with_rules(read_rules(document, SHIPPED.rules))
        files.append(document.path)
    further = [*_drop_ins(folder), *([system / "agent.toml", *_drop_ins(system)] if own == "user" else [])]
    for path in further:
        more = read(path)
        if more:
            policy = policy.tightened(read_rules(more, UNLIMITED), _stated(more) == "on")
            files.append(path)
    return policy, files


def _overrides(document: Document | None, own: str, system: Path) -> Overrides:
    """What the system's file states about checks, then the owner's: the later statement holds."""
    of_system = read(system / "agent.toml") if own == "user" else None
    return tuple(one for each in (of_system, document) if each for one in read_overrides(each))


def _drop_ins(folder: Path) -> list[Path]:
    """The files of policy.d in name order; a folder that cannot be listed is an error, since it may be stricter."""
    try:
        return sorted(path for path in (folder / "policy.d").iterdir() if path.suffix == ".toml")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigurationError(f"{folder / 'policy.d'}: cannot be listed: {error.strerror}") from error


def _values(
    document: Document | None, environ: Mapping[str, str], flags: Mapping[str, str]
) -> tuple[dict[str, str | float], dict[str, str]]:
    """Every setting's value, and where it came from."""
    if document:
        _refuse_unknown(document, (key.name for key in KEYS))
    values: dict[str, str | float] = {}
    origins: dict[str, str] = {}
    for key in KEYS:
        values[key.name], origins[key.name] = _value(key, document, environ, flags)
    if "off" in (_stated(document), environ.get("CASEPROBE_NETWORK_PROBES", "").lower()):
        values["network_probes"] = "off"
    return values, origins


def _stated(document: Document | None) -> str:
    """What a file says about network probes: off in any place is off."""
    if document is None:
        return "on"
    value = document.values.get("network_probes", "on")
    try:
        return _on_or_off(value)
    except ValueError as error:
        document.refuse("network_probes", f"{error}, not {value!r}")


def _value(
    key: Key, document: Document | None, environ: Mapping[str, str], flags: Mapping[str, str]
) -> tuple[str | float, str]:
    """One setting: the flag, else the environment, else the file, else the default."""
    variable = f"CASEPROBE_{key.name.upper()}"
    for given, origin in ((flags.get(key.name), f"flag --{key.name}"), (environ.get(variable), variable)):
        if given:
            try:
                return key.read(given), origin
            except ValueError as error:
                raise ConfigurationError(f"{origin}: {error}, not {given!r}") from error
    if document and key.name in document.values:
        try:
            return key.read(document.values[key.name]), f"{document.path}, line {document.line(key.name)}"
        except ValueError as error:
            document.refuse(key.name, f"{error}, not {document.values[key.name]!r}")
    return key.default, DEFAULT


def _origin(name: str, environ: Mapping[str, str], flags: Mapping[str, str], own: str) -> str:
    """Where a folder's name came from; own says whose default it is."""
    variable = f"CASEPROBE_{name.upper()}"
    default = "default of a service" if own == "service" else DEFAULT
    return f"flag --{name}" if flags.get(name) else variable if environ.get(variable) else default


def _refuse_unknown(document: Document, known: Iterable[str]) -> None:
    """A key that nobody reads is a typo, and the owner believes that it holds."""
    names = {*known, "checks", "policy"}
    for name in document.values:
        if name not in names:
            document.refuse(name, f"unknown setting; known are: {', '.join(sorted(names))}")


def _text(value: Value) -> str:
    """Any text."""
    if not isinstance(value, str):
        raise ValueError("must be text")
    return value


def _one_of(*choices: str) -> Callable[[Value], str]:
    """A reader that takes one of the choices."""

    def read_choice(value: Value) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return str(value)

    return read_choice


def _on_or_off(value: Value) -> str:
    """on or off, also as TOML's true and false."""
    known = {"on": "on", "off": "off", "true": "on", "false": "off", "1": "on", "0": "off"}
    if str(value).lower() not in known:
        raise ValueError("must be on or off")
    return known[str(value).lower()]


def _number(least: float, most: float = math.inf) -> Callable[[Value], float]:
    """A reader of a number within these bounds."""
    bounds = f"of at least {least:.0f}" if math.isinf(most) else f"from {least:.0f} to {most:.0f}"

    def read_number(value: Value) -> float:
        try:
            number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else -1.0
        except ValueError:
            number = -1.0
        if not least <= number <= most or math.isinf(number):
            raise ValueError(f"must be a number {bounds}")
        return number

    return read_number


def _number_or_none(least: float, most: float) -> Callable[[Value], float]:
    """A reader of a number within these bounds, or of 0."""
    within = _number(least, most)

    def read_number(value: Value) -> float:
        return 0.0 if str(value) in ("0", "0.0") else within(value)

    return read_number


def _proxy(value: Value) -> str:
    """An address of a proxy, or that there is none."""
    text = _text(value)
    if text != "none":
        try:
            read_proxy(text, "proxy")
        except UsageError as error:
            raise ValueError("must be http://HOST:PORT, socks5://HOST:PORT or none") from error
    return text


def _files(value: Value) -> str:
    """Absolute paths of files, as a list or as in PATH; whether they can be read shows when they are."""
    names = value if isinstance(value, list) else _text(value).split(os.pathsep)
    if not all(isinstance(one, str) and (not one or Path(one).is_absolute()) for one in names):
        raise ValueError("must be absolute paths of files")
    return os.pathsep.join(map(str, names))


DAY_SECONDS = 24 * 3600.0
KEYS: tuple[Key, ...] = (
    Key("label", "", _text),
    Key("language", "en", _one_of(*LANGUAGES)),
    Key("log_level", "warning", _one_of("debug", "info", "warning", "error")),
    Key("network_probes", "on", _on_or_off),
    Key("ask_timeout_seconds", 600.0, _number(1)),
    # Less than a large snapshot would refuse everything; more than this no disk queue should hold in one file.
    Key("spool_quota_bytes", float(256 << 20), _number(1 << 20, 1 << 36)),
    # Less would throw away what a weekend without a network leaves.
    Key("spool_keep_seconds", 30 * DAY_SECONDS, _number(DAY_SECONDS, 366 * DAY_SECONDS)),
    # "http://USER:PASSWORD@HOST:PORT" (or socks5://), or "none"; without it the environment's https_proxy, all_proxy
    # and no_proxy count.
    Key("proxy", "", _proxy),
    Key("networks", "", _files),
    # 16 MiB hold 45 hours of samples ten seconds apart; 0 keeps none.
    Key("history_bytes", float(16 << 20), _number_or_none(1 << 20, 64 << 20)),
)
