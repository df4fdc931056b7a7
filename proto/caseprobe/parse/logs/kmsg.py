"""/dev/kmsg: the kernel's ring of messages."""

from __future__ import annotations

import re
from typing import NamedTuple

# 6,1234,5678901,-;usb 1-1: new high-speed USB device number 2 using xhci_hcd
#  SUBSYSTEM=usb
#  DEVICE=c189:1
# 30,1235,5679000,-;systemd[1]: Started Journal Service.
KERNEL, ERROR, WARNING = 0, 3, 4
# No space begins a record, so that the lines of properties are passed over; one look takes the whole ring apart.
RECORD = re.compile(r"^([0-9]{1,18}),([0-9]{1,18}),([0-9]{1,18})(?:,[^;\n]*)?;([^\n]*)", re.MULTILINE)


class Record(NamedTuple):
    """One message; seconds since boot on the kernel's own clock; facility 0 is the kernel itself."""

    level: int
    facility: int
    sequence: int
    seconds: float
    text: str

    def line(self) -> str:
        """As `dmesg --raw` writes it, so that the usual tools read it too."""
        return f"<{self.facility * 8 + self.level}>[{self.seconds:12.6f}] {self.text}"


def ring_lines(text: str) -> list[str]:
    """The line() of every record, the oldest first, without making the records.

    >>> ring_lines("30,7,1500000,-;systemd[1]: Started\\n SUBSYSTEM=ata\\n")
    ['<30>[    1.500000] systemd[1]: Started']
    """
    return [
        f"<{int(priority)}>[{int(microseconds) / 1e6:12.6f}] {message}"
        for priority, _, microseconds, message in RECORD.findall(text)
    ]


def ring_sequences(text: str) -> list[int]:
    """The sequence of every record, in the order of ring_lines.

    >>> ring_sequences("30,7,1500000,-;systemd[1]: Started\\n SUBSYSTEM=ata\\n")
    [7]
    """
    return [int(sequence) for _, sequence, _, _ in RECORD.findall(text)]


def parse_kmsg(text: str) -> list[Record]:
    """Every record, the oldest first; the lines of device properties below a record are left out.

    >>> parse_kmsg("3,7,1500000,-;ata1: COMRESET failed\\n SUBSYSTEM=ata\\n")[0].line()
    '<3>[    1.500000] ata1: COMRESET failed'
    """
    return [
        Record(int(priority) & 7, int(priority) >> 3, int(sequence), int(microseconds) / 1e6, message)
        for priority, sequence, microseconds, message in RECORD.findall(text)
    ]
