"""How a process gives way to what the machine is there for.

Classes and niceness of Linux's scheduler rank the tasks of one session only: where it keeps an automatic group for each
session, groups share the machine, and a session has a niceness of its own.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

# ioprio_set(2) has no function in the C library; its number by processor family (asm/unistd.h).
IOPRIO_SET = {"x86_64": 251, "aarch64": 30, "riscv64": 30, "ppc64le": 273, "s390x": 282}
# include/uapi/linux/ioprio.h: one process; class 3, whose turn comes when no other wants the disk.
WHO_PROCESS, CLASS_IDLE = 1, 3 << 13
# sched(7): "/autogroup-25 nice 0" is read, the niceness is written, and may be taken back by whoever gave it.
SESSION, THREADS = Path("/proc/self/autogroup"), Path("/proc/self/task")
# The share of the last ten seconds in which a task had to wait for a processor (PSI).
PRESSURE, CROWDED_RATIO = Path("/proc/pressure/cpu"), 0.25
# include/uapi/linux/capability.h; user_namespaces(7): who is in none of their own.
CAP_SYS_NICE, ALL_USERS = 23, ["0", "0", "4294967295"]
NICE, NICEST = 5, 19
MODEST_SECONDS = 2.0


def give_way() -> None:
    """Take only processor and disk time that nobody else wants, and so do all programs that this process starts.

    Where the system knows no such class, the usual share stays.
    """
    import ctypes  # a process that only lowers its share of processors does without

    lower_session()
    if hasattr(os, "SCHED_IDLE"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    number = IOPRIO_SET.get(os.uname().machine)
    if number is not None:
        ctypes.CDLL(None).syscall(number, WHO_PROCESS, 0, CLASS_IDLE)


def take_part() -> None:
    """Leave the class of who gives way, which a process that was started by one has inherited."""
    if hasattr(os, "SCHED_IDLE"):
        with contextlib.suppress(OSError):
            if os.sched_getscheduler(0) == os.SCHED_IDLE:
                os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def lower_session() -> int | None:
    """Puts this process's session behind all others; gives its niceness before, None where that stays.

    Only a session that this process leads is its own to put anywhere. Without privilege the kernel takes one such wish
    in a tenth of a second, from everybody together.
    """
    try:
        if os.getsid(0) != os.getpid():
            return None
        before = int(SESSION.read_text().split()[-1])
        SESSION.write_text(str(NICEST))
    except (OSError, ValueError, IndexError):
        return None
    return before


def lowered() -> bool:
    """Whether this process's session stands behind all others, so that what it starts is best kept in it."""
    try:
        return SESSION.read_text().endswith(f"nice {NICEST}\n")
    except OSError:
        return False


def crowded() -> bool:
    """Whether tasks stand in line for processors already: whoever gave way to all of them would get nothing."""
    try:
        return float(PRESSURE.read_text().partition("some avg10=")[2].split()[0]) / 100 >= CROWDED_RATIO
    except (OSError, ValueError, IndexError):
        return os.getloadavg()[0] >= (os.cpu_count() or 1)


@contextlib.contextmanager
def modest() -> Iterator[None]:
    """While it lasts, and for MODEST_SECONDS at most, this process gives way to everybody, as far as it can return.

    After that, and where processors are fought over from the beginning, it is merely nicer than others.
    """
    os.setpriority(os.PRIO_PROCESS, 0, max(NICE, os.getpriority(os.PRIO_PROCESS, 0)))
    if crowded():
        yield
        return
    niceness = lower_session()
    idle = _may_return() and os.sched_getscheduler(0) == os.SCHED_OTHER
    back = threading.Timer(MODEST_SECONDS, _return, [niceness, idle])
    back.daemon = True
    # Begun before it would inherit the class that it is to end.
    back.start()
    if idle:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    try:
        yield
    finally:
        back.cancel()
        _return(niceness, idle)


def _return(niceness: int | None, idle: bool) -> None:
    """The session where it was, and every thread in the usual class; may be done twice."""
    with contextlib.suppress(OSError):
        if niceness is not None:
            SESSION.write_text(str(niceness))
    with contextlib.suppress(OSError):
        for thread in THREADS.iterdir() if idle else ():
            os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))


def _may_return() -> bool:
    """Whether this process may leave the idle class: it takes a right that is not one over a container alone."""
    try:
        status, users = (Path("/proc/self", name).read_text() for name in ("status", "uid_map"))
        rights = int(status.partition("CapEff:")[2].split()[0], 16)
    except (OSError, ValueError, IndexError):
        return False
    return bool(rights >> CAP_SYS_NICE & 1) and users.split() == ALL_USERS
