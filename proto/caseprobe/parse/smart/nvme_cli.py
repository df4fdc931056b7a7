"""nvme smart-log as text, 1.x and 2.x: "name : value", one a line, below a heading that names the device."""

from __future__ import annotations

from caseprobe.parse.smart.health import conclude_health
from caseprobe.parse.smart.reader import READ, Reader, first_number, mark, tell
from caseprobe.v1 import section_smart_pb2 as smart

# Smart Log for NVME device:nvme0 namespace-id:ffffffff
# critical_warning                        : 0
# temperature                             : 36 °C (309 K)
# available_spare                         : 100%
# Error Log Entries for device:nvme0n1 entries:63
HEADING, ERRORS_HEADING = "Smart Log for NVME device", "Error Log Entries for device"
NAMES = {
    "critical_warning": ("critical_warning", 1.0),
    "temperature": ("temperature_celsius", 1.0),
    "available_spare": ("spare_ratio", 0.01),
    "available_spare_threshold": ("spare_threshold_ratio", 0.01),
    "percentage_used": ("used_ratio", 0.01),
    "power_cycles": ("power_cycles_total", 1.0),
    "power_on_hours": ("power_on_hours", 1.0),
    "unsafe_shutdowns": ("unsafe_shutdowns_total", 1.0),
    "media_errors": ("media_errors_total", 1.0),
    "num_err_log_entries": ("error_entries_total", 1.0),
    "warning_temperature_time": ("warning_temperature_seconds", 60.0),
    "critical_composite_temperature_time": ("critical_temperature_seconds", 60.0),
}


def take_nvme_cli(reader: Reader, _heading: str, disk: smart.SmartDisk) -> None:
    """All lines below the heading."""
    disk.tool, disk.protocol, disk.kind = "nvme-cli", "nvme", "nvme"
    while reader.more() and not reader.peek().startswith(ERRORS_HEADING):
        name, colon, text = reader.next().partition(":")
        known = NAMES.get(name.strip().lower().replace(" ", "_")) if colon else None
        if known is None:
            continue
        if (number := first_number(text.strip().partition("%")[0].partition("°")[0])) is not None:
            tell(disk, known[0], round(number * known[1], 6), reader.line())
    conclude_health(disk, True)


def take_nvme_cli_errors(reader: Reader, _heading: str, disk: smart.SmartDisk) -> None:
    """The error log: most entries are refused commands, so only their number is of use."""
    disk.tool, disk.protocol, disk.kind = "nvme-cli", "nvme", "nvme"
    while reader.more():
        reader.next()
    mark(disk, "error_log", READ)
