"""Mounts that answer nothing, as those of a server that is gone: who asks one waits in the kernel, where no signal ends
it.

`python -m tests.stuck_mount FOLDER… -- COMMAND…`, as root in a mount namespace of its own, runs the command beside
such mounts. Its last line on stderr tells how many tasks were left waiting in the kernel; they end with this process.
"""

from __future__ import annotations

import ctypes
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

DEVICE = Path("/dev/fuse")
# include/uapi/linux/fuse.h: the headers of a request and of its answer, and the answer to the first request of all.
REQUEST, ANSWER = struct.Struct("=IIQ"), struct.Struct("=IiQ")
INIT, INIT_ANSWER = 26, struct.pack("=IIIIHHI", 7, 31, 0, 0, 16, 12, 1 << 16).ljust(64, b"\0")
REQUEST_BYTES = 1 << 17
LEFT = "tasks left waiting in the kernel: "


def mount(folder: Path) -> int:
    """Mounts on this folder what answers its mounting and nothing else; gives the device, which ends it when closed."""
    device = os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"stuck", bytes(folder), b"fuse", 0, options):
        raise OSError(ctypes.get_errno(), f"nothing can be mounted on {folder}")
    return device


def take(device: int) -> None:
    """Takes every request, so that it counts as being worked at, and answers the first alone; blocking for ever."""
    while True:
        _, kind, number = REQUEST.unpack_from(os.read(device, REQUEST_BYTES))
        if kind == INIT:
            os.write(device, ANSWER.pack(ANSWER.size + len(INIT_ANSWER), 0, number) + INIT_ANSWER)


def waiting() -> int:
    """How many tasks of this mount namespace wait in a way that no signal ends."""
    own = Path("/proc/self/ns/mnt").readlink()
    return sum(_state(task) == "D" and _namespace(task) == own for task in Path("/proc").glob("[0-9]*/task/*"))


def _state(task: Path) -> str:
    try:
        return (task / "stat").read_text().rpartition(") ")[2][:1]
    except OSError:
        return ""


def _namespace(task: Path) -> Path | None:
    try:
        return (task / "ns/mnt").readlink()
    except OSError:
        return None


def main(arguments: Sequence[str]) -> None:
    """Mount, run, tell, and end, which ends the mounts."""
    border = arguments.index("--")
    for folder in arguments[:border]:
        threading.Thread(target=take, args=[mount(Path(folder))], daemon=True).start()
    code = subprocess.run(arguments[border + 1 :], check=False).returncode
    print(f"{LEFT}{waiting()}", file=sys.stderr, flush=True)
    # At once: a thread of ours waits in the device, too.
    os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])
