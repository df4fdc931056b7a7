"""Sensors of the board's management controller, which sees power supplies and fans that the system does not."""

from __future__ import annotations

from caseprobe.errors import MachineAbsent
from caseprobe.parse.ipmi_sdr import parse_ipmi_sdr
from caseprobe.v1 import section_storage_pb2
from caseprobe_agent.machine import Machine
from caseprobe_agent.probes.probe import Measured, Notes, output_of

DEVICES = ("/dev/ipmi0", "/dev/ipmi/0", "/dev/ipmidev/0")
IPMITOOL = ("ipmitool", "-c", "sdr")
SENSORS_AT_MOST = 500
# Some controllers take half a minute for two hundred sensors.
TOOL_SECONDS = 40.0


def measure(machine: Machine, _earlier: object | None) -> Measured:
    """Every sensor with its state; absent where the machine has no such controller."""
    if not any(machine.exists(device) for device in DEVICES):
        raise MachineAbsent("this machine has no management controller (IPMI)")
    notes = Notes()
    text = output_of(machine, IPMITOOL, TOOL_SECONDS)
    sensors = parse_ipmi_sdr(text)[:SENSORS_AT_MOST]
    notes.quote(" ".join(IPMITOOL), text)
    return notes.measured(section_storage_pb2.IpmiFacts(sensors=sensors))
