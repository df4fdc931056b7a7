"""Where a disk hangs, from the link of its folder in /sys/block, in the names that kernel messages use."""

from __future__ import annotations

import re

# ../devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda
# ../devices/pci0000:00/0000:00:1d.0/0000:01:00.0/nvme/nvme0/nvme0n1
# ../devices/pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sdb
PART = re.compile(
    r"ata\d+|\d+:\d+:\d+:\d+|nvme\d+|host\d+|target\d+:\d+:\d+|mmc\d+|virtio\d+|[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]"
)
USB = re.compile(r"\d+-\d+(?:\.\d+)*")


def block_addresses(link: str) -> list[str]:
    """The controllers, ports and addresses between the disk and the bus, the nearest first.

    >>> block_addresses("../devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda")
    ['0:0:0:0', 'target0:0:0', 'host0', 'ata1', '0000:00:1f.2']
    """
    found = []
    for part in reversed(link.split("/")):
        if PART.fullmatch(part):
            found.append(part)
        elif USB.fullmatch(part):
            found.append(f"usb {part}")
    return found
