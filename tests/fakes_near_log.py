"""Near misses of logs: lines that look like a fault, or like something new, and are neither."""

from __future__ import annotations

from datetime import UTC, datetime

from caseprobe.parse.logs.facts import facts_of
from caseprobe.parse.logs.text import LogText, syslog_parser
from caseprobe.v1 import section_pb2 as pb
from tests.fakes_sections import section

DAY_SECONDS = 86_400.0
NOW = datetime(2026, 11, 22, tzinfo=UTC)
HOURLY = [f"<11>2026-11-20T0{hour}:00:00Z db7 app[9]: cannot reach node {hour}" for hour in range(8)]
QUOTED = "<11>2026-11-20T08:00:00Z db7 chat[9]: he wrote: EXT4-fs error (device sda1): ext4_lookup:1: deleted inode"


def _log(lines: list[str]) -> pb.Section:
    text = "".join(f"{line}\n" for line in lines)
    return section("system_log", system_log=facts_of(LogText(text, syslog_parser(NOW, 0))))


# Check, section, those before it, and the time between them.
NEAR_LOG: dict[str, tuple[str, pb.Section, tuple[pb.Section, ...], float]] = {
    "a program that quotes the kernel": ("log.system", _log([QUOTED]), (), DAY_SECONDS),
    "an error of every hour with another number": (
        "log.anomaly",
        _log([line.replace("node", "node 4") for line in HOURLY]),
        (_log([line.replace("node", "node 3") for line in HOURLY]),),
        2 * DAY_SECONDS,
    ),
}
