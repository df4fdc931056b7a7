"""One message of a log, whatever kept it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

KERNEL = "kernel"
# Levels of syslog (RFC 5424, 6.2.1): smaller is worse.
ERROR, WARNING, INFO = 3, 4, 6
# Facilities: the kernel is 0; programs that say nothing are 1.
USER = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """What is not told is None or empty.

    at: seconds since 1970; seconds: since boot, on the clock of the kernel. level: 0 (worst) to 7. kernel: the kernel
    itself wrote it. sequence counts up in its source, and is what a reader remembers to go on from; sequence_id names
    who counts, where there may be several.
    """

    text: str
    program: str = ""
    at: float | None = None
    seconds: float | None = None
    level: int | None = None
    pid: int | None = None
    unit: str = ""
    host: str = ""
    kernel: bool = False
    sequence: int = 0
    sequence_id: str = ""

    def line(self) -> str:
        """As syslog daemons write it, on one line, with its level before it where that is known.

        >>> Entry("disk lost", "app", at=0.5, pid=7, host="db7", level=3).line()
        '<11>1970-01-01T00:00:00.500000+00:00 db7 app[7]: disk lost'
        """
        program = self.program.translate(_CONTROLS).translate(_BORDERS) or "unknown"
        if self.kernel:
            origin, facility = KERNEL, 0
        else:
            # A program that calls itself "kernel" must not look like it.
            numbered = self.pid is not None or program == KERNEL
            origin, facility = f"{program}[{self.pid or 0}]" if numbered else program, USER
        level = "" if self.level is None else f"<{facility * 8 + self.level}>"
        host = self.host.translate(_CONTROLS).replace(" ", "") or "localhost"
        return f"{level}{_moment(self.at)} {host} {origin}: {self.text.translate(_CONTROLS)}"


# A message decides nothing about the lines of the log that it is written into.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), 127, 0x85, 0x2028, 0x2029)} | {10: "\\n", 9: "\t"}
_BORDERS = {ord(one): "_" for one in " :[]\t"}


def _moment(at: float | None) -> str:
    try:
        return datetime.fromtimestamp(at or 0.0, UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError, OSError):
        return "1970-01-01T00:00:00.000000+00:00"
