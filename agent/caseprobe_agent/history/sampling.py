"""One sample of this machine: some thirty figures, read in a few hundred microseconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from caseprobe.errors import MeasurementError
from caseprobe_agent.history.figures import (
    KIB,
    MILLI,
    Figure,
    Key,
    counted,
    disks,
    interfaces,
    number,
    processors,
    retransmitted,
    shares,
    stalls,
)
from caseprobe_agent.machine import Machine

# Not disks of their own, as in the probe of disks; drives for media are left in peace.
NO_DISKS = ("dm-", "drbd", "fd", "loop", "md", "nbd", "ram", "rbd", "sr", "zd", "zram")
# Asking a disk for its temperature may wake it.
ASKS_A_DISK = "drivetemp"
BLOCK, NET, HWMON = "/sys/block", "/sys/class/net", "/sys/class/hwmon"
# What there is, and how warm it is, is looked up with every so many samples.
SLOWLY = 6
OBJECTS_AT_MOST = 20
COUNTED = ((b"ctxt ", "cpu.switches_per_second"),)
VMSTAT = ((b"pgmajfault ", "memory.major_faults_per_second"), (b"oom_kill ", "memory.oom_kills_per_second"))
TASKS = ((b"procs_running ", "tasks.running"), (b"procs_blocked ", "tasks.blocked"))
MEMORY = ((b"MemAvailable:", "memory.available_bytes"), (b"Dirty:", "memory.dirty_bytes"))
SWAP = ((b"SwapTotal:", "total"), (b"SwapFree:", "free"))
# Documentation/ABI/testing/dev-kmsg: a read gives one record, "level,sequence,microseconds,…;text".
KMSG, RECORD_BYTES, RECORDS_AT_MOST = "/dev/kmsg", 8192, 20_000
ERROR, WARNING = 3, 4
# What is behind this many faults of different objects is counted without an object.
FAULTS_AT_MOST = 50
Read = Callable[[int, int], bytes]


class Sampler:
    """Takes samples of one machine; rates are over the time since its last sample."""

    def __init__(self, machine: Machine, kernel: Read | None = None) -> None:
        """kernel: reads the next record of the kernel's log; without it its messages are not counted."""
        self._machine = machine
        self._kernel = kernel
        self._taken = 0
        self._at_seconds = 0.0
        self._before: dict[Key, float] = {}
        self._disks: list[str] = []
        self._interfaces: list[str] = []
        self._sensors: list[tuple[str, str]] = []
        self._fault_keys: set[Key] = set()

    def take(self) -> dict[Key, float]:
        """Every figure that can be read now, with four digits; the first sample tells no rates."""
        slowly = self._taken % SLOWLY == 0
        if slowly:
            self._look_around()
        now = self._machine.monotonic_seconds()
        stat = self._read("/proc/stat")
        counters = dict(self._counters(stat))
        seconds = now - self._at_seconds
        rates = {key: max(0.0, value - self._before[key]) for key, value in counters.items() if key in self._before}
        found = dict(shares({key: value / seconds for key, value in rates.items()})) if seconds > 0 else {}
        found.update(self._levels(stat))
        found.update(self._told_by_the_kernel())
        if slowly:
            found.update(self._temperatures())
        self._before, self._at_seconds, self._taken = counters, now, self._taken + 1
        return {key: float(f"{value:.4g}") for key, value in found.items()}

    def _look_around(self) -> None:
        self._disks = [name for name in self._names(BLOCK) if not name.startswith(NO_DISKS)][:OBJECTS_AT_MOST]
        # Bridges, tunnels and the ends in containers come and go; what is behind them shows on these.
        real = (name for name in self._names(NET) if self._machine.exists(f"{NET}/{name}/device"))
        self._interfaces = list(real)[:OBJECTS_AT_MOST]
        self._sensors = list(self._temperature_files())[:OBJECTS_AT_MOST]

    def _counters(self, stat: bytes) -> Iterator[Figure]:
        """What only counts up, in the unit whose rate is the figure."""
        yield from processors(stat)
        yield from counted(stat, COUNTED)
        yield from counted(self._read("/proc/vmstat"), VMSTAT)
        for resource in ("cpu", "memory", "io"):
            yield from stalls(resource, self._read(f"/proc/pressure/{resource}"))
        yield from disks(self._read("/proc/diskstats"), self._disks)
        yield from interfaces(self._read("/proc/net/dev"), self._interfaces)
        yield from retransmitted(self._read("/proc/net/snmp"))

    def _levels(self, stat: bytes) -> Iterator[Figure]:
        """What goes up and down."""
        yield from counted(stat, TASKS)
        memory = self._read("/proc/meminfo")
        yield from counted(memory, MEMORY, KIB)
        swap = {name: value for (name, _), value in counted(memory, SWAP, KIB)}
        if len(swap) == len(SWAP):
            yield ("swap.used_bytes", ""), swap["total"] - swap["free"]
        if (load := number(self._read("/proc/loadavg").partition(b" ")[0])) is not None:
            yield ("cpu.load1", ""), load

    def _told_by_the_kernel(self) -> Iterator[Figure]:
        """Errors, warnings and faults since the last sample; what was told before the first one is passed over."""
        if self._kernel is None:
            return
        if not self._taken:
            # As many as fit into the kernel's ring: none of them is kept.
            sum(1 for _ in _messages(self._kernel))
            return
        told = list(_messages(self._kernel))
        yield ("kernel.errors", ""), sum(level <= ERROR for level, _ in told)
        yield ("kernel.warnings", ""), sum(level == WARNING for level, _ in told)
        yield from self._faults([text for level, text in told if level <= WARNING])

    def _faults(self, texts: Sequence[str]) -> Iterator[Figure]:
        if not texts:
            return
        # Its forms are some 200 KiB that an agent does without whose kernel never complains.
        from caseprobe.parse.logs.faults import BESIDE, classify

        counts: dict[Key, int] = {}
        for fault, obj in filter(None, map(classify, texts)):
            key = (f"kernel.fault.{fault}", obj)
            if fault in BESIDE:
                continue
            if key not in self._fault_keys and len(self._fault_keys) >= FAULTS_AT_MOST:
                key = (f"kernel.fault.{fault}", "")
            self._fault_keys.add(key)
            counts[key] = counts.get(key, 0) + 1
        yield from counts.items()

    def _temperature_files(self) -> Iterator[tuple[str, str]]:
        """Each sensor's name and its file."""
        for chip in self._names(HWMON):
            name = self._read(f"{HWMON}/{chip}/name").decode("utf-8", "replace").strip()
            for file in self._names(f"{HWMON}/{chip}") if name != ASKS_A_DISK else ():
                if file.startswith("temp") and file.endswith("_input"):
                    yield f"{name} {chip} {file.removesuffix('_input')}", f"{HWMON}/{chip}/{file}"

    def _temperatures(self) -> Iterator[Figure]:
        for sensor, path in self._sensors:
            if (value := number(self._read(path))) is not None:
                yield ("sensor.temperature_celsius", sensor), value * MILLI

    def _read(self, path: str) -> bytes:
        """Nothing where it cannot be read."""
        try:
            return self._machine.read_bytes(path)
        except MeasurementError:
            return b""

    def _names(self, folder: str) -> list[str]:
        try:
            return self._machine.list_dir(folder)
        except MeasurementError:
            return []


def _messages(read: Read) -> Iterator[tuple[int, str]]:
    """Level and text of every message of the kernel itself that was not read yet (facility 0, as syslog counts)."""
    for _ in range(RECORDS_AT_MOST):
        try:
            record = read(0, RECORD_BYTES)
        except MeasurementError:
            # There is no more; or it was written over meanwhile, and the next sample goes on behind that.
            return
        if not record:
            return
        head, _, text = record.partition(b";")
        priority = head.partition(b",")[0]
        if priority.isdigit() and int(priority) < 8:
            yield int(priority), text.partition(b"\n")[0].decode("utf-8", "replace")
