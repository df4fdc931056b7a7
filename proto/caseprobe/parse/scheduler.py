"""/proc/PID/sched and /proc/PID/stack: since when a process waits, and where in the kernel."""

from __future__ import annotations

import re

# se.exec_start                                :      12945746.112000
EXEC_START = re.compile(r"(?m)^se\.exec_start\s*:\s*(\d{1,18}(?:\.\d+)?)\s*$")
# [<0>] percpu_rwsem_wait+0x112/0x140
FRAME = re.compile(r"(?m)^\[<[0-9a-f]*>\] ([A-Za-z_][\w.]*)")


def parse_last_run_seconds(text: str) -> float | None:
    """When the scheduler last let it run, in seconds on the scheduler's own clock; None where the text does not tell.

    >>> parse_last_run_seconds("se.exec_start    :   1500.250000\\n")
    1.50025
    """
    match = EXEC_START.search(text)
    return float(match[1]) / 1000 if match else None


def parse_kernel_stack(text: str) -> list[str]:
    """The kernel's functions, innermost first, without offsets.

    >>> parse_kernel_stack("[<0>] io_schedule+0x46/0x70\\n[<0>] folio_wait_bit+0x12/0x1\\n")
    ['io_schedule', 'folio_wait_bit']
    """
    return FRAME.findall(text)
