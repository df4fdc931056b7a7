"""lvs --noheadings --nosuffix --units b --separator | : logical volumes of LVM, of which thin pools are wanted."""

from __future__ import annotations

from caseprobe.v1 import section_storage_pb2

# -o vg_name,lv_name,lv_attr,lv_size,data_percent,metadata_percent
#   vg0|pool0|twi-aotz--|107374182400|91.20|44.10
#   vg0|root|-wi-ao----|21474836480||
FIELDS = 6


def parse_thin_pools(text: str) -> list[section_storage_pb2.ThinPool]:
    """The thin pools, whose attributes begin with "t"; raises ValueError where a line is no volume.

    >>> parse_thin_pools("  vg0|pool0|twi-aotz--|1000|91.20|44.10\\n")[0].data_ratio
    0.912
    """
    rows = [line.strip().split("|") for line in text.splitlines() if line.strip()]
    if any(len(row) != FIELDS for row in rows):
        raise ValueError("lvs printed something that is no list of volumes")
    return [_pool(row) for row in rows if row[2].startswith("t")]


def _pool(row: list[str]) -> section_storage_pb2.ThinPool:
    group, name, _, size, data, metadata = row
    return section_storage_pb2.ThinPool(
        name=f"{group}/{name}",
        size_bytes=min(int(size), 2**64 - 1) if size.isdecimal() else 0,
        data_ratio=_ratio(data),
        metadata_ratio=_ratio(metadata),
    )


def _ratio(text: str) -> float:
    """A pool that is not active tells no shares, which is not the same as none used."""
    if not text:
        raise ValueError("lvs tells no share in use: the pool is not active")
    return round(float(text) / 100, 6)
