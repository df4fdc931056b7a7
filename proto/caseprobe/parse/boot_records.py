"""/var/log/wtmp: when the machine was booted and shut down, from the C library's login records."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

# struct utmp of the C library on all 64-bit Linux systems: 384 bytes; type, pid, line, id, user, host, exit, session,
# seconds, microseconds, address, reserved.
RECORD = struct.Struct("<hxxi32s4s32s256shhiii16s20s")
RUN_LEVEL, BOOT = 1, 2
FORMS = {(BOOT, b"reboot"): "boot", (RUN_LEVEL, b"shutdown"): "shutdown"}


@dataclass(frozen=True)
class BootRecord:
    """One boot or shutdown; seconds since 1970 by the machine's clock, which at boot may not be set yet."""

    kind: str
    at_seconds: int
    kernel: str

    def line(self) -> str:
        """As a person reads it."""
        return f"{self.kind} at {self.at_seconds} kernel {self.kernel}"


def parse_boot_records(data: bytes) -> list[BootRecord]:
    """Boots and shutdowns, the oldest first; data is the end of the file, whose first record may be cut.

    Raises ValueError where not one record has a known type, so that noise is not taken for "never booted".
    """
    count = len(data) // RECORD.size
    records = list(RECORD.iter_unpack(data[len(data) - count * RECORD.size :])) if count else []
    if records and not any(1 <= record[0] <= 9 for record in records):
        raise ValueError("the file holds no record of logins and boots")
    return list(_known(records))


def _known(records: list[tuple[int | bytes, ...]]) -> Iterator[BootRecord]:
    for record in records:
        kind, user, host, seconds = record[0], record[4], record[5], record[9]
        assert isinstance(kind, int) and isinstance(user, bytes) and isinstance(host, bytes)
        form = FORMS.get((kind, user.rstrip(b"\0")))
        if form is not None:
            yield BootRecord(form, int(seconds), host.partition(b"\0")[0].decode("utf-8", "replace"))


def ended_cleanly(records: list[BootRecord]) -> bool | None:
    """Whether a shutdown was written down before the newest boot; None where the record does not tell.

    It does not where it begins after the boot before, or holds no shutdown at all: some systems write none down.

    >>> boot, down = BootRecord("boot", 1, "6.1"), BootRecord("shutdown", 2, "6.1")
    >>> ended_cleanly([boot, down, boot]), ended_cleanly([boot, boot]), ended_cleanly([boot])
    (True, None, None)
    >>> ended_cleanly([boot, down, boot, boot])
    False
    """
    boots = [place for place, record in enumerate(records) if record.kind == "boot"]
    if not boots:
        return None
    before = [record.kind for record in records[: boots[-1]]]
    return before[-1] == "shutdown" if "shutdown" in before else None
