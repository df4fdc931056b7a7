"""A report as the JSON of smartctl 7.x would have told it, and the health log as nvme-cli tells it.

Written after smartctl's own keys (ataprint.cpp, nvmeprint.cpp, scsiprint.cpp of smartmontools) from what a text report
of the same drive says; so that both forms of one drive can be compared.
"""

from __future__ import annotations

import json
from typing import Any

from caseprobe.v1 import section_smart_pb2 as smart

NVME_KEYS = {
    "critical_warning": ("critical_warning", 1),
    "temperature_celsius": ("temperature", 1),
    "spare_ratio": ("available_spare", 100),
    "spare_threshold_ratio": ("available_spare_threshold", 100),
    "used_ratio": ("percentage_used", 100),
    "power_cycles_total": ("power_cycles", 1),
    "power_on_hours": ("power_on_hours", 1),
    "unsafe_shutdowns_total": ("unsafe_shutdowns", 1),
    "media_errors_total": ("media_errors", 1),
    "error_entries_total": ("num_err_log_entries", 1),
    "warning_temperature_seconds": ("warning_temp_time", 1 / 60),
    "critical_temperature_seconds": ("critical_comp_time", 1 / 60),
}
Json = dict[str, Any]


def smartctl_json(disk: smart.SmartDisk, version: tuple[int, int] = (7, 4)) -> str:
    """The document of a drive; keys that a version does not have yet are left out."""
    document = _head(disk, version)
    if disk.protocol == "nvme":
        document |= _nvme(disk)
    elif disk.protocol == "scsi":
        document |= _scsi(disk)
    else:
        document |= _ata(disk)
    return json.dumps(document, indent=2)


def _head(disk: smart.SmartDisk, version: tuple[int, int]) -> Json:
    protocol = {"nvme": "NVMe", "scsi": "SCSI"}.get(disk.protocol, "ATA")
    document: Json = {
        "json_format_version": [1, 0],
        "smartctl": {"version": list(version), "argv": ["smartctl", "-x", "--json"], "exit_status": 0},
        "device": {"name": "/dev/sda", "type": "auto", "protocol": protocol},
        "model_name": disk.model,
        "serial_number": disk.serial,
        "firmware_version": disk.firmware,
        "user_capacity": {"bytes": disk.capacity_bytes},
    }
    messages = [{"string": part.reason, "severity": "error"} for part in disk.parts if part.reason]
    document["smartctl"]["messages"] = messages
    if disk.kind in ("hdd", "ssd") and (disk.rotations_per_minute or disk.kind == "ssd"):
        document["rotation_rate"] = disk.rotations_per_minute
    if disk.HasField("passed"):
        document["smart_status"] = {"passed": disk.passed}
    if disk.HasField("smart_enabled") and version >= (7, 3):
        document["smart_support"] = {"available": True, "enabled": disk.smart_enabled}
    if disk.HasField("power_on_hours"):
        document["power_on_time"] = {"hours": disk.power_on_hours}
    if disk.HasField("power_cycles_total"):
        document["power_cycle_count"] = disk.power_cycles_total
    return document


def _has(disk: smart.SmartDisk, name: str) -> bool:
    read = (smart.SMART_PART_STATE_READ, smart.SMART_PART_STATE_CUT)
    return any(part.name == name and part.state in read for part in disk.parts)


def _ata(disk: smart.SmartDisk) -> Json:
    document: Json = {}
    if _has(disk, "attributes"):
        document["ata_smart_attributes"] = {"revision": 1, "table": [_attribute(one) for one in disk.attributes]}
    if disk.HasField("last_selftest_code"):
        document["ata_smart_data"] = {"self_test": {"status": {"value": disk.last_selftest_code << 4}}}
    if _has(disk, "error_log"):
        log: Json = {"revision": 1, "table": [_error(one) for one in disk.errors]}
        document["ata_smart_error_log"] = {
            "extended": log | ({"count": disk.errors_total} if disk.HasField("errors_total") else {})
        }
    if _has(disk, "selftests"):
        rows = [_selftest(one) for one in disk.selftests]
        empty = any(part.name == "selftests" and part.state == smart.SMART_PART_STATE_READ for part in disk.parts)
        count = {"count": len(rows)} if rows or empty else {}
        document["ata_smart_self_test_log"] = {"extended": {"revision": 1, "sectors": 1, **count, "table": rows}}
    if _has(disk, "statistics"):
        document["ata_device_statistics"] = {"pages": _pages(disk)}
    if _has(disk, "defects"):
        table = [
            {"lba": one.lba} | ({"hours": one.power_on_hours} if one.HasField("power_on_hours") else {})
            for one in disk.defects
        ]
        document["ata_pending_defects_log"] = {"size": 65535, "count": disk.defects_total, "table": table}
    if _has(disk, "phy_events"):
        rows = [{"id": one.id, "size": 2, "value": one.total} for one in disk.phy_events]
        document["sata_phy_event_counters"] = {"table": rows, "reset": False}
    return document | _sct({one.name: int(one.value) for one in disk.values})


def _attribute(one: smart.SmartAttribute) -> Json:
    row: Json = {
        "id": one.id,
        "name": one.name,
        "when_failed": one.when_failed,
        "flags": {"prefailure": one.prefailure},
        "raw": {"value": one.raw, "string": one.raw_text},
    }
    for key, field in (("value", "value"), ("worst", "worst"), ("thresh", "threshold")):
        row |= {key: getattr(one, field)} if field != "threshold" or one.HasField("threshold") else {}
    return row


def _error(one: smart.SmartError) -> Json:
    said = one.line.text.partition("Error: ")
    row: Json = {"error_number": one.number, "previous_commands": [{"command_name": "READ DMA"}]}
    row |= {"lifetime_hours": one.power_on_hours} if one.HasField("power_on_hours") else {}
    return row | ({"error_description": f"Error: {said[2]}"} if said[1] else {})


def _selftest(one: smart.SmartSelfTest) -> Json:
    text = one.line.text
    row: Json = {"type": {"value": 1, "string": text[5:25].strip()}, "status": {"string": text[25:48].strip()}}
    row |= {"lifetime_hours": one.power_on_hours} if one.HasField("power_on_hours") else {}
    return row | ({"lba": one.lba} if one.HasField("lba") else {})


def _pages(disk: smart.SmartDisk) -> list[Json]:
    pages: dict[int, list[Json]] = {}
    for one in disk.statistics:
        flags = {"valid": True, "monitored_condition_met": one.condition_met}
        row = {"offset": one.offset, "name": one.name, "size": 4, "value": one.value, "flags": flags}
        pages.setdefault(one.page, []).append(row)
    return [{"number": number, "name": "", "revision": 1, "table": rows} for number, rows in pages.items()]


def _sct(values: dict[str, int]) -> Json:
    status = (("temperature_celsius", "current"), ("operating_limit_celsius", "op_limit_max"))
    more = (("highest_celsius", "lifetime_max"), ("over_limit_total", "over_limit_count"))
    history = (("recommended_limit_celsius", "op_limit_max"), ("critical_limit_celsius", "limit_max"))
    now = {key: values[name] for name, key in (*status, *more) if name in values}
    limits = {key: values[name] for name, key in history if name in values}
    return {"ata_sct_status": {"temperature": now}, "ata_sct_temperature_history": {"temperature": limits}}


def _nvme(disk: smart.SmartDisk) -> Json:
    log = {
        key: round(one.value * unit) for one in disk.values for key, unit in [NVME_KEYS.get(one.name, ("", 0))] if key
    }
    document: Json = {"nvme_smart_health_information_log": log}
    limits = {
        one.name.partition("_")[0]: round(one.value) for one in disk.values if one.name.endswith("_limit_celsius")
    }
    document |= {"nvme_composite_temperature_threshold": limits} if limits else {}
    if _has(disk, "error_log"):
        document["nvme_error_information_log"] = {"size": 64, "read": 16, "unread": 0}
    if _has(disk, "selftests"):
        words = {"short": "Short", "extended": "Extended"}
        results = {"passed": "Completed without error", "failed": "Completed: failed segments"}
        document["nvme_self_test_log"] = {
            "table": [
                {
                    "self_test_code": {"value": 1, "string": words.get(one.test, "Vendor specific")},
                    "self_test_result": {"value": 0, "string": results.get(one.outcome, "Unknown")},
                    "power_on_hours": one.power_on_hours,
                }
                for one in disk.selftests
            ]
        }
    return document


def _scsi(disk: smart.SmartDisk) -> Json:
    values = {one.name: one.value for one in disk.values}
    document: Json = {}
    if "grown_defects_total" in values:
        document["scsi_grown_defect_list"] = round(values["grown_defects_total"])
    if "pending_defects_total" in values:
        document["scsi_pending_defects"] = {"count": round(values["pending_defects_total"])}
    counters = (("read", "read_uncorrected_total"), ("write", "write_uncorrected_total"))
    told = {key: {"total_uncorrected_errors": round(values[name])} for key, name in counters if name in values}
    document |= {"scsi_error_counter_log": told} if told else {}
    if "used_ratio" in values:
        document["scsi_percentage_used_endurance_indicator"] = round(values["used_ratio"] * 100)
    for number, one in enumerate(disk.selftests):
        words = one.line.text[5:].partition("[")[0]
        document[f"scsi_self_test_{number}"] = {
            "code": {"value": 1, "string": words[:17].strip()},
            "result": {"value": 0, "string": words[18:40].strip()},
            "power_on_time": {"hours": one.power_on_hours},
            **({"lba_first_failure": {"value": one.lba}} if one.HasField("lba") else {}),
        }
    kinds = (("current", "temperature_celsius"), ("drive_trip", "critical_limit_celsius"))
    document["temperature"] = {key: round(values[name]) for key, name in kinds if name in values}
    return document


def nvme_cli_json(disk: smart.SmartDisk) -> str:
    """The health log as `nvme smart-log -o json` tells it: other keys, and kelvin."""
    names = {
        "available_spare": "avail_spare",
        "available_spare_threshold": "spare_thresh",
        "percentage_used": "percent_used",
    }
    log = _nvme(disk)["nvme_smart_health_information_log"]
    told = {names.get(key, key): value for key, value in log.items()}
    if "temperature" in told:
        told["temperature"] += 273
    return json.dumps(told)
