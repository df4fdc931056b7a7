"""/proc/swaps: where swap lies."""

from __future__ import annotations

# Filename                Type        Size        Used        Priority
# /dev/zram0              partition   8388604     0           100
IN_MEMORY = "/dev/zram"


def parse_swap_in_memory(text: str) -> int:
    """Bytes of swap that lie in memory itself, compressed.

    >>> parse_swap_in_memory("Filename Type Size Used Priority\\n/dev/zram0 partition 4 0 100\\n/swap file 9 0 -2")
    4096
    """
    rows = (line.split() for line in text.splitlines())
    return sum(
        int(row[2]) << 10 for row in rows if len(row) == 5 and row[0].startswith(IN_MEMORY) and row[2].isdecimal()
    )
