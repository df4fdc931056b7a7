"""/proc/meminfo."""

from __future__ import annotations

from collections.abc import Mapping

from caseprobe.v1 import section_pb2

# MemTotal:       49368180 kB
# MemFree:        46843868 kB
# MemAvailable:   48331076 kB
# HugePages_Total:       0
# Hugepagesize:       2048 kB
# Hugetlb:               0 kB
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
    "Hugetlb": "huge_pages_bytes",
}
# Before Linux 4.20, which has Hugetlb for huge pages of all sizes together.
HUGE_PAGES, HUGE_PAGE = "HugePages_Total", "Hugepagesize"


def parse_meminfo(text: str) -> section_pb2.MemoryFacts:
    """The amounts, in bytes; what the kernel does not tell stays unset.

    Kernels before 3.14 have no MemAvailable; free, buffers and cached memory stand in for it, as free(1) did.
    Raises ValueError where no MemTotal is told.

    >>> parse_meminfo("MemTotal: 2048 kB\\nMemFree: 512 kB").available_bytes
    524288
    """
    facts, told = section_pb2.MemoryFacts(), _amounts(text)
    for name, field in FIELDS.items():
        if name in told:
            setattr(facts, field, told[name])
    if "MemTotal" not in told:
        raise ValueError("/proc/meminfo tells no MemTotal")
    if "MemAvailable" not in told:
        facts.available_bytes = facts.free_bytes + facts.buffers_bytes + facts.cached_bytes
    if "Hugetlb" not in told:
        facts.huge_pages_bytes = told.get(HUGE_PAGES, 0) * told.get(HUGE_PAGE, 0)
    return facts


def _amounts(text: str) -> Mapping[str, int]:
    """Every amount by its name, in bytes or as a plain number."""
    rows = ((name, rest.split()) for name, _, rest in (line.partition(":") for line in text.splitlines()))
    return {
        name: int(amount[0]) * (1024 if amount[1:] == ["kB"] else 1)
        for name, amount in rows
        if amount and amount[0].isdecimal()
    }
