"""One deadline for all of a run: set-up, measuring, redacting, packing. What no longer fits is left out by name."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from caseprobe.errors import MeasurementError
from caseprobe.parse.process_files import parse_process_stat

if TYPE_CHECKING:
    from caseprobe_agent.machine import Machine

# What redacting, judging and writing a snapshot without artifacts take on a slow machine, and at most this share.
PACKING_SECONDS, PACKING_SHARE = 3.0, 0.3
# The end takes no more work than the start: whoever was slow to start is slow to end. At most this share.
SLOW_SHARE = 0.5
# Who does not answer meanwhile is not waited for: what is measured can be sent later.
CONTACT_SHARE = 0.25
# Artifacts go through the pipe at some 10 MB/s; so slowly only where the machine is busy.
SLOWEST_BYTES_PER_SECOND = 2 << 20
LATE = "left out: the deadline of {seconds:g} s left no time to make it safe"


@dataclass(frozen=True)
class Deadline:
    """So many seconds from its beginning, by a clock that never jumps; begun_at None: from now on."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    begun_at: float | None = None
    end: float = field(init=False)
    packing_seconds: float = field(init=False)

    def __post_init__(self) -> None:
        now = self.clock()
        begun = now if self.begun_at is None else self.begun_at
        slow = min(now - begun, self.seconds * SLOW_SHARE)
        packing = max(slow, min(PACKING_SECONDS, self.seconds * PACKING_SHARE))
        object.__setattr__(self, "end", begun + self.seconds)
        object.__setattr__(self, "packing_seconds", packing)

    @property
    def left(self) -> float:
        """Seconds until the end, 0 after it."""
        return max(0.0, self.end - self.clock())

    @property
    def measuring_seconds(self) -> float:
        """How long measuring may take from now on, so that packing has its time."""
        return max(0.0, self.left - self.packing_seconds)

    @property
    def contact_seconds(self) -> float:
        """How long the collector may take to answer before anything is measured."""
        return self.left * CONTACT_SHARE

    def objection(self, size_bytes: int) -> str:
        """Why an artifact of this size is left out now; empty where there is time for it."""
        return "" if size_bytes <= self.left * SLOWEST_BYTES_PER_SECOND else LATE.format(seconds=self.seconds)


def started_at(machine: Machine) -> float:
    """When this process was started, by the clock of a deadline; now where the system does not tell."""
    try:
        ticks = parse_process_stat(machine.read_text("/proc/self/stat")).start_ticks
    except (MeasurementError, ValueError):
        return time.monotonic()
    return time.monotonic() - max(0.0, machine.boottime_seconds() - ticks / machine.ticks_per_second())
