"""What the privileged reader may be asked: compiled-in reads by number, and which paths and programs each stands for.

Both sides go by this list. A question is one byte, the number of a read; what is answered are parts (parts.py).
"""

from __future__ import annotations

import re
from enum import IntEnum

SOCKET = "/run/caseprobe-reader.sock"
ADVICE = "run as root, or set up the reader (`caseprobe service`), to include"


class Read(IntEnum):
    """Every read that there is."""

    KERNEL_LOG = 1
    FIRMWARE = 2
    DISKS = 3
    OPEN_FILES = 4
    BOARD_SENSORS = 5
    CRASH_RECORDS = 6

    @property
    def word(self) -> str:
        """Its name in logs and in snapshots."""
        return self.name.lower()


KERNEL_LOG, CRASH_RECORDS = "/dev/kmsg", "/sys/fs/pstore"
FIRMWARE = tuple(f"/sys/class/dmi/id/{name}" for name in ("product_serial", "product_uuid"))
OPEN_FILES = re.compile(r"/proc/[1-9]\d{0,9}/fd")
PATHS = {
    KERNEL_LOG: Read.KERNEL_LOG,
    CRASH_RECORDS: Read.CRASH_RECORDS,
    **dict.fromkeys(FIRMWARE, Read.FIRMWARE),
}
PROGRAMS = {"smartctl": Read.DISKS, "ipmitool": Read.BOARD_SENSORS}


def read_of(path: str) -> Read | None:
    """The read that gives what a file or folder may hide; None where none does.

    >>> read_of("/proc/12/fd"), read_of("/etc/shadow")
    (<Read.OPEN_FILES: 4>, None)
    """
    return Read.OPEN_FILES if OPEN_FILES.fullmatch(path) else PATHS.get(path)


def advice(path: str) -> str:
    """What to do where a path is denied.

    >>> advice("/etc/shadow")
    'run as root to include it'
    """
    return "run as root to include it" if read_of(path) is None else f"{ADVICE} it"
