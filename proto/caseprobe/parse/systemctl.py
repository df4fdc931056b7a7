"""`systemctl show` and `systemctl status`: systemd's units as it tells them to programs, and their last lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from caseprobe.v1 import section_host_pb2

# Id=nginx.service
# ActiveState=failed
# SubState=failed
# Result=exit-code
# NRestarts=0
# ExecMainStatus=1
# StateChangeTimestampMonotonic=81723400          (an empty line ends a unit)
PROPERTIES = (
    "Id",
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "NRestarts",
    "ExecMainStatus",
    "StateChangeTimestampMonotonic",
    "UnitFileState",
)
KINDS = (".service", ".mount", ".socket", ".timer", ".automount", ".swap")
# × nginx.service - A web server            (a dot, a cross or a circle, "*" and "x" in the C locale; then the name)
STATUS_HEAD = re.compile(r"(?:[^\s\w]|x) (\S+\.(?:service|mount|socket|timer|automount|swap))(?: - .*)?$")
LINES_AT_MOST = 20
# What systemctl itself says among the lines.
NO_LINES = ("-- ", "Notice: ", "Hint: ", "Warning: ")
MICROSECONDS_AT_MOST = 10**16  # three centuries


def parse_units(text: str, at_most: int, booted_seconds: float = 0.0) -> list[section_host_pb2.Unit]:
    """Units that are loaded or broken, those in trouble first; what is no unit is passed over.

    booted_seconds: the wall clock's reading at the moment that systemd counts from.

    >>> parse_units("Id=a.service\\nLoadState=loaded\\nActiveState=failed\\nNRestarts=3\\n", 9)[0].restarts_total
    3
    """
    units = [unit for block in _blocks(text) if (unit := _unit(block, booted_seconds)) is not None]
    units.sort(key=lambda unit: (unit.state != "failed", unit.sub_state != "auto-restart", unit.name))
    return units[:at_most]


def _blocks(text: str) -> Iterator[Mapping[str, str]]:
    for block in re.split(r"\n\s*\n", text):
        pairs = (line.partition("=") for line in block.splitlines())
        yield {name: value.strip() for name, equals, value in pairs if equals}


def _unit(block: Mapping[str, str], booted_seconds: float) -> section_host_pb2.Unit | None:
    name = block.get("Id", "")
    if not name.endswith(KINDS) or block.get("LoadState") not in ("loaded", "error", "bad-setting"):
        return None
    unit = section_host_pb2.Unit(
        name=name,
        state=block.get("ActiveState", ""),
        sub_state=block.get("SubState", ""),
        result=block.get("Result", ""),
        exit_status=_number(block.get("ExecMainStatus", "")),
        restarts_total=_number(block.get("NRestarts", "")),
        enabled=block.get("UnitFileState", ""),
    )
    changed = block.get("StateChangeTimestampMonotonic", "")
    if changed.isdecimal() and 0 < int(changed) < MICROSECONDS_AT_MOST:
        unit.changed_at.FromMicroseconds(round(booted_seconds * 1e6) + int(changed))
    return unit


def _number(text: str) -> int:
    return min(int(text), 0x7FFFFFFF) if text.isdecimal() else 0


def parse_last_lines(text: str) -> dict[str, list[str]]:
    """What `systemctl status --lines=20` shows of each unit's log: the lines after the first empty one of its block.

    >>> parse_last_lines("× a.service - A\\n     Loaded: x\\n\\n12:00 a[1]: boom\\n\\n● b.service\\n     Active: y\\n")
    {'a.service': ['12:00 a[1]: boom']}
    """
    found: dict[str, list[str]] = {}
    name, logged = "", False
    for line in text.splitlines():
        if (head := STATUS_HEAD.match(line)) is not None:
            name, logged = head[1], False
        elif not line.strip():
            logged = True
        elif logged and name and not line.startswith(NO_LINES):
            found.setdefault(name, []).append(line)
    return {unit: lines[-LINES_AT_MOST:] for unit, lines in found.items()}
