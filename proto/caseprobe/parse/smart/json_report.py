"""A report in JSON: of smartctl (--json), or a health log of nvme-cli (-o json)."""

from __future__ import annotations

import json

from caseprobe.parse.smart.json_ata import take_ata
from caseprobe.parse.smart.json_nvme import take_nvme, take_scsi
from caseprobe.parse.smart.reader import FAILED, READ, mark
from caseprobe.parse.smart.refusals import take_refusal_text
from caseprobe.parse.smart.tree import Tree
from caseprobe.v1 import section_smart_pb2 as smart

DEEPEST = 64
NAMES = (
    ("model_family", "family"),
    ("model_name", "model"),
    ("scsi_model_name", "model"),
    ("serial_number", "serial"),
    ("firmware_version", "firmware"),
    ("scsi_revision", "firmware"),
)


def parse_json(text: str, disk: smart.SmartDisk) -> bool:
    """Fill in what the document tells; False where it is not one of these tools'."""
    try:
        report = Tree(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise ValueError("this is no whole JSON document") from error
    if report.at("avail_spare").exists() or report.at("percent_used").exists():
        disk.tool = "nvme-cli"
        take_nvme(report, report, disk)
        return True
    if report.at("errors").exists() and any(row.at("error_count").exists() for row in report.at("errors").items()):
        disk.tool, disk.protocol, disk.kind = "nvme-cli", "nvme", "nvme"
        mark(disk, "error_log", READ)
        return True
    if not any(report.at(key).exists() for key in ("smartctl", "device", "smart_status")):
        return False
    _take_identity(report, disk)
    _take_messages(report, disk)
    _take_status(report, disk)
    if (log := report.at("nvme_smart_health_information_log")).exists():
        take_nvme(log, report, disk)
    elif report.at("device", "protocol").text() == "SCSI":
        take_scsi(report, disk)
    else:
        take_ata(report, disk)
    return True


def _take_identity(report: Tree, disk: smart.SmartDisk) -> None:
    for key, field in NAMES:
        if (text := report.at(key).text()) and not getattr(disk, field):
            setattr(disk, field, text)
    disk.protocol = {"ATA": "ata", "NVMe": "nvme", "SCSI": "scsi"}.get(report.at("device", "protocol").text(), "")
    disk.capacity_bytes = report.at("user_capacity", "bytes").number() or 0
    rotations = report.at("rotation_rate").number(99_999)
    if rotations is not None:
        disk.kind, disk.rotations_per_minute = ("hdd" if rotations else "ssd"), rotations
    version = report.at("smartctl", "version").value
    if isinstance(version, list):
        disk.tool = "smartctl " + ".".join(str(part) for part in version[:2] if isinstance(part, int))
    if (hours := report.at("power_on_time", "hours").number()) is not None:
        disk.power_on_hours = hours
        disk.power_on_hours_line.CopyFrom(report.at("power_on_time", "hours").line())
    if (cycles := report.at("power_cycle_count").number()) is not None:
        disk.power_cycles_total = cycles
    enabled = report.at("smart_support", "enabled")
    if (flag := enabled.flag()) is not None:
        disk.smart_enabled = flag
        disk.smart_enabled_line.CopyFrom(enabled.line())


def _take_messages(report: Tree, disk: smart.SmartDisk) -> None:
    """What smartctl complains of: parts that it could not read, and what the drive does not have."""
    for message in report.at("smartctl", "messages").items():
        take_refusal_text(message.at("string").text(400), disk)


def _take_status(report: Tree, disk: smart.SmartDisk) -> None:
    passed = report.at("smart_status", "passed")
    if (flag := passed.flag()) is not None:
        disk.passed = flag
        disk.passed_line.CopyFrom(passed.line())
        mark(disk, "status", READ)
    elif report.at("smart_status").exists():
        mark(disk, "status", FAILED, "the drive gave no overall status")
