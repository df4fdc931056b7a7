"""`systemctl show` and `systemctl status`: systemd's units as it tells them to programs, and their last lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from caseprobe.v1 import section_host_pb2

# Id=nginx.service
# ActiveState=failed
# SubState=failed
# Result=exit-code
# NRestarts=0
# ExecMainStatus=1
# StateChangeTimestamp=Sun 2026-11-22 04:30:00 UTC          (an empty line ends a unit)
PROPERTIES = (
    "Id",
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "NRestarts",
    "ExecMainStatus",
    "StateChangeTimestamp",
    "UnitFileState",
)
KINDS = (".service", ".mount", ".socket", ".timer", ".automount", ".swap")
TIMESTAMP = re.compile(r"\w{3} (\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}) UTC")
# × nginx.service - A web server            (a dot, a cross or a circle; then the name)
STATUS_HEAD = re.compile(r"[^\s\w]\s(\S+\.\w+)(?: - .*)?$")
LINES_AT_MOST = 20


def parse_units(text: str, at_most: int) -> list[section_host_pb2.Unit]:
    """Units that are loaded or broken, those in trouble first; what is no unit is passed over.

    >>> parse_units("Id=a.service\\nLoadState=loaded\\nActiveState=failed\\nNRestarts=3\\n", 9)[0].restarts_total
    3
    """
    units = [unit for block in _blocks(text) if (unit := _unit(block)) is not None]
    units.sort(key=lambda unit: (unit.state != "failed", unit.sub_state != "auto-restart", unit.name))
    return units[:at_most]


def _blocks(text: str) -> Iterator[Mapping[str, str]]:
    for block in re.split(r"\n\s*\n", text):
        pairs = (line.partition("=") for line in block.splitlines())
        yield {name: value.strip() for name, equals, value in pairs if equals}


def _unit(block: Mapping[str, str]) -> section_host_pb2.Unit | None:
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
    if (match := TIMESTAMP.fullmatch(block.get("StateChangeTimestamp", ""))) is not None:
        unit.changed_at.FromDatetime(datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC))
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
        elif logged and name:
            found.setdefault(name, []).append(line)
    return {unit: lines[-LINES_AT_MOST:] for unit, lines in found.items()}
