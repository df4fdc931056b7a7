"""What `dmidecode` prints: maker, board and firmware, under the names that the kernel has for them."""

from __future__ import annotations

from collections.abc import Mapping

# Handle 0x0001, DMI type 1, 27 bytes
# System Information
# 	Manufacturer: Dell Inc.
NAMES = {
    ("BIOS Information", "Vendor"): "bios_vendor",
    ("BIOS Information", "Version"): "bios_version",
    ("BIOS Information", "Release Date"): "bios_date",
    ("System Information", "Manufacturer"): "sys_vendor",
    ("System Information", "Product Name"): "product_name",
    ("System Information", "Serial Number"): "product_serial",
    ("System Information", "UUID"): "product_uuid",
    ("Base Board Information", "Manufacturer"): "board_vendor",
    ("Base Board Information", "Product Name"): "board_name",
}
LINES_AT_MOST = 20_000


def parse_dmidecode(text: str) -> Mapping[str, str]:
    """Values by the names of /sys/class/dmi/id; of several tables of a kind the first.

    >>> parse_dmidecode("System Information\\n\\tManufacturer: Dell Inc.\\n")
    {'sys_vendor': 'Dell Inc.'}
    """
    found: dict[str, str] = {}
    table = ""
    for line in text.splitlines()[:LINES_AT_MOST]:
        if line and not line[0].isspace():
            table = line
            continue
        name, _, value = line.strip().partition(": ")
        if (known := NAMES.get((table, name))) is not None and value:
            found.setdefault(known, value[:200])
    return found
