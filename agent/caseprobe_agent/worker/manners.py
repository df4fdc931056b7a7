"""How a process gives way to what the machine is there for."""

from __future__ import annotations

import contextlib
import ctypes
import os

# ioprio_set(2) has no function in the C library; its number by processor family (asm/unistd.h).
IOPRIO_SET = {"x86_64": 251, "aarch64": 30, "riscv64": 30, "ppc64le": 273, "s390x": 282}
# include/uapi/linux/ioprio.h: one process; class 3, whose turn comes when no other wants the disk.
WHO_PROCESS, CLASS_IDLE = 1, 3 << 13


def give_way() -> None:
    """Take only processor and disk time that nobody else wants, and so do all programs that this process starts.

    Where the system knows no such class, the usual share stays.
    """
    if hasattr(os, "SCHED_IDLE"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    number = IOPRIO_SET.get(os.uname().machine)
    if number is not None:
        ctypes.CDLL(None).syscall(number, WHO_PROCESS, 0, CLASS_IDLE)
