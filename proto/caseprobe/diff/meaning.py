"""What a field's change means, by its name: noise, a measured value, a counter, or a fact; and how much it matters."""

from __future__ import annotations

import re

from caseprobe.diff.change import APPEARED, CHANGED, GONE, GREW, Change, Value

# What is another one every time, or is measured over a moment.
NOISE = re.compile(
    r"top_.*|zombies|uninterruptible|pressure|faults|templates|last_lines|changes|counts|.*_per_second|.*sample.*|load\d+|"
    r".*_seconds|.*_seconds_total|frequency_hertz|(boot_)?[a-z]*(user|system|iowait|irq|softirq|steal|idle)_ratio|"
    r"queue_length|(running|threads|processes|tasks|open_files|uninterruptible|zombies)_total|tcp_(orphans|time_wait)|"
    r"inodes_.*|large_free_blocks_total|round_trip_.*|tcp_memory_pages|conntrack_entries|queries_total|answers_total|busiest_.*|mtu_bytes|reason|artifact"
)
# Of these the exact value is a fact although their ending says that they are measured or counted.
STEADY = re.compile(
    r"speed_bits_per_second|(.*_)?(total|size|limit|most|minimum|maximum)_bytes|(logical|physical|members|slaves|paths|"
    r"hardware_queues|packages|swap)_total(_bytes)?|.*_limit"
)
ERRORS = re.compile(
    r"(?i).*(error|fail|drop|overflow|retrans|corrupt|uncorrect|mismatch|throttle|oom|kill|realloc|pending|timeout|crc|"
    r"aer_|carrier_changes|restarts|squeezed|retries|missed|refused|media|damaged|offline_unc|reported).*"
)
SECTIONS = {
    "system": 60,
    "packages": 55,
    "services": 78,
    "disks": 85,
    "smart": 85,
    "volumes": 85,
    "filesystems": 80,
    "hardware": 72,
    "interfaces": 75,
    "routes": 74,
    "resolvers": 76,
    "settings": 62,
}
FIELDS = {
    "kernel_release": 98,
    "os_version": 90,
    "os_name": 90,
    "boot": 92,
    "read_only": 96,
    "state": 86,
    "speed_bits_per_second": 84,
    "duplex": 84,
    "serial": 88,
    "model": 88,
    "kernel_taint": 84,
    "bios_version": 82,
    "name_servers": 84,
    "outcome": 64,
    "addresses": 66,
    "options": 60,
    "agent_version": 30,
}
GAUGE_RATIO, GAUGE_CELSIUS, GAUGE_SHARE, GAUGE_BYTES = 0.10, 10.0, 0.25, 256 << 20


def changed(section: str, path: str, field: str, before: Value, after: Value) -> Change | None:
    """The change of one value, None where it is noise or too small to tell.

    >>> changed("disks", "sda", "busy_ratio", 0.1, 0.15) is None
    True
    >>> changed("interfaces", "eth0", "receive_errors_total", 0, 12).kind
    'grew'
    """
    if before == after:
        return None
    kind = CHANGED
    if not STEADY.fullmatch(field) and not isinstance(before, str | bool):
        if not isinstance(after, str) and field.endswith("_total"):
            kind = GREW if after > before else CHANGED
        elif not isinstance(after, str) and not _tells(field, float(before), float(after)):
            return None
    return ranked(Change(section, path, field, kind, before, after))


def _tells(field: str, before: float, after: float) -> bool:
    """Whether a measured value moved far enough to be worth a line."""
    moved = abs(after - before)
    if field.endswith("_ratio"):
        return moved >= GAUGE_RATIO
    if field.endswith("_celsius"):
        return moved >= GAUGE_CELSIUS
    if field.endswith("_bytes"):
        return moved >= GAUGE_BYTES and moved >= GAUGE_SHARE * max(abs(before), abs(after))
    return True


def ranked(change: Change) -> Change:
    """The same with its rank: what came, went or broke before what is merely different, figures last."""
    rank = SECTIONS.get(change.section, 50)
    if change.kind in (APPEARED, GONE):
        rank += 8 if change.kind == GONE else 4
    elif change.field.endswith("_total") and not STEADY.fullmatch(change.field):
        rank = _growth(change)
    elif change.field.endswith(("_ratio", "_celsius", "_bytes")) and not STEADY.fullmatch(change.field):
        rank = 35
    else:
        rank = FIELDS.get(change.field, rank - 10)
    return Change(change.section, change.object, change.field, change.kind, change.before, change.after, min(100, rank))


def _growth(change: Change) -> int:
    return 80 if change.kind == GREW and ERRORS.fullmatch(change.field) else 12
