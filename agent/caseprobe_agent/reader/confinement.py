"""Rights are given up for good: capabilities(7), and no_new_privs so that no started program gains one."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path

PR_SET_NO_NEW_PRIVS = 38
# _LINUX_CAPABILITY_VERSION_3: two halves of 32 bits.
VERSION, HALVES = 0x20080522, 2


class Capability(IntEnum):
    """include/uapi/linux/capability.h: those that some read needs."""

    DAC_READ_SEARCH = 2
    SYS_RAWIO = 17
    SYS_PTRACE = 19
    SYS_ADMIN = 21
    SYSLOG = 34


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Half(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def confine(kept: Iterable[Capability]) -> None:
    """Keep these capabilities, as far as this process has them, and lose all others. Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    _done(library.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    bits = sum(1 << one for one in kept) & permitted()
    halves = (_Half * HALVES)()
    for place, half in enumerate(halves):
        half.effective = half.permitted = bits >> (32 * place) & 0xFFFF_FFFF
    _done(library.capset(ctypes.byref(_Header(VERSION, 0)), halves))


def permitted() -> int:
    """The capabilities that this process may use, as a set of bits."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("CapPrm:")), 16)


def _done(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"rights cannot be given up: {os.strerror(number)}")
