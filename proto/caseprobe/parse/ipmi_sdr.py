"""ipmitool -c sdr: sensors of the board's management controller, one a line, fields apart by commas."""

from __future__ import annotations

from caseprobe.v1 import section_storage_pb2

# CPU Temp,45,degrees C,ok
# FAN 3,,,ns
# PS2 Status,0x03,discrete,cr
# Entities of ipmitool 1.8.19's ipmi_sdr_get_thresh_status: ok, nc (non-critical), cr, nr (non-recoverable), us, ns.
STATES = frozenset({"ok", "nc", "cr", "nr", "us", "ns", "lnc", "lcr", "lnr", "unc", "ucr", "unr"})


def parse_ipmi_sdr(text: str) -> list[section_storage_pb2.IpmiSensor]:
    """Every sensor that tells a state; raises ValueError where none does.

    >>> parse_ipmi_sdr("CPU Temp,45,degrees C,ok\\nFAN 3,,,ns\\n")[0].value
    '45'
    """
    rows = (line.split(",") for line in text.splitlines())
    found = [
        section_storage_pb2.IpmiSensor(name=row[0].strip(), value=row[1], unit=row[2], state=row[3].strip())
        for row in rows
        if len(row) >= 4 and row[3].strip() in STATES
    ]
    if not found:
        raise ValueError("ipmitool printed something that is no list of sensors")
    return found
