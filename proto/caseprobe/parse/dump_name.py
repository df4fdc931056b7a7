"""Names of core files, which tell the program and the time of its crash."""

from __future__ import annotations

import re
from dataclasses import dataclass

# systemd-coredump:  core.nginx.33.5e1c….4711.1700000000000000.zst
# apport:            _usr_bin_foo.1000.crash
# kernel's own:      core, core.4711, core-nginx-4711
SYSTEMD = re.compile(r"core\.(?P<name>.+)\.\d+\.[0-9a-f]{32}\.\d+\.(?P<micros>\d{10,17})(?:\.(?:zst|lz4|xz))?")
APPORT = re.compile(r"(?P<path>_[^.]*(?:\.[^.]+)*?)\.\d+\.crash")
# Written by systemd-coredump in microseconds since 243, in seconds before.
MICROSECONDS_FROM = 10**14


@dataclass(frozen=True)
class DumpName:
    """The program, and seconds since 1970 where the name tells them."""

    program: str
    at_seconds: float | None


def parse_dump_name(name: str) -> DumpName | None:
    """None for what is no core file by its name.

    >>> parse_dump_name("_usr_bin_foo.1000.crash").program
    'foo'
    >>> parse_dump_name("core.x y.0." + "a" * 32 + ".7.1700000000000000.zst").at_seconds
    1700000000.0
    """
    if (match := SYSTEMD.fullmatch(name)) is not None:
        told = int(match["micros"])
        program = (
            match["name"].encode().decode("unicode_escape", "replace") if "\\x" in match["name"] else match["name"]
        )
        return DumpName(program, told / 1e6 if told >= MICROSECONDS_FROM else float(told))
    if (match := APPORT.fullmatch(name)) is not None:
        return DumpName(match["path"].rpartition("_")[2], None)
    return None
