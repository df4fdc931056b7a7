"""Temperatures, fans and power supplies, as the machine's chips report them."""

from __future__ import annotations

from caseprobe.errors import MachineAbsent, MachineDenied, MeasurementError
from caseprobe.v1 import section_pb2, section_storage_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, Reads, names_in, number_of, value_of

HWMON, ZONES, POWER = "/sys/class/hwmon", "/sys/class/thermal", "/sys/class/power_supply"
MILLI = 1000.0
# What a chip's inputs are, by how their files begin.
KINDS = {"temp": "sensors.temperatures", "fan": "sensors.fans", "in": "sensors.voltages"}
CHIP_FACTS = tuple(KINDS.values())


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """Everything that hwmon, thermal zones and power supplies tell; absent where the machine has none of them."""
    notes = Notes()
    facts = section_pb2.SensorsFacts()
    for name in _names(notes, HWMON, machine, CHIP_FACTS):
        _add_chip(facts, machine, f"{HWMON}/{name}", notes)
    # Thermal zones mostly repeat the chips; they are asked where no chip tells a temperature.
    if not facts.temperatures:
        _add_zones(facts, notes.noted("sensors.temperatures", machine))
    for name in notes.names("sensors.power_supplies", machine, POWER):
        _add_power_supply(facts, machine, name, notes)
    if not facts.ByteSize() and not notes.denied:
        raise MachineAbsent("this machine reports no sensors, as is usual in virtual machines and containers")
    return notes.measured(facts)


def _names(notes: Notes, folder: str, machine: Machine, facts: tuple[str, ...]) -> list[str]:
    """The names in a folder that holds several kinds of facts: where it is denied, all of them are missing."""
    try:
        return machine.list_dir(folder)
    except MachineDenied as error:
        for fact in facts:
            notes.lack(fact, error)
    except MeasurementError:
        pass
    return []


def _add_chip(facts: section_pb2.SensorsFacts, machine: Machine, folder: str, notes: Notes) -> None:
    chip = _chip(machine, folder)
    names = _names(notes, folder, machine, CHIP_FACTS)
    for sensor in sorted((name.removesuffix("_input") for name in names if name.endswith("_input")), key=_order):
        fact = next((fact for kind, fact in KINDS.items() if sensor.startswith(kind)), "")
        value = notes.number(fact, machine, f"{folder}/{sensor}_input") if fact else None
        if value is None or number_of(notes.noted(fact, machine), f"{folder}/{sensor}_fault") == 1:
            continue
        if sensor.startswith("temp"):
            facts.temperatures.append(_temperature(machine, f"{folder}/{sensor}", chip, value, notes))
        elif sensor.startswith("fan"):
            facts.fans.append(_fan(machine, f"{folder}/{sensor}", chip, value, notes))
        else:
            facts.voltages.append(_voltage(machine, f"{folder}/{sensor}", chip, value, notes))


def _order(sensor: str) -> tuple[str, int]:
    """temp2 stands before temp10."""
    kind = sensor.rstrip("0123456789")
    number = sensor.removeprefix(kind)
    return kind, int(number) if number else 0


def _chip(machine: Machine, folder: str) -> str:
    """The driver's name, for disks with the disk's own."""
    name = value_of(machine, f"{folder}/name") or "unknown"
    if name == "drivetemp":
        return " ".join([name, *names_in(machine, f"{folder}/device/block")[:1]])
    try:
        device = machine.read_link(f"{folder}/device").rpartition("/")[2]
    except MeasurementError:
        device = ""
    return f"{name} {device}" if device.startswith("nvme") else name


def _temperature(machine: Machine, sensor: str, chip: str, value: int, notes: Notes) -> section_pb2.Temperature:
    temperature = section_pb2.Temperature(chip=chip, label=_label(machine, sensor), current_celsius=value / MILLI)
    if (high := notes.number("sensors.temperatures", machine, f"{sensor}_max")) is not None:
        temperature.high_celsius = high / MILLI
    if (critical := notes.number("sensors.temperatures", machine, f"{sensor}_crit")) is not None:
        temperature.critical_celsius = critical / MILLI
    told = notes.noted("sensors.temperatures", machine)
    temperature.alarm = any(number_of(told, f"{sensor}_{name}") == 1 for name in ("alarm", "max_alarm", "crit_alarm"))
    return temperature


def _voltage(machine: Machine, sensor: str, chip: str, value: int, notes: Notes) -> section_storage_pb2.Voltage:
    voltage = section_storage_pb2.Voltage(chip=chip, label=_label(machine, sensor), volts=value / MILLI)
    if (least := notes.number("sensors.voltages", machine, f"{sensor}_min")) is not None:
        voltage.minimum_volts = least / MILLI
    if (most := notes.number("sensors.voltages", machine, f"{sensor}_max")) is not None:
        voltage.maximum_volts = most / MILLI
    told = notes.noted("sensors.voltages", machine)
    voltage.alarm = any(
        number_of(told, f"{sensor}_{name}") == 1 for name in ("alarm", "min_alarm", "max_alarm", "crit_alarm")
    )
    return voltage


def _fan(machine: Machine, sensor: str, chip: str, value: int, notes: Notes) -> section_pb2.Fan:
    fan = section_pb2.Fan(chip=chip, label=_label(machine, sensor), rotations_per_minute=value)
    if (minimum := notes.number("sensors.fans", machine, f"{sensor}_min")) is not None:
        fan.minimum_rotations_per_minute = minimum
    told = notes.noted("sensors.fans", machine)
    fan.alarm = any(number_of(told, f"{sensor}_{name}") == 1 for name in ("alarm", "min_alarm"))
    return fan


def _label(machine: Machine, sensor: str) -> str:
    return value_of(machine, f"{sensor}_label") or sensor.rpartition("/")[2]


def _add_zones(facts: section_pb2.SensorsFacts, machine: Reads) -> None:
    for name in (name for name in names_in(machine, ZONES) if name.startswith("thermal_zone")):
        folder = f"{ZONES}/{name}"
        value = number_of(machine, f"{folder}/temp")
        if value is None:
            continue
        kind = value_of(machine, f"{folder}/type") or name
        temperature = facts.temperatures.add(chip=kind, label=name, current_celsius=value / MILLI)
        for point in (file.removesuffix("_type") for file in names_in(machine, folder) if file.endswith("_type")):
            limit = number_of(machine, f"{folder}/{point}_temp")
            if limit is not None and value_of(machine, f"{folder}/{point}_type") == "critical":
                temperature.critical_celsius = limit / MILLI


def _add_power_supply(facts: section_pb2.SensorsFacts, machine: Machine, name: str, notes: Notes) -> None:
    folder = f"{POWER}/{name}"
    # The battery of a mouse says nothing about the machine's power.
    told = notes.noted("sensors.power_supplies", machine)
    if value_of(told, f"{folder}/scope") == "Device":
        return
    kind = notes.text("sensors.power_supplies", machine, f"{folder}/type") or ""
    status = value_of(told, f"{folder}/status") or ""
    supply = facts.power_supplies.add(name=name, type=kind, status=status)
    if (online := number_of(told, f"{folder}/online")) is not None:
        supply.online = online == 1
    if (capacity := number_of(told, f"{folder}/capacity")) is not None:
        supply.charge_ratio = capacity / 100
    for unit in ("energy", "charge"):
        full = number_of(told, f"{folder}/{unit}_full")
        design = number_of(told, f"{folder}/{unit}_full_design")
        if full is not None and design:
            supply.health_ratio = full / design
    for file in ("status", "capacity"):
        notes.quote(f"{folder}/{file}", value_of(machine, f"{folder}/{file}") or "")
