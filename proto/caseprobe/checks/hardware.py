"""Hardware: memory and bus errors, heat, fans and power."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from caseprobe.checks.check import DARWIN, Check, Context, NotApplicable
from caseprobe.checks.evidence import prove, stated
from caseprobe.checks.growth import gained
from caseprobe.checks.levels import CRITICAL, INFO, WARN, Levels, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2

EDAC = "/sys/devices/system/edac/mc/"
# Of one module: rasdaemon takes a page out of use from this many in a day on.
CORRECTED = Levels("errors_per_day", critical=50.0)
NONE_SINCE = ", none of them since an earlier snapshot"
HWMON = "/sys/class/hwmon/"
# Power saving corrects a handful of transfers a day on healthy boards.
MANY_CORRECTED = 10
# For a sensor that names no limit of its own: above what makers let processors and drives run at for long, which is 95
# degrees for some. Below that, nobody can tell a hot chipset from a healthy one.
HEAT = Levels("current_celsius", warn=98, critical=105)
# Inputs with nothing behind them read -128, 0, 127 or 255, and limits of 0 or 65261: none of these is a temperature.
PLAUSIBLE = (1.0, 125.0)
CHARGE, HEALTH = Levels("charge_ratio", warn=0.10, below=True), Levels("health_ratio", warn=0.60, below=True)


def _controllers(section: section_pb2.Section) -> list[section_pb2.MemoryController]:
    if not section.hardware.memory_controllers:
        raise NotApplicable("this machine does not count memory errors (no EDAC)")
    return list(section.hardware.memory_controllers)


@dataclass(frozen=True)
class _Counter:
    """One counter of memory errors: of a module where the driver tells modules apart, else of the controller."""

    name: str
    label: str
    source: str
    total: int


def _counters(section: section_pb2.Section, kind: str) -> Iterator[_Counter]:
    """The counters that are not zero; kind is ce or ue."""
    field = "corrected_errors_total" if kind == "ce" else "uncorrected_errors_total"
    for controller in _controllers(section):
        modules = [module for module in controller.modules if getattr(module, field)]
        for module in modules:
            name, source = f"{controller.name}/{module.name}", f"{EDAC}{controller.name}/{module.name}/"
            yield _Counter(name, module.label or module.name, source, getattr(module, field))
        # A controller may count errors that it cannot lay at the door of a module.
        if not modules and (total := getattr(controller, field)):
            yield _Counter(controller.name, controller.name, f"{EDAC}{controller.name}/{kind}_count", total)


def judge_uncorrected(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Memory errors that error correction could not mend, by module where the driver tells.

    Each one is wrong data that some program got, or a crash.
    """
    for counter in _counters(section, "ue"):
        evidence = prove(section, counter.source, (), uncorrected_errors_total=counter.total)
        reached = Reached(CRITICAL, "errors_total > 0")
        parameters: dict[str, float | str] = {"errors_total": counter.total, "label": counter.label}
        yield fault(reached, finding_pb2.CAUSE_HOST, parameters, evidence, subject=counter.name)


def judge_corrected(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Memory errors that error correction mended, by module where the driver tells.

    No data is lost yet; a module that needs correction again and again is on its way out. A single one may be a
    stray particle: where none has come since an earlier snapshot it is a remark.
    """
    old = {}
    previous = context.previous
    if previous is not None and previous.hardware.memory_controllers and context.same_boot and context.elapsed_seconds:
        old = {one.name: one.total for one in _counters(previous, "ce")}
    for counter in _counters(section, "ce"):
        parameters: dict[str, float | str] = {"errors_total": counter.total, "label": counter.label}
        evidence = prove(section, counter.source, (), corrected_errors_total=counter.total)
        grown = counter.total - old[counter.name] if counter.name in old else 0
        quiet = counter.name in old and not grown
        reached = Reached(INFO if quiet else WARN, "errors_total > 0" + (NONE_SINCE if quiet else ""))
        message_id = ""
        # A burst within minutes is counted as it is, not as what it would make in a day.
        per_day = grown / max(context.elapsed_seconds / 86_400, 1.0)
        if often := context.levels(CORRECTED, counter.name).reached(per_day):
            reached, message_id = often, "often"
            parameters |= {"errors_per_day": per_day, "grown_total": grown, "elapsed_seconds": context.elapsed_seconds}
        yield fault(reached, finding_pb2.CAUSE_HOST, parameters, evidence, counter.name, message_id)


def judge_bus(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Errors that PCI Express devices report, since the earlier snapshot and since boot.

    Corrected ones since boot are a remark (power saving causes some); that they go on is a warning. Uncorrected ones
    lost a transfer. A bad slot, riser or card shows here before it fails.
    """
    devices = section.hardware.pci_devices
    counted = [d for d in devices if d.HasField("aer_correctable_total") or d.HasField("aer_uncorrectable_total")]
    if not counted:
        raise NotApplicable("no PCI Express device of this machine reports errors (no AER)")
    before = {d.slot: d for d in context.previous.hardware.pci_devices} if context.previous else {}
    for device in counted:
        old = before.get(device.slot) if context.same_boot else None
        if (told := _bus_reached(device, old)) is None:
            continue
        reached, message_id = told
        counts = {
            "uncorrectable_total": device.aer_uncorrectable_total,
            "correctable_total": device.aer_correctable_total,
        }
        evidence = prove(section, f"/sys/bus/pci/devices/{device.slot}/", (), slot=device.slot, **counts)
        parameters: dict[str, float | str] = {"driver": device.driver or "-", **counts}
        found = fault(reached, finding_pb2.CAUSE_HOST, parameters, evidence, device.slot, message_id)
        if message_id:
            found.kind = finding_pb2.FINDING_KIND_TREND
        yield found


def _bus_reached(device: section_pb2.PciDevice, before: section_pb2.PciDevice | None) -> tuple[Reached, str] | None:
    """How bad, and whether it goes on."""
    lost, mended = device.aer_uncorrectable_total, device.aer_correctable_total
    if before is not None:
        if gained(lost, before.aer_uncorrectable_total) > 0:
            return Reached(CRITICAL, "uncorrectable_total grew"), "growing"
        if gained(mended, before.aer_correctable_total) >= MANY_CORRECTED:
            return Reached(WARN, f"correctable_total grew by {MANY_CORRECTED} or more"), "growing"
    if lost:
        return Reached(WARN, "uncorrectable_total > 0"), ""
    return (Reached(INFO, "correctable_total > 0"), "") if mended else None


def judge_temperature(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Temperatures against the limits that the chips themselves name, or what no chip is made for where they name none.

    Heat slows processors down and shortens the life of disks; at the critical limit the machine switches itself off.
    Inputs with nothing behind them, and limits that cannot be meant (0, 65261), are passed over with their alarms.
    """
    if not section.sensors.temperatures:
        raise NotApplicable("this machine reports no temperature")
    for sensor in section.sensors.temperatures:
        name = _name(sensor.chip, sensor.label)
        if not _plausible(sensor.current_celsius):
            continue
        if reached := _heat_reached(sensor, context.levels(_heat_levels(sensor), name)):
            evidence = [stated(section, sensor=name, current_celsius=sensor.current_celsius, **_limits(sensor))]
            parameters = {"current_celsius": sensor.current_celsius, **_limits(sensor)}
            yield fault(reached, finding_pb2.CAUSE_HOST, parameters, evidence, subject=name)


def _plausible(celsius: float) -> bool:
    return PLAUSIBLE[0] <= celsius <= PLAUSIBLE[1]


def _limits(sensor: section_pb2.Temperature) -> dict[str, float]:
    """The limits that the chip names and that can be meant."""
    named = {"high_celsius": sensor.high_celsius, "critical_celsius": sensor.critical_celsius}
    return {name: limit for name, limit in named.items() if _plausible(limit)}


def _heat_levels(sensor: section_pb2.Temperature) -> Levels:
    limits = _limits(sensor)
    if not limits:
        return HEAT
    return Levels("current_celsius", warn=limits.get("high_celsius"), critical=limits.get("critical_celsius"))


def _heat_reached(sensor: section_pb2.Temperature, levels: Levels) -> Reached | None:
    # Boards that never set a limit leave it at 0, and the alarm on.
    alarm = Reached(WARN, "the chip's own alarm is set") if sensor.alarm and _limits(sensor) else None
    return levels.reached(sensor.current_celsius) or alarm


def _name(chip: str, label: str) -> str:
    return f"{chip} {label}".strip()


def judge_fans(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Fans that stand still although they have a lowest speed, or for which the chip raises its alarm.

    A header without a fan also turns at 0; without a lowest speed it is left out. Some boards set one for every
    header: only what turned in an earlier snapshot is known to be a fan.
    """
    if not section.sensors.fans:
        raise NotApplicable("this machine reports no fan")
    for fan in section.sensors.fans:
        name = _name(fan.chip, fan.label)
        if told := _fan_reached(fan, name in _turned(context)):
            reached, message_id = told
            speeds = {
                "rotations_per_minute": fan.rotations_per_minute,
                "minimum_rotations_per_minute": fan.minimum_rotations_per_minute,
            }
            evidence = [stated(section, fan=name, **speeds)]
            yield fault(reached, finding_pb2.CAUSE_HOST, speeds, evidence, name, message_id)


def _fan_reached(fan: section_pb2.Fan, turned: bool) -> tuple[Reached, str] | None:
    if fan.rotations_per_minute > 0:
        return (Reached(WARN, "the chip's own alarm is set"), "slow") if fan.alarm else None
    if fan.minimum_rotations_per_minute <= 0:
        return None
    threshold = "rotations_per_minute = 0 with a minimum"
    return Reached(CRITICAL, f"{threshold}, and it turned before") if turned else Reached(WARN, threshold), "stopped"


def _turned(context: Context) -> set[str]:
    """The names of the fans that turned in any earlier snapshot."""
    fans = (fan for past in context.history for fan in past.section.sensors.fans)
    return {_name(fan.chip, fan.label) for fan in fans if fan.rotations_per_minute > 0}


def judge_power(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Batteries that are nearly empty while they discharge, or worn.

    A worn battery holds only part of its charge, and lets the machine go dark when the mains fail.
    """
    batteries = [supply for supply in section.sensors.power_supplies if supply.type == "Battery"]
    if not batteries:
        raise NotApplicable("this machine has no battery")
    for battery in batteries:
        empty = battery.HasField("charge_ratio") and battery.status == "Discharging"
        for levels, value, known, message_id, cause in (
            (CHARGE, battery.charge_ratio, empty, "empty", finding_pb2.CAUSE_HOST),
            (HEALTH, battery.health_ratio, battery.HasField("health_ratio"), "worn", finding_pb2.CAUSE_WEAR),
        ):
            if known and (reached := context.levels(levels, battery.name).reached(value)):
                source = f"/sys/class/power_supply/{battery.name}/"
                evidence = prove(section, source, (), **{levels.parameter: value})
                yield fault(reached, cause, {levels.parameter: value}, evidence, battery.name, message_id)


ALL = (
    Check(
        id="mem.edac_ue",
        judge=judge_uncorrected,
        reads="hardware",
        fields=("memory_controllers",),
        threshold="critical: errors_total > 0",
        threshold_source="netdata memory.conf (any)",
    ),
    Check(
        id="mem.edac_ce",
        judge=judge_corrected,
        reads="hardware",
        levels=(CORRECTED,),
        fields=("memory_controllers",),
        threshold=f"warn: errors_total > 0 (info{NONE_SINCE}); {CORRECTED} of one module",
        threshold_source="warn: netdata memory.conf (any); critical: rasdaemon PAGE_CE_THRESHOLD (50 in 24 h, there of "
        "one page)",
    ),
    Check(
        id="hw.pcie_aer",
        judge=judge_bus,
        reads="hardware",
        fields=("pci_devices",),
        threshold=(
            "critical: uncorrectable_total grew since the earlier snapshot; warn: uncorrectable_total > 0, or "
            f"correctable_total grew by {MANY_CORRECTED} or more; info: correctable_total > 0"
        ),
        threshold_source="own levels; docs.kernel.org PCI/pcieaer-howto.rst for the signal",
    ),
    Check(
        id="hw.temp",
        judge=judge_temperature,
        reads="sensors",
        levels=(HEAT,),
        fields=("temperatures",),
        threshold=f"the chip's own high (warn) and critical limits; without any: {HEAT}",
        threshold_source="docs.kernel.org hwmon/sysfs-interface.rst (tempN_max, tempN_crit); own levels without them",
    ),
    Check(
        id="hw.fan",
        judge=judge_fans,
        reads="sensors",
        fields=("fans",),
        threshold="critical: rotations_per_minute = 0 with a minimum, and it turned before; warn: so without an "
        "earlier snapshot, or the chip's own alarm is set while it turns",
        threshold_source="own level; docs.kernel.org hwmon/sysfs-interface.rst (fanN_min, fanN_alarm)",
    ),
    Check(
        id="hw.power",
        judge=judge_power,
        reads="sensors",
        elsewhere=(DARWIN,),
        levels=(CHARGE, HEALTH),
        fields=("power_supplies",),
        threshold=f"{CHARGE}, while discharging; {HEALTH}",
        threshold_source="netdata power_supply.conf (10 % charge); own level of health",
    ),
)
