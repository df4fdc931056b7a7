"""bundle.toml beside agent.toml: an operator's own profiles of a bundle, and probes of their own site."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath

from caseprobe_agent.config.document import Document, Value, read

FILE = "bundle.toml"
# The product's own, smallest first; an operator's profile begins with one of them.
PROFILES = ("quick", "standard", "full")
PARSERS = ("lines", "key_value", "json")
# In the order of PrivacyClass, which begins at 1.
CLASSES = ("public", "asset", "internal", "secret")
NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
SHELLS = frozenset(("sh", "bash", "dash", "ash", "zsh", "ksh", "csh", "tcsh", "fish", "busybox", "env", "sudo", "su"))
LONGEST_SECONDS, LARGEST_BYTES, WORDS_AT_MOST = 60.0, 1 << 20, 64
DEFAULT_SECONDS, DEFAULT_BYTES = 5.0, 64 << 10
PROFILE_KEYS = ("base", "include", "exclude")


@dataclass(frozen=True)
class OwnProfile:
    """A profile of the operator's: a known one with items or areas added and left out. where: of an error in it."""

    name: str
    base: str
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    where: str = ""


@dataclass(frozen=True)
class SiteProbe:
    """A file that is read or a command that is run for a bundle: fixed on this machine, never through a shell.

    profile: the smallest of the product's profiles that has it. limit_bytes: the newest part that is read.
    """

    name: str
    why: str
    parser: str
    file: str = ""
    command: tuple[str, ...] = ()
    area: str = "site"
    profile: str = "standard"
    timeout_seconds: float = DEFAULT_SECONDS
    limit_bytes: int = DEFAULT_BYTES
    privacy: str = "internal"


@dataclass(frozen=True)
class Bundles:
    """What operators state about bundles, by name."""

    profiles: Mapping[str, OwnProfile] = field(default_factory=dict)
    site_probes: Mapping[str, SiteProbe] = field(default_factory=dict)


NONE = Bundles()
SITE_KEYS = tuple(name for name in asdict(SiteProbe("", "", "")) if name != "name")


def load_bundles(folders: Iterable[Path]) -> Bundles:
    """What the files in these folders state; the later statement of a name holds.

    Raises ConfigurationError with file, line and key.
    """
    profiles: dict[str, OwnProfile] = {}
    probes: dict[str, SiteProbe] = {}
    for folder in folders:
        if (document := read(folder / FILE)) is None:
            continue
        for name in document.values:
            if name not in ("profiles", "site_probes"):
                document.refuse(name, "unknown; known are: profiles, site_probes")
        profiles |= {name: _profile(document, name, table) for name, table in _tables(document, "profiles")}
        probes |= {name: _site_probe(document, name, table) for name, table in _tables(document, "site_probes")}
    return Bundles(profiles, probes)


def _tables(document: Document, key: str) -> list[tuple[str, dict[str, Value]]]:
    """The tables of one kind by name."""
    found = document.table(key, document.values.get(key, {}))
    for name in found:
        if not NAME.fullmatch(name) or name in PROFILES:
            document.refuse(f"{key}.{name}", "must be a name of its own: a-z, 0-9 and _, at most 32, a letter first")
    return [(name, document.table(f"{key}.{name}", table)) for name, table in found.items()]


def _profile(document: Document, name: str, table: dict[str, Value]) -> OwnProfile:
    key = f"profiles.{name}"
    _refuse_unknown(document, key, table, PROFILE_KEYS)
    base = _one_of(document, f"{key}.base", table.get("base", "standard"), PROFILES)
    include, exclude = (_texts(document, f"{key}.{one}", table.get(one, [])) for one in ("include", "exclude"))
    return OwnProfile(name, base, include, exclude, f"{document.path}, line {document.line(key)}: {key}")


def _site_probe(document: Document, name: str, table: dict[str, Value]) -> SiteProbe:
    key = f"site_probes.{name}"
    _refuse_unknown(document, key, table, SITE_KEYS)
    file, command = _source(document, key, table)
    profile = _one_of(document, f"{key}.profile", table.get("profile", "standard"), PROFILES)
    if command and profile == "quick":
        document.refuse(f"{key}.profile", "must be standard or full: the quick profile starts no program")
    limit_bytes = _number(document, f"{key}.limit_bytes", table.get("limit_bytes", DEFAULT_BYTES), 1, LARGEST_BYTES)
    return SiteProbe(
        name,
        why=_text(document, f"{key}.why", table.get("why")),
        parser=_one_of(document, f"{key}.parser", table.get("parser", "lines"), PARSERS),
        file=file,
        command=command,
        area=_text(document, f"{key}.area", table.get("area", "site")),
        profile=profile,
        timeout_seconds=_number(
            document, f"{key}.timeout_seconds", table.get("timeout_seconds", DEFAULT_SECONDS), 0.1, LONGEST_SECONDS
        ),
        limit_bytes=int(limit_bytes),
        privacy=_one_of(document, f"{key}.privacy", table.get("privacy", "internal"), CLASSES),
    )


def _source(document: Document, key: str, table: dict[str, Value]) -> tuple[str, tuple[str, ...]]:
    """The file or the command; exactly one of them."""
    if ("file" in table) == ("command" in table):
        document.refuse(key, 'must name either file = "/…" or command = ["/…", …]')
    if "file" in table:
        file = _text(document, f"{key}.file", table["file"])
        return _absolute(document, f"{key}.file", file), ()
    command = _texts(document, f"{key}.command", table["command"])
    if not 0 < len(command) <= WORDS_AT_MOST:
        document.refuse(f"{key}.command", f"must be a program and its arguments, 1 to {WORDS_AT_MOST} texts")
    _absolute(document, f"{key}.command", command[0])
    if PurePosixPath(command[0]).name in SHELLS:
        document.refuse(f"{key}.command", f"{command[0]} runs other programs: name the program itself")
    return "", command


def _absolute(document: Document, key: str, path: str) -> str:
    if not path.startswith("/") or ".." in path.split("/") or "\0" in path:
        document.refuse(key, f"must be an absolute path without .., not {path!r}")
    return path


def _refuse_unknown(document: Document, key: str, table: dict[str, Value], known: tuple[str, ...]) -> None:
    for name in table:
        if name not in known:
            document.refuse(f"{key}.{name}", f"unknown; known are: {', '.join(known)}")


def _text(document: Document, key: str, value: Value) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > 1000:
        document.refuse(key, "must be a text of one line" if value is not None else "is missing: say it in a sentence")
    return " ".join(value.split())


def _texts(document: Document, key: str, value: Value) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one and "\0" not in one for one in value):
        document.refuse(key, 'must be a list of texts, for example ["smart", "logs"]')
    return tuple(str(one) for one in value)


def _one_of(document: Document, key: str, value: Value, choices: tuple[str, ...]) -> str:
    if value not in choices:
        document.refuse(key, f"must be one of {', '.join(choices)}, not {value!r}")
    return str(value)


def _number(document: Document, key: str, value: Value, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        document.refuse(key, f"must be a number from {least:g} to {most:g}, not {value!r}")
    return float(value)
