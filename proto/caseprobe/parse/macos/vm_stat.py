"""vm_stat: what is left of the memory."""

from __future__ import annotations

import re

from caseprobe.v1 import section_pb2

# Mach Virtual Memory Statistics: (page size of 16384 bytes)
# Pages free:                               19455.
PAGE = re.compile(r"page size of (\d{3,6}) bytes")
LINE = re.compile(r"^Pages ([a-z ]{3,40}):\s+(\d{1,15})\.\s*$", re.MULTILINE)
# What programs get without anything being written out: vm_stat counts speculative pages apart from the free ones.
LEFT = ("free", "speculative", "inactive")


def parse_vm_stat(text: str, total_bytes: int) -> section_pb2.MemoryFacts:
    """Memory in all and available; ValueError where the page size or one of the counts is missing."""
    page, counts = PAGE.search(text), {match[1]: int(match[2]) for match in LINE.finditer(text)}
    if page is None or not set(LEFT) <= set(counts):
        raise ValueError("the page size or the counts of pages are missing")
    size = int(page[1])
    available = min(sum(counts[name] for name in LEFT) * size, total_bytes)
    return section_pb2.MemoryFacts(
        total_bytes=total_bytes, available_bytes=available, free_bytes=min(counts["free"] * size, total_bytes)
    )
