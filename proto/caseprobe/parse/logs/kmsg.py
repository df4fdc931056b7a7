"""/dev/kmsg: the kernel's ring of messages."""

from __future__ import annotations

import re
from dataclasses import dataclass

# 6,1234,5678901,-;usb 1-1: new high-speed USB device number 2 using xhci_hcd
#  SUBSYSTEM=usb
#  DEVICE=c189:1
# 30,1235,5679000,-;systemd[1]: Started Journal Service.
KERNEL, ERROR, WARNING = 0, 3, 4
RECORD = re.compile(r"([0-9]{1,18}),([0-9]{1,18}),([0-9]{1,18})(?:,[^;]*)?;(.*)", re.DOTALL)


@dataclass(frozen=True)
class Record:
    """One message; seconds since boot on the kernel's own clock; facility 0 is the kernel itself."""

    level: int
    facility: int
    sequence: int
    seconds: float
    text: str

    def line(self) -> str:
        """As `dmesg --raw` writes it, so that the usual tools read it too."""
        return f"<{self.facility * 8 + self.level}>[{self.seconds:12.6f}] {self.text}"


def parse_kmsg(text: str) -> list[Record]:
    """Every record, the oldest first; the lines of device properties below a record are left out.

    >>> parse_kmsg("3,7,1500000,-;ata1: COMRESET failed\\n SUBSYSTEM=ata\\n")[0].line()
    '<3>[    1.500000] ata1: COMRESET failed'
    """
    lines = (line for line in text.split("\n") if line and not line.startswith(" "))
    return [record for line in lines if (record := _record(line)) is not None]


def _record(line: str) -> Record | None:
    match = RECORD.match(line)
    if match is None:
        return None
    priority, sequence, microseconds, message = match.groups()
    return Record(int(priority) & 7, int(priority) >> 3, int(sequence), int(microseconds) / 1e6, message)
