"""What lies below what on this machine: mount, volume, array, partition, disk, port, controller."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from caseprobe.v1 import finding_pb2, section_pb2, snapshot_pb2

PARTITION = re.compile(r"((?:nvme\d+n\d+|mmcblk\d+|md\d+|nbd\d+)(?=p\d)|(?:[shv]d|xvd)[a-z]+(?=\d))p?\d+")
NAMESPACE = re.compile(r"(nvme\d+)n\d+")
DISK = re.compile(r"(?:[shv]d|xvd)[a-z]+|nvme\d+|mmcblk\d+")
# "sd 2:0:0:0: [sdb]" in a line ties both names together, also where no fact does.
ADDRESSED = re.compile(r"\bsd (\d+:\d+:\d+:\d+): \[(sd[a-z]+)\]")
# "pcieport 0000:00:1c.0: AER: Corrected error received: 0000:01:00.0": the second lies behind the first.
BEHIND = re.compile(r"\b([0-9a-f]{4}:[0-9a-f:.]{7}): AER: .* (?:received|from):? ([0-9a-f]{4}:[0-9a-f:.]{7})")
THREAD = re.compile(r"(?:jbd2|xfsaild|xfs-\w+|dmcrypt_write|kdmflush)/(?P<device>[\w!.-]+?)(?:-\d+)?")
STEPS_AT_MOST = 200


def is_disk(name: str) -> bool:
    """True for the name of a whole disk.

    >>> is_disk("/dev/sda"), is_disk("sda1")
    (True, False)
    """
    return DISK.fullmatch(name.removeprefix("/dev/")) is not None


class Topology:
    """Which names stand for one thing, or for what it rests on."""

    def __init__(self, snapshot: snapshot_pb2.Snapshot, findings: Iterable[finding_pb2.Finding] = ()) -> None:
        """From the facts of a snapshot, and from lines that findings quote."""
        self._below: dict[str, set[str]] = {}
        self._known: dict[str, frozenset[str]] = {}
        self.default_interfaces: set[str] = set()
        for section in snapshot.sections:
            self._read(section)
        for finding in findings:
            for evidence in finding.evidence:
                self._quoted(evidence.text)

    def _quoted(self, line: str) -> None:
        for address, disk in ADDRESSED.findall(line):
            self._below.setdefault(disk, set()).add(address)
        for port, device in BEHIND.findall(line):
            self._below.setdefault(device, set()).add(port)

    def _read(self, section: section_pb2.Section) -> None:
        kind = section.WhichOneof("facts")
        if kind == "disks":
            for tie in section.disks.ties:
                self._below.setdefault(tie.name, set()).update(tie.below)
            for disk in section.disks.disks:
                for part in disk.partitions:
                    self._mounted(part.mount_point, part.name)
        elif kind == "filesystems":
            for filesystem in section.filesystems.filesystems:
                self._mounted(filesystem.mount_point, filesystem.device.removeprefix("/dev/"))
        elif kind == "routes":
            defaults = (route for route in section.routes.routes if route.destination == "default")
            self.default_interfaces.update(route.interface for route in defaults)

    def _mounted(self, mount_point: str, device: str) -> None:
        if mount_point and device:
            self._below.setdefault(mount_point, set()).add(device)

    def under(self, name: str) -> frozenset[str]:
        """The name itself and everything that it rests on."""
        if name not in self._known:
            self._known[name] = self._under(name)
        return self._known[name]

    def _under(self, name: str) -> frozenset[str]:
        found: set[str] = set()
        left = [name.removeprefix("/dev/") if name.startswith("/dev/") else name]
        while left and len(found) < STEPS_AT_MOST:
            one = left.pop()
            if one not in found:
                found.add(one)
                left.extend(self._next(one))
        return frozenset(found)

    def _next(self, name: str) -> Iterator[str]:
        yield from self._below.get(name, ())
        if match := PARTITION.fullmatch(name):
            yield match[1]
        if match := NAMESPACE.fullmatch(name):
            yield match[1]
        if match := THREAD.fullmatch(name):
            yield match["device"]

    def disks(self, name: str) -> frozenset[str]:
        """The disks among these; none where it is not known on which it lies."""
        return frozenset(one for one in self.under(name) if DISK.fullmatch(one))

    def one_thing(self, one: str, other: str) -> bool:
        """True where one of them rests on the other, or both on the same disk."""
        if not one or not other:
            return False
        below, above = self.under(one), self.under(other)
        return one in above or other in below or bool(self.disks(one) & self.disks(other))
