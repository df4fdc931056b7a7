"""system_profiler -json: machine, system, drives, volumes, battery and radio; keys are English in every language."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from caseprobe.v1 import section_net_pb2, section_pb2
from caseprobe.v1 import section_smart_pb2 as smart

Record = Mapping[str, object]
GIGABYTE, MEGABIT = 1 << 30, 1e6
# "up 5:17:23:11": days, hours, minutes, seconds.
UPTIME = re.compile(r"(?:up )?(\d{1,5}):(\d{1,2}):(\d{1,2}):(\d{1,2})")
# "-58 dBm / -97 dBm"
SIGNAL = re.compile(r"(-\d{1,3}) dBm / (-?\d{1,3}) dBm")
# "16 GB"; the unit is not translated, the number's point is a comma in some languages.
SIZE = re.compile(r"(\d{1,5})(?:[.,]\d+)? ?(GB|TB|MB)")
UNITS = {"MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
# "84%", with a blank that does not break before the sign in some languages.
PERCENT = re.compile(r"(\d{1,3})\s?%")
YES = ("TRUE", "Yes", "yes", True)
VERDICTS = {"Verified": True, "Failing": False}


def items(text: str, kind: str) -> Sequence[Record]:
    """The items of one data type; ValueError where the output is cut, of another type or no JSON.

    >>> items('{"SPPowerDataType": [{"_name": "spbattery_information"}]}', "SPPowerDataType")
    [{'_name': 'spbattery_information'}]
    """
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("this is not the JSON of system_profiler, or it is cut") from error
    found = told.get(kind) if isinstance(told, dict) else None
    if not isinstance(found, list):
        raise ValueError(f"it does not speak of {kind}")
    return _records(found)


def parse_software(text: str) -> section_pb2.SystemFacts:
    """SPSoftwareDataType: the system and how long it runs."""
    found = items(text, "SPSoftwareDataType")
    version = _word(found[0], "os_version") if found else ""
    if not version:
        raise ValueError("the version of the system is missing")
    name, _, rest = version.partition(" ")
    record = found[0]
    facts = section_pb2.SystemFacts(
        host_name=_word(record, "local_host_name"),
        system="darwin",
        os_name=name,
        os_version=rest,
        kernel_release=_word(record, "kernel_version"),
        init_system="launchd",
    )
    if (match := UPTIME.fullmatch(_word(record, "uptime"))) is not None:
        days, hours, minutes, seconds = (int(part) for part in match.groups())
        facts.uptime_seconds = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    return facts


def parse_hardware(text: str) -> section_pb2.HardwareFacts:
    """SPHardwareDataType: which machine it is."""
    record = _first(text, "SPHardwareDataType")
    return section_pb2.HardwareFacts(
        vendor="Apple",
        product=_word(record, "machine_model"),
        serial=_word(record, "serial_number"),
        uuid=_word(record, "platform_UUID"),
        bios_version=_word(record, "boot_rom_version"),
    )


def memory_bytes(text: str) -> int:
    """SPHardwareDataType: how much memory the machine has; ValueError where it does not tell.

    >>> memory_bytes('{"SPHardwareDataType": [{"machine_model": "Mac14,2", "physical_memory": "24 GB"}]}') >> 30
    24
    """
    match = SIZE.fullmatch(_word(_first(text, "SPHardwareDataType"), "physical_memory"))
    if match is None:
        raise ValueError("the size of the memory is missing")
    return int(match[1]) * UNITS[match[2]]


def read_only_mounts(text: str) -> set[str]:
    """SPStorageDataType: where volumes are mounted that cannot be written, as the sealed system itself."""
    found = items(text, "SPStorageDataType")
    return {_word(one, "mount_point") for one in found if one.get("writable") in ("no", "No", False)}


def parse_nvme(text: str) -> smart.SmartFacts:
    """SPNVMeDataType: drives with their own verdict on themselves."""
    facts = smart.SmartFacts()
    for place, controller in enumerate(items(text, "SPNVMeDataType")):
        for number, record in enumerate(_records(controller.get("_items"))):
            if _word(record, "bsd_name"):
                facts.disks.append(_drive(record, f"SPNVMeDataType[{place}]._items[{number}]"))
    return facts


def _drive(record: Record, place: str) -> smart.SmartDisk:
    disk = smart.SmartDisk(
        name=_word(record, "bsd_name"),
        source="system_profiler SPNVMeDataType",
        protocol="nvme",
        kind="nvme",
        model=_word(record, "device_model"),
        serial=_word(record, "device_serial").strip(),
        firmware=_word(record, "device_revision"),
        capacity_bytes=_whole(record.get("size_in_bytes")) or 0,
        tool="system_profiler",
    )
    add_verdict(disk, _word(record, "smart_status"), f"{place}.smart_status")
    return disk


def add_verdict(disk: smart.SmartDisk, verdict: str, place: str) -> None:
    """What macOS says of a drive: Verified, Failing, or Not Supported as for most USB drives."""
    if verdict in VERDICTS:
        disk.passed = VERDICTS[verdict]
        disk.passed_line.text = f"{place} = {verdict}"
        disk.parts.add(name="status", state=smart.SMART_PART_STATE_READ)
    elif verdict == "Not Supported":
        disk.parts.add(name="status", state=smart.SMART_PART_STATE_UNSUPPORTED)
    else:
        why = f"macOS says {verdict!r}" if verdict else "macOS says nothing of it"
        disk.parts.add(name="status", state=smart.SMART_PART_STATE_FAILED, reason=why[:200])


def parse_power(text: str) -> section_pb2.SensorsFacts:
    """SPPowerDataType: the battery's charge and health, and whether the charger is connected."""
    facts = section_pb2.SensorsFacts()
    for record in items(text, "SPPowerDataType"):
        charge, health = _inner(record, "sppower_battery_charge_info"), _inner(record, "sppower_battery_health_info")
        if charge or health:
            facts.power_supplies.append(_battery(charge, health))
        if record.get("_name") == "sppower_ac_charger_information":
            online = record.get("sppower_battery_charger_connected") in YES
            facts.power_supplies.add(name="charger", type="Mains", online=online)
    return facts


def _battery(charge: Record, health: Record) -> section_pb2.PowerSupply:
    battery = section_pb2.PowerSupply(name="battery", type="Battery")
    share = charge.get("sppower_battery_state_of_charge")
    if isinstance(share, int) and 0 <= share <= 100:
        battery.charge_ratio = share / 100
    if (match := PERCENT.fullmatch(_word(health, "sppower_battery_health_maximum_capacity"))) is not None:
        battery.health_ratio = int(match[1]) / 100
    charging = charge.get("sppower_battery_is_charging") in YES
    full = charge.get("sppower_battery_fully_charged") in YES
    if not battery.HasField("charge_ratio") and not battery.HasField("health_ratio"):
        raise ValueError("a battery tells neither its charge nor its health in a known form")
    battery.status = "Full" if full else "Charging" if charging else "Discharging" if charge else ""
    return battery


def parse_airport(text: str) -> section_net_pb2.WirelessFacts:
    """SPAirPortDataType: the radio link of each card; a card that is off or looks for a network is not connected."""
    facts = section_net_pb2.WirelessFacts()
    for record in items(text, "SPAirPortDataType"):
        for card in _records(record.get("spairport_airport_interfaces")):
            # Links between devices of one user (awdl0) have no card.
            if "spairport_wireless_card_type" in card or "spairport_status_information" in card:
                facts.links.append(_link(card))
    return facts


def _link(card: Record) -> section_net_pb2.RadioLink:
    told = _inner(card, "spairport_current_network_information")
    state = _word(card, "spairport_status_information")
    link = section_net_pb2.RadioLink(name=_word(card, "_name"), connected=bool(told) and state.endswith("_connected"))
    if not link.connected:
        return link
    link.network = _word(told, "_name")
    if (match := SIGNAL.fullmatch(_word(told, "spairport_signal_noise"))) is not None:
        link.signal_dbm, link.noise_dbm = float(match[1]), float(match[2])
    if (rate := _whole(told.get("spairport_network_rate"))) is not None:
        link.sent_bits_per_second = rate * MEGABIT
    return link


def _first(text: str, kind: str) -> Record:
    found = items(text, kind)
    if not found:
        raise ValueError(f"{kind} is empty")
    return found[0]


def _records(value: object) -> Sequence[Record]:
    if not isinstance(value, list):
        return []
    return [one for one in value if isinstance(one, dict)][:1000]


def _inner(record: Record, name: str) -> Record:
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def _word(record: Record, name: str) -> str:
    value = record.get(name)
    return value[:1000] if isinstance(value, str) else ""


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63 else None
