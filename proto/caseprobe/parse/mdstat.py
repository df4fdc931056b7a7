"""/proc/mdstat: Linux software RAID."""

from __future__ import annotations

import re
from collections.abc import Iterator

from caseprobe.v1 import section_pb2

# Personalities : [raid1] [raid6] [raid5] [raid4]
# md0 : active raid1 sdb1[1] sda1[0](F)
#       1046528 blocks super 1.2 [2/1] [_U]
#       [=>...................]  recovery = 12.6% (37043392/292945152) finish=127.5min speed=33440K/sec
# md127 : inactive sdc1[0](S)
#       1048576 blocks super 1.2
# unused devices: <none>
ARRAY = re.compile(r"^(\S+) : (active|inactive|broken)(?: \([\w-]+\))*(?: (?!\S+[\[(])(\S+))? ?(.*)$")
MEMBER = re.compile(r"(\S+?)(?:\[\d+\]((?:\([A-Z]\))*)|((?:\([A-Z]\))+))(?=\s|$)")
FLAG = re.compile(r"\([A-Z]\)")
SUPER = re.compile(r"\bsuper (\S+)")
COUNTS = re.compile(r"\[(\d{1,9})/(\d{1,9})\]")
PROGRESS = re.compile(r"(recovery|resync|check|reshape|repair)\s*=\s*(\d+(?:\.\d+)?)%")
PENDING = re.compile(r"(recovery|resync|reshape)=(?:DELAYED|PENDING)")
BUSY = {
    "recovery": "recovering",
    "resync": "resyncing",
    "check": "checking",
    "reshape": "reshaping",
    "repair": "repairing",
}


def parse_mdstat(text: str) -> list[section_pb2.Array]:
    """Every array in the kernel's order.

    state: active, degraded (a member is missing), recovering, resyncing, checking, reshaping, repairing, inactive or
    broken. Levels without spare members (raid0, linear) tell no counts: their members are all there are.

    >>> parse_mdstat("md0 : active raid1 sdb1[1] sda1[0](F)\\n  9 blocks [2/1] [_U]")[0].failed_members
    ['sda1']
    """
    return [_array(match, details) for match, details in _blocks(text)]


def _blocks(text: str) -> Iterator[tuple[re.Match[str], str]]:
    """The line of each array, and the indented lines that follow it."""
    head: re.Match[str] | None = None
    details: list[str] = []
    for line in [*text.splitlines(), ":"]:
        if line[:1].isspace():
            details.append(line)
            continue
        if head is not None:
            yield head, "\n".join(details)
        head, details = ARRAY.match(line), []


def _array(head: re.Match[str], details: str) -> section_pb2.Array:
    members = [(name, flags or alone) for name, flags, alone in MEMBER.findall(head[4])]
    # (F) failed, (S) spare, (J) journal, (R) takes another one's place; (W) is read last and still a member.
    working = [name for name, flags in members if not {"(F)", "(S)", "(J)", "(R)"} & set(FLAG.findall(flags))]
    array = section_pb2.Array(
        name=head[1],
        level=head[3] or "",
        members_total=len(working),
        members_active=len(working),
        failed_members=sorted(name for name, flags in members if "(F)" in flags),
        spare_members=sorted(name for name, flags in members if "(S)" in flags),
    )
    if (form := SUPER.search(details)) is not None:
        array.metadata = form[1]
    if (counts := COUNTS.search(details)) is not None:
        array.members_total, array.members_active = int(counts[1]), int(counts[2])
    array.state = head[2] if head[2] != "active" else _state(array, details)
    return array


def _state(array: section_pb2.Array, details: str) -> str:
    """What an active array does; a recovery that waits for its turn has done nothing yet."""
    if (progress := PROGRESS.search(details)) is not None:
        array.recovery_ratio = float(progress[2]) / 100
        return BUSY[progress[1]]
    if (pending := PENDING.search(details)) is not None:
        array.recovery_ratio = 0.0
        return BUSY[pending[1]]
    return "degraded" if array.members_active < array.members_total else "active"
