"""/proc/spl/kstat/zfs/arcstats: how much memory the cache of ZFS would give back."""

from __future__ import annotations

# 13 1 0x01 147 39984 14013214018 9431237811013
# name                            type data
# c_min                           4    1039478784
# size                            4    8254742904


def parse_zfs_cache(text: str) -> int:
    """Bytes that the cache holds above its lowest size; the kernel calls none of it available, as it does of its own.

    Raises ValueError where the file tells no size.

    >>> parse_zfs_cache("c_min 4 100\\nsize 4 250")
    150
    """
    rows = (line.split() for line in text.splitlines())
    found = {row[0]: int(row[2]) for row in rows if len(row) == 3 and row[2].isdecimal()}
    if "size" not in found:
        raise ValueError("the statistics of the ZFS cache tell no size")
    return max(0, found["size"] - found.get("c_min", 0))
