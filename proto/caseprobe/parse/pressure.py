"""/proc/pressure/{cpu,memory,io}: how much time tasks lost waiting."""

from __future__ import annotations

from caseprobe.v1 import section_pb2

# some avg10=0.00 avg60=1.32 avg300=0.54 total=2451230
# full avg10=0.00 avg60=0.00 avg300=0.00 total=0
WINDOWS = ("avg10", "avg60", "avg300")


def parse_pressure(text: str) -> section_pb2.Pressure:
    """The shares as ratios (the kernel writes percent); a missing line is zero, as for "full" of cpu before 5.13.

    Raises ValueError where the text holds no "some" line.

    >>> parse_pressure("some avg10=50.00 avg60=1.00 avg300=0.00 total=1").some_avg10_ratio
    0.5
    """
    pressure = section_pb2.Pressure()
    kinds = set()
    for line in text.splitlines():
        kind, *pairs = line.split()
        kinds.add(kind)
        values = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        for window in WINDOWS if kind in ("some", "full") else ():
            setattr(pressure, f"{kind}_{window}_ratio", float(values.get(window, "0")) / 100)
    if "some" not in kinds:
        raise ValueError('no pressure is told: a line that begins with "some" is missing')
    return pressure
