"""What the kernel's tables tell, as figures: bytes in, (name, object) and number out; what is not told is left out.

The parsers of the probes make messages with every field; ten seconds for ten seconds that would cost ten times as much.
Sources: the kernel's Documentation/filesystems/proc.rst, admin-guide/iostats.rst, accounting/psi.rst.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

Key = tuple[str, str]
Figure = tuple[Key, float]

SECTOR_BYTES, KIB, MILLI, MICRO = 512, 1024, 1e-3, 1e-6
# Where these stand in a line of /proc/diskstats, and what one of each is.
DISK = (
    ("disk.read_bytes_per_second", 5, SECTOR_BYTES),
    ("disk.written_bytes_per_second", 9, SECTOR_BYTES),
    ("disk.busy_ratio", 12, MILLI),
    ("disk.queue_length", 13, MILLI),
)
# The same for /proc/net/dev, behind the name.
INTERFACE = (
    ("net.received_bytes_per_second", (0,)),
    ("net.sent_bytes_per_second", (8,)),
    ("net.errors_per_second", (2, 10)),
    ("net.drops_per_second", (3, 11)),
)
# Columns of the first line of /proc/stat that are shares of their own; the idle ones are those that nothing used.
CPU = (("cpu.iowait_ratio", 4), ("cpu.steal_ratio", 7))
IDLE = (3, 4)
TICKS, BUSY = ("cpu.ticks", ""), ("cpu.busy_ratio", "")
TCP_RETRANSMITTED = 12


def processors(stat: bytes) -> Iterator[Figure]:
    """Ticks of all processors together: the busy ones, some kinds, and all of them.

    >>> dict(processors(b"cpu  4 0 1 5 2"))[BUSY]
    5
    """
    ticks = [int(word) for word in stat.partition(b"\n")[0].split()[1:9] if word.isdigit()]
    if len(ticks) < 4:
        return
    yield TICKS, sum(ticks)
    yield BUSY, sum(ticks) - sum(ticks[at] for at in IDLE if at < len(ticks))
    for name, at in CPU:
        if at < len(ticks):
            yield (name, ""), ticks[at]


def shares(rates: Mapping[Key, float]) -> Iterator[Figure]:
    """The same rates, with those of ticks as parts of all ticks."""
    ticks = rates.get(TICKS, 0.0)
    for key, value in rates.items():
        if key == BUSY or key[0] in dict(CPU):
            if ticks:
                yield key, min(1.0, value / ticks)
        elif key != TICKS:
            yield key, value


def stalls(resource: str, pressure: bytes) -> Iterator[Figure]:
    """Seconds that tasks waited for a resource since boot: some of them, and all at once.

    >>> dict(stalls("io", b"some avg10=0.00 avg60=0.00 avg300=0.00 total=2000000"))
    {('pressure.io_some_ratio', ''): 2.0}
    """
    for line in pressure.splitlines():
        kind, _, rest = line.partition(b" ")
        total = rest.rpartition(b"total=")[2]
        # All processors cannot wait for a processor.
        if total.isdigit() and kind in ((b"some",) if resource == "cpu" else (b"some", b"full")):
            yield (f"pressure.{resource}_{kind.decode()}_ratio", ""), int(total) * MICRO


def disks(diskstats: bytes, known: Collection[str]) -> Iterator[Figure]:
    """Bytes, seconds busy and seconds of all requests together since boot, of these disks."""
    for line in diskstats.splitlines():
        words = line.split()
        if len(words) >= 14 and (name := words[2].decode("utf-8", "replace")) in known:
            for figure, at, unit in DISK:
                if words[at].isdigit():
                    yield (figure, name), int(words[at]) * unit


def interfaces(net_dev: bytes, known: Collection[str]) -> Iterator[Figure]:
    """Bytes, errors and drops since they came up, of these interfaces."""
    for line in net_dev.splitlines():
        name, colon, rest = line.decode("utf-8", "replace").rpartition(":")
        words = rest.split()
        if colon and len(words) >= 12 and name.strip() in known and all(word.isdecimal() for word in words[:12]):
            for figure, places in INTERFACE:
                yield (figure, name.strip()), sum(int(words[at]) for at in places)


def retransmitted(snmp: bytes) -> Iterator[Figure]:
    """TCP's segments that were sent again since boot; the second of two lines holds the numbers."""
    words = snmp.rpartition(b"\nTcp: ")[2].partition(b"\n")[0].split()
    if len(words) > TCP_RETRANSMITTED - 1 and words[TCP_RETRANSMITTED - 1].isdigit():
        yield ("tcp.retransmitted_per_second", ""), int(words[TCP_RETRANSMITTED - 1])


def counted(text: bytes, names: Iterable[tuple[bytes, str]], unit: int = 1) -> Iterator[Figure]:
    """The number behind each of these beginnings of a line.

    >>> dict(counted(b"a 1\\nprocs_running 3\\n", ((b"procs_running ", "tasks.running"),)))
    {('tasks.running', ''): 3}
    """
    for beginning, name in names:
        at = 0 if text.startswith(beginning) else text.find(b"\n" + beginning) + 1
        words = text[at + len(beginning) : at + len(beginning) + 40].split(None, 1)
        if (at or text.startswith(beginning)) and words and words[0].isdigit():
            yield (name, ""), int(words[0]) * unit


def number(text: bytes) -> float | None:
    """A number as the kernel writes one; None for anything else."""
    try:
        return float(text)
    except ValueError:
        return None
