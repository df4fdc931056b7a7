"""What only ATA drives tell, from the JSON of smartctl 7.0 to 7.5."""

from __future__ import annotations

from caseprobe.parse.smart.errors import KINDS, SAID
from caseprobe.parse.smart.reader import CUT, READ, first_number, mark, tell, whole
from caseprobe.parse.smart.selftests import TESTS, outcome_of
from caseprobe.parse.smart.tree import Tree
from caseprobe.v1 import section_smart_pb2 as smart

UINT32 = (1 << 32) - 1
BYTE = 255
SELFTESTS = ("extended", "standard")
ERROR_LOGS = ("extended", "summary")


def take_ata(report: Tree, disk: smart.SmartDisk) -> None:
    """Attributes and every log of an ATA drive that the report holds."""
    _take_attributes(report.at("ata_smart_attributes"), disk)
    _take_execution(report.at("ata_smart_data", "self_test", "status"), disk)
    _take_errors(report.at("ata_smart_error_log"), disk)
    _take_selftests(report.at("ata_smart_self_test_log"), disk)
    _take_statistics(report.at("ata_device_statistics", "pages"), disk)
    _take_defects(report.at("ata_pending_defects_log"), disk)
    _take_phy_events(report.at("sata_phy_event_counters", "table"), disk)
    _take_sct(report, disk)


def _take_attributes(log: Tree, disk: smart.SmartDisk) -> None:
    if not isinstance(log.at("table").value, list):
        return
    for row in log.at("table").items():
        number, name = row.at("id").number(BYTE), row.at("name").text(60)
        if not number or len(disk.attributes) > BYTE:
            continue
        raw = row.at("raw", "string").text(60)
        attribute = disk.attributes.add(id=number, name=name, raw_text=raw, line=row.line())
        attribute.prefailure = row.at("flags", "prefailure").flag() or False
        attribute.when_failed = {"now": "now", "past": "past"}.get(row.at("when_failed").text(10).lower(), "")
        for field, key in (("value", "value"), ("worst", "worst"), ("threshold", "thresh")):
            if (normalized := row.at(key).number(BYTE)) is not None:
                setattr(attribute, field, normalized)
        # The text is what smartctl's database makes of the raw value; the number is all 48 bits of it.
        found = first_number(raw) if raw else row.at("raw", "value").number()
        if found is not None:
            attribute.raw = found
    mark(disk, "attributes", READ)


def _take_execution(status: Tree, disk: smart.SmartDisk) -> None:
    if (value := status.at("value").number(BYTE)) is not None:
        disk.last_selftest_code = value >> 4
        disk.last_selftest_line.CopyFrom(status.line())


def _take_errors(logs: Tree, disk: smart.SmartDisk) -> None:
    log = next((logs.at(name) for name in ERROR_LOGS if logs.at(name).exists()), None)
    if log is None:
        return
    if (count := log.at("count").number()) is None:
        mark(disk, "error_log", CUT, "the error log has no count")
        return
    disk.errors_total = count
    disk.errors_line.CopyFrom(log.at("count").line())
    for row in log.at("table").items():
        _add_error(row, disk)
    if disk.errors or not count:
        mark(disk, "error_log", READ)
    else:
        mark(disk, "error_log", CUT, "the error log counts errors and lists none")


def _add_error(row: Tree, disk: smart.SmartDisk) -> None:
    # The commands before an error fill a screen and prove nothing.
    told = {key: value for key, value in row.value.items() if key != "previous_commands"}
    error = disk.errors.add(number=row.at("error_number").number(UINT32) or 0, line=Tree(told, row.path).line())
    if (hours := row.at("lifetime_hours").number()) is not None:
        error.power_on_hours = hours
    described = row.at("error_description").text().removeprefix(SAID)
    named, _, place = described.partition(" at LBA = ")
    error.kinds.extend(word for word in named.replace(",", " ").split() if word in KINDS)
    if place and (lba := whole(place.partition(" ")[0])) is not None:
        error.lba = lba


def _take_selftests(logs: Tree, disk: smart.SmartDisk) -> None:
    log = next((logs.at(name) for name in SELFTESTS if logs.at(name).exists()), None)
    if log is None:
        return
    for number, row in enumerate(log.at("table").items(), start=1):
        described, status = row.at("type", "string").text(), row.at("status", "string").text()
        test = TESTS.get(described.partition(" ")[0], "other")
        entry = disk.selftests.add(number=number, test=test, outcome=outcome_of(described, status), line=row.line())
        if (hours := row.at("lifetime_hours").number()) is not None:
            entry.power_on_hours = hours
        if (lba := row.at("lba").number()) is not None:
            entry.lba = lba
    told = bool(disk.selftests) or log.at("count").number() == 0
    mark(disk, "selftests", READ if told else CUT, "" if told else "the self-test log lists nothing")


def _take_statistics(pages: Tree, disk: smart.SmartDisk) -> None:
    if not isinstance(pages.value, list):
        return
    for page in pages.items():
        number = page.at("number").number(UINT32)
        for row in page.at("table").items():
            offset, value = row.at("offset").number(UINT32), row.at("value").signed()
            valid = row.at("flags", "valid").flag() is not False
            if number is None or offset is None or value is None or not valid:
                continue
            met = row.at("flags", "monitored_condition_met").flag() or False
            disk.statistics.add(
                page=number,
                offset=offset,
                value=value,
                name=row.at("name").text(80),
                condition_met=met,
                line=row.line(),
            )
    mark(disk, "statistics", READ)


def _take_defects(log: Tree, disk: smart.SmartDisk) -> None:
    if not log.exists():
        return
    if (count := log.at("count").number()) is None:
        mark(disk, "defects", CUT, "the pending defects log has no count")
        return
    disk.defects_total = count
    for row in log.at("table").items():
        if (lba := row.at("lba").number()) is not None:
            defect = disk.defects.add(lba=lba, line=row.line())
            if (hours := row.at("hours").number()) is not None:
                defect.power_on_hours = hours
    if count and not disk.defects:
        disk.defects.add(line=log.line())
    mark(disk, "defects", READ)


def _take_phy_events(table: Tree, disk: smart.SmartDisk) -> None:
    for row in table.items():
        number, total = row.at("id").number(UINT32), row.at("value").number()
        if number is not None and total is not None:
            disk.phy_events.add(id=number, total=total, line=row.line())
    if isinstance(table.value, list):
        mark(disk, "phy_events", READ)


def _take_sct(report: Tree, disk: smart.SmartDisk) -> None:
    """Limits by their names in the two SCT tables."""
    status = report.at("ata_sct_status", "temperature")
    history = report.at("ata_sct_temperature_history", "temperature")
    for place, key, name in (
        (status, "current", "temperature_celsius"),
        (status, "op_limit_max", "operating_limit_celsius"),
        (status, "lifetime_max", "highest_celsius"),
        (status, "over_limit_count", "over_limit_total"),
        (history, "op_limit_max", "recommended_limit_celsius"),
        (history, "limit_max", "critical_limit_celsius"),
    ):
        if (value := place.at(key).signed()) is not None:
            tell(disk, name, value, place.at(key).line())
    if status.at("current").signed() is not None:
        mark(disk, "temperature", READ)
