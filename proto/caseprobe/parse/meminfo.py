"""/proc/meminfo."""

from __future__ import annotations

from collections.abc import Mapping

from caseprobe.v1 import section_pb2

# MemTotal:       49368180 kB
# MemFree:        46843868 kB
# MemAvailable:   48331076 kB
# HugePages_Total:       0
FIELDS: Mapping[str, str] = {
    "MemTotal": "total_bytes",
    "MemAvailable": "available_bytes",
    "MemFree": "free_bytes",
    "Buffers": "buffers_bytes",
    "Cached": "cached_bytes",
    "SwapTotal": "swap_total_bytes",
    "SwapFree": "swap_free_bytes",
    "Dirty": "dirty_bytes",
    "Slab": "slab_bytes",
    "Committed_AS": "committed_bytes",
    "CommitLimit": "commit_limit_bytes",
    "HardwareCorrupted": "hardware_corrupted_bytes",
}


def parse_meminfo(text: str) -> section_pb2.MemoryFacts:
    """The amounts, in bytes; what the kernel does not tell stays unset.

    Kernels before 3.14 have no MemAvailable; free, buffers and cached memory stand in for it, as free(1) did.
    Raises ValueError where no MemTotal is told.

    >>> parse_meminfo("MemTotal: 2048 kB\\nMemFree: 512 kB").available_bytes
    524288
    """
    facts = section_pb2.MemoryFacts()
    seen = set()
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        amount = rest.split()
        if name in FIELDS and amount and amount[0].isdecimal():
            setattr(facts, FIELDS[name], int(amount[0]) * (1024 if amount[1:] == ["kB"] else 1))
            seen.add(name)
    if "MemTotal" not in seen:
        raise ValueError("/proc/meminfo tells no MemTotal")
    if "MemAvailable" not in seen:
        facts.available_bytes = facts.free_bytes + facts.buffers_bytes + facts.cached_bytes
    return facts
