"""What the driver of a network interface tells: the kernel's ethtool calls that anybody may make and that only read."""

from __future__ import annotations

import array
import fcntl
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from caseprobe.errors import MachineAbsent

# include/uapi/linux/sockios.h and ethtool.h
SIOCETHTOOL = 0x8946
DRIVER, RINGS, PAUSE, NAMES, COUNTERS = 0x03, 0x10, 0x12, 0x1B, 0x1D
STATISTICS = 1
DRIVER_BYTES, NAME_BYTES, NAME_OFFSET = 196, 32, 12
COUNTERS_AT_MOST = 8192


@dataclass(frozen=True)
class LinkDriver:
    """A driver's words and figures; rings are (now, limit), pause (negotiated, received, sent); None: not told."""

    driver: str
    version: str = ""
    firmware: str = ""
    bus: str = ""
    receive_ring: tuple[int, int] | None = None
    send_ring: tuple[int, int] | None = None
    pause: tuple[bool, bool, bool] | None = None
    counters: Mapping[str, int] = field(default_factory=dict)


def ask(name: str) -> LinkDriver:
    """Of an interface of this machine. Raises MachineAbsent where there is none, or its driver does not tell."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as kernel:
        told = _call(kernel, name, DRIVER, DRIVER_BYTES)
        if told is None:
            raise MachineAbsent(f"the driver of {name} does not tell about itself")
        driver, version, firmware, bus = (_text(told[4 + NAME_BYTES * word :][:NAME_BYTES]) for word in range(4))
        total = min(struct.unpack_from("I", told, 4 + 5 * NAME_BYTES + 12 + 4)[0], COUNTERS_AT_MOST)
        rings = _call(kernel, name, RINGS, 36)
        pause = _call(kernel, name, PAUSE, 16)
        figures = struct.unpack("9I", rings) if rings else None
        return LinkDriver(
            driver,
            version,
            firmware,
            bus,
            receive_ring=(figures[5], figures[1]) if figures else None,
            send_ring=(figures[8], figures[4]) if figures else None,
            pause=_flags(struct.unpack("4I", pause)) if pause else None,
            counters=_counters(kernel, name, total),
        )


def told(name: str, replayed: Mapping[str, Any]) -> LinkDriver:
    """The replay of a copied tree; MachineAbsent where it tells nothing of this interface."""
    if name not in replayed:
        raise MachineAbsent("was not measured when this tree was copied")
    fields = dict(replayed[name])
    for pair in ("receive_ring", "send_ring", "pause"):
        if fields.get(pair) is not None:
            fields[pair] = tuple(fields[pair])
    return LinkDriver(**fields)


def _flags(words: tuple[int, ...]) -> tuple[bool, bool, bool]:
    return bool(words[1]), bool(words[2]), bool(words[3])


def _counters(kernel: socket.socket, name: str, total: int) -> dict[str, int]:
    """Every counter of the driver by its name; none where it has none or does not tell."""
    if not total:
        return {}
    names = _call(kernel, name, NAMES, NAME_OFFSET + total * NAME_BYTES, struct.pack("II", STATISTICS, total))
    values = _call(kernel, name, COUNTERS, 8 + total * 8, struct.pack("I", total))
    if names is None or values is None:
        return {}
    words = (names[start : start + NAME_BYTES] for start in range(NAME_OFFSET, len(names), NAME_BYTES))
    return dict(zip(map(_text, words), struct.unpack_from(f"{total}Q", values, 8), strict=True))


def _call(kernel: socket.socket, name: str, command: int, size: int, more: bytes = b"") -> bytes | None:
    """The answer to one call, in a buffer of this size; None where the driver does not know it."""
    buffer = array.array("B", struct.pack("I", command) + more + bytes(size - 4 - len(more)))
    request = struct.pack("16sP16x", name.encode()[:15], buffer.buffer_info()[0])
    try:
        fcntl.ioctl(kernel.fileno(), SIOCETHTOOL, request)
    except OSError:
        return None
    return buffer.tobytes()


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("utf-8", "replace").strip()
