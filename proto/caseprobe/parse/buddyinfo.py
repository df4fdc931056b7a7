"""/proc/buddyinfo: free memory by the size of its blocks."""

from __future__ import annotations

# Node 0, zone   Normal    123     45     12      9      3      1      0      0      0      0      2
FIRST_ORDER = 4  # below 16 pages (64 KiB) nothing waits for a block
SMALL_ZONES = ("DMA", "DMA32")


def parse_large_free_blocks(text: str) -> int:
    """Free blocks of at least 16 pages in the zones that programs use; the small zones only where there is no other.

    Raises ValueError where the text names no zone.

    >>> parse_large_free_blocks("Node 0, zone   Normal    9 9 9 9 2 1 0 0 0 0 0")
    3
    """
    zones: dict[str, int] = {}
    for line in text.splitlines():
        words = line.replace(",", " ").split()
        if len(words) > 4 and words[0] == "Node" and words[2] == "zone":
            counts = [int(word) for word in words[4:] if word.isdecimal()]
            zones[words[3]] = zones.get(words[3], 0) + sum(counts[FIRST_ORDER:])
    if not zones:
        raise ValueError("the text names no zone of memory")
    large = [count for name, count in zones.items() if name not in SMALL_ZONES]
    return sum(large or zones.values())
