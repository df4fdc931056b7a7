"""What the board itself reports: voltages, and the sensors of its management controller."""

from __future__ import annotations

from collections.abc import Iterator

from caseprobe.checks.check import Check, Context, NotApplicable
from caseprobe.checks.evidence import prove, stated
from caseprobe.checks.levels import CRITICAL, WARN, Reached, fault
from caseprobe.v1 import finding_pb2, section_pb2, section_storage_pb2

# ipmitool's words: non-critical, critical and non-recoverable, with a letter for the lower or upper limit.
IPMI_STATES = {
    **dict.fromkeys(("nc", "lnc", "unc"), WARN),
    **dict.fromkeys(("cr", "lcr", "ucr", "nr", "lnr", "unr"), CRITICAL),
}


def judge_voltage(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Voltages against the limits that the chip was given.

    A voltage that sags is a power supply near its end or an overloaded line, and looks like random faults elsewhere.
    Inputs whose limits cannot be meant (none, or the lower above the upper) are left out, their alarms too: many
    boards never set them.
    """
    known = [one for one in section.sensors.voltages if 0 <= one.minimum_volts < one.maximum_volts]
    if not known:
        raise NotApplicable("this machine reports no voltage with limits")
    for one in known:
        if one.minimum_volts <= one.volts <= one.maximum_volts:
            continue
        name = f"{one.chip} {one.label}".strip()
        volts = {"volts": one.volts, "minimum_volts": one.minimum_volts, "maximum_volts": one.maximum_volts}
        reached = Reached(WARN, "volts outside of the chip's own limits")
        yield fault(reached, finding_pb2.CAUSE_HOST, volts, [stated(section, sensor=name, **volts)], name)


def judge_ipmi(section: section_pb2.Section, context: Context) -> Iterator[finding_pb2.Finding]:
    """Sensors that the management controller itself calls out of bounds.

    It watches power supplies, fans and temperatures that the operating system does not see, and goes on when that
    does not.
    """
    for sensor in section.ipmi.sensors:
        if (state := IPMI_STATES.get(sensor.state)) is not None:
            evidence = prove(section, "ipmitool -c sdr", (sensor.name,), sensor=sensor.name, state=sensor.state)
            reached = Reached(state, f"state is {sensor.state}")
            yield fault(reached, finding_pb2.CAUSE_HOST, {"value": _value(sensor)}, evidence, sensor.name)


def _value(sensor: section_storage_pb2.IpmiSensor) -> str:
    return f"{sensor.value} {sensor.unit}".strip() or "-"


ALL = (
    Check(
        id="hw.volt",
        judge=judge_voltage,
        reads="sensors",
        fields=("voltages",),
        threshold="warn: volts outside of the chip's own limits",
        threshold_source="docs.kernel.org hwmon/sysfs-interface.rst (inN_min, inN_max)",
    ),
    Check(
        id="hw.ipmi",
        judge=judge_ipmi,
        reads="ipmi",
        fields=("sensors",),
        threshold="warn: non-critical (nc); critical: critical and non-recoverable (cr, nr), as the controller says",
        threshold_source="the controller's own thresholds (IPMI 2.0, 42.1); netdata ipmi.conf",
    ),
)
