"""log show --style ndjson: the unified log of macOS, an object a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from caseprobe.parse.logs.entry import KERNEL, Entry

ENTRIES_AT_MOST = 50_000
TEXT_CHARACTERS = 4096
# "Fault" is a bug of the program that says so, by os_log(3) worse than an error.
LEVELS = {"Fault": 2, "Error": 3, "Default": 5, "Info": 6, "Debug": 7}
# What the kernel says; each form stands in the published sources of XNU, IOStorageFamily and IONetworkingFamily.
RULES: Sequence[tuple[str, re.Pattern[str]]] = (
    ("blk_io_error", re.compile(r"^(?P<object>disk\d+(?:s\d+)*): I/O error\.")),
    ("fs_error", re.compile(r"^(?:jnl: )?(?P<object>disk\d+(?:s\d+)*): .*\bdo_jnl_io: strategy err\b")),
    (
        "oom_kill",
        re.compile(r"^memorystatus: killing_\w+ pid \d+ \[(?P<object>[^\]]+)\] \((?:vm-(?:compressor|page)[\w-]*)\)"),
    ),
    ("link_down", re.compile(r"^Ethernet \[[^\]]+\]: Link down on (?P<object>\w+)")),
    ("oops", re.compile(r"^panic\(cpu \d+ caller 0x[0-9a-f]+\)")),
)
# 5 is a shutdown that was asked for; 0 is a loss of power, 3 a held power button, below 0 hardware (SMC).
CAUSE = re.compile(r"Previous shutdown cause: (-?\d{1,4})\b")
ORDERLY = 5


def parse_unified(text: str) -> tuple[list[Entry], int]:
    """Entries in the order of time, and how many lines were none; ValueError where no line is an entry.

    What `log` itself prints around them (a line on the filter before, a count at the end) is passed over.
    """
    found: list[Entry] = []
    other = 0
    for line in text.splitlines():
        if not line.strip() or line.startswith(("Filtering the log data", '{"count":')):
            continue
        if (entry := _entry(line)) is None:
            other += 1
        elif len(found) < ENTRIES_AT_MOST:
            found.append(entry)
    if not found:
        raise ValueError("no line of it is an entry of the unified log")
    return sorted(found, key=lambda entry: entry.at or 0.0), other


def _entry(line: str) -> Entry | None:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or not isinstance(told.get("eventMessage"), str):
        return None
    pid, path = told.get("processID"), told.get("processImagePath")
    program = path.rpartition("/")[2] if isinstance(path, str) else ""
    kernel = program == KERNEL and pid in (0, None)
    level = told.get("messageType")
    return Entry(
        told["eventMessage"][:TEXT_CHARACTERS],
        KERNEL if kernel else program.replace(" ", "_") or "unknown",
        at=_moment(told.get("timestamp")),
        level=LEVELS.get(level) if isinstance(level, str) else None,
        pid=pid if isinstance(pid, int) and not isinstance(pid, bool) and 0 < pid < 1 << 31 else None,
        kernel=kernel,
    )


def _moment(value: object) -> float | None:
    """2026-10-05 12:49:50.069609+0530"""
    try:
        return datetime.strptime(value if isinstance(value, str) else "", "%Y-%m-%d %H:%M:%S.%f%z").timestamp()
    except (ValueError, OverflowError):
        return None


def classify_mac(entry: Entry) -> tuple[str, str] | None:
    """Class and object of what the kernel says; None for all else.

    >>> classify_mac(Entry("disk2s1: I/O error.", "kernel", kernel=True))
    ('blk_io_error', 'disk2s1')
    """
    if entry.kernel:
        for fault_class, form in RULES:
            if (match := form.search(entry.text)) is not None:
                return fault_class, match.groupdict().get("object") or KERNEL
    return None


def shutdown_cause(entries: Iterable[Entry]) -> int | None:
    """What the newest start says of how the machine had gone down; None where it does not."""
    causes = [int(match[1]) for one in entries if one.kernel and (match := CAUSE.search(one.text))]
    return causes[-1] if causes else None
