"""How the kernel keeps its clock right: adjtimex, which anybody may ask."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from caseprobe.errors import MachineAbsent, MeasurementError

# include/uapi/linux/timex.h
STA_UNSYNC, STA_NANO, TIME_ERROR = 0x0040, 0x2000, 5
# The frequency is in parts per million, with 16 bits behind the point.
FREQUENCY_UNIT = 1e-6 / 65_536


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        *((name, ctypes.c_long) for name in ("offset", "freq", "maxerror", "esterror")),
        ("status", ctypes.c_int),
        *((name, ctypes.c_long) for name in ("constant", "precision", "tolerance", "seconds", "part", "tick")),
        *((name, ctypes.c_long) for name in ("ppsfreq", "jitter")),
        ("shift", ctypes.c_int),
        *((name, ctypes.c_long) for name in ("stabil", "jitcnt", "calcnt", "errcnt", "stbcnt")),
        ("tai", ctypes.c_int),
        ("spare", ctypes.c_int * 11),
    )


@dataclass(frozen=True)
class ClockStatus:
    """What the kernel knows of its clock: whether it is disciplined, and how wrong it may be at most."""

    synchronized: bool
    maximum_error_seconds: float
    estimated_error_seconds: float
    offset_seconds: float
    frequency_ratio: float
    status_bits: int


def ask() -> ClockStatus:
    """Asks without changing anything. Raises MachineAbsent where the C library has no such call."""
    timex = _Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    except (AttributeError, OSError) as error:
        raise MachineAbsent("this system does not tell how its clock is kept (no adjtimex)") from error
    if state < 0:
        raise MeasurementError(f"adjtimex: {os.strerror(ctypes.get_errno())}")
    names = ("status", "maxerror", "esterror", "offset", "freq")
    return told({"state": state, **{name: getattr(timex, name) for name in names}})


def told(fields: Mapping[str, Any]) -> ClockStatus:
    """The status from the call's fields, or their replay; MachineAbsent where there are none."""
    if not fields:
        raise MachineAbsent("was not measured when this tree was copied")
    status = int(fields["status"])
    unit = 1e-9 if status & STA_NANO else 1e-6
    return ClockStatus(
        synchronized=not status & STA_UNSYNC and fields.get("state") != TIME_ERROR,
        maximum_error_seconds=int(fields["maxerror"]) * 1e-6,
        estimated_error_seconds=int(fields["esterror"]) * 1e-6,
        offset_seconds=int(fields["offset"]) * unit,
        frequency_ratio=int(fields["freq"]) * FREQUENCY_UNIT,
        status_bits=status,
    )
