"""/proc/stat: where the processors' time went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# cpu  36228 0 9705 534995 1891 0 346 2711 0 0
# cpu0 9582 0 4214 277055 442 0 37 1505 0 0


@dataclass(frozen=True)
class CpuTimes:
    """Time in ticks since boot; guests' time is part of user, as the kernel counts it."""

    user: int
    nice: int
    system: int
    idle: int
    iowait: int
    irq: int
    softirq: int
    steal: int

    @property
    def total(self) -> int:
        """All ticks."""
        fields = (self.user, self.nice, self.system, self.idle, self.iowait, self.irq, self.softirq, self.steal)
        return sum(fields)

    def since(self, earlier: CpuTimes) -> CpuTimes:
        """The ticks between two moments; a counter that went back (iowait does) counts as still.

        >>> CpuTimes(5, 0, 0, 9, 2, 0, 0, 0).since(CpuTimes(3, 0, 0, 9, 3, 0, 0, 0)).total
        2
        """
        return CpuTimes(*(max(0, getattr(self, name) - getattr(earlier, name)) for name in FIELDS))


FIELDS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")


def parse_cpu_times(text: str) -> Mapping[str, CpuTimes]:
    """The lines "cpu" (all together), "cpu0" … by their name; columns that an old kernel lacks are 0.

    Raises ValueError where there is no line of all together.

    >>> parse_cpu_times("cpu  4 0 1 5")["cpu"].total
    10
    """
    found = {}
    for line in text.splitlines():
        name, *columns = line.split() or [""]
        if name.startswith("cpu") and len(columns) >= 4 and all(column.isdecimal() for column in columns):
            numbers = [int(column) for column in columns[:8]]
            found[name] = CpuTimes(*(numbers + [0] * (8 - len(numbers))))
    if "cpu" not in found:
        raise ValueError("/proc/stat has no line of all processors together")
    return found
