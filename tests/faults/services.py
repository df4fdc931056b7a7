"""Services that fail, under a real systemd: booted in namespaces of its own, over this machine's files."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.faults.kind import Expected, Kind
from tests.faults.room import LONGEST_SECONDS, ROOT, Room

SYSTEMD = "/lib/systemd/systemd"
GROUPS = Path("/sys/fs/cgroup/unified")
NAMESPACES = ("--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup")
# $1 is a folder on a disk, the others are mounted from outside. What is written stays in memory and goes with it.
BOOT = """
folder=$1; shift
mount --make-rprivate /
mount -t tmpfs tmpfs "$folder"
root=$folder/root; mkdir "$folder/upper" "$folder/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount --rbind /dev "$root/dev"
for place in run tmp; do mount -t tmpfs tmpfs "$root/$place"; done
for place in "$@"; do mkdir -p "$root$place"; mount --bind "$place" "$root$place"; done
units=$root/etc/systemd/system
mkdir -p "$units"
cp "$folder.units"/* "$units"
cd "$root"; mkdir -p .outside; pivot_root . .outside; umount -l .outside
exec env -i container=caseprobe PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd \
    --system --unit=faults.target --log-target=null --show-status=0
"""
TARGET = "[Unit]\nDefaultDependencies=no\nWants={service} systemd-journald.service\n"
SERVICE = "[Unit]\nDefaultDependencies=no\nStartLimitIntervalSec=0\n[Service]\n{lines}\n"


@contextlib.contextmanager
def _booted(room: Room, units: Mapping[str, str]) -> Iterator[None]:
    """The room within a systemd that runs these units; it is killed at the end, and all below it."""
    folder = room.folder / "systemd"
    folder.mkdir()
    (room.folder / "systemd.units").mkdir()
    for name, text in units.items():
        (room.folder / "systemd.units" / name).write_text(text)
    with _group() as group:
        places = dict.fromkeys(map(str, (ROOT, Path(sys.prefix), room.folder)))
        boot = ["unshare", *NAMESPACES, "--fork", "--kill-child", "sh", "-euc", BOOT, "boot", folder, *places]
        words = ["sh", "-euc", 'echo $$ > "$0/cgroup.procs"; exec "$@"', group, *boot]
        process = subprocess.Popen(list(map(str, words)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        outside = room.keeper
        try:
            room.keeper, room.also = _child(process), ("--pid", "--uts", "--ipc", "--net", "--cgroup")
            yield
        finally:
            room.keeper, room.also = outside, ()
            process.kill()
            process.wait(LONGEST_SECONDS)
            assert process.stderr is not None
            process.stderr.close()


@contextlib.contextmanager
def _group() -> Iterator[Path]:
    """A control group for all that systemd makes below it."""
    group = (GROUPS if GROUPS.is_dir() else GROUPS.parent) / f"caseprobe-systemd-{os.getpid()}"
    group.mkdir()
    try:
        yield group
    finally:
        end = time.monotonic() + LONGEST_SECONDS
        while group.is_dir() and time.monotonic() < end:
            for folder, _, _ in os.walk(group, topdown=False):
                with contextlib.suppress(OSError):
                    Path(folder).rmdir()


def _child(process: subprocess.Popen[str]) -> int:
    """The systemd that unshare started, once it is one."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    end = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < end and process.poll() is None:
        for pid in children.read_text().split():
            with contextlib.suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text().strip() == "systemd":
                    return int(pid)
    told = process.stderr.read() if process.stderr is not None and process.poll() is not None else "no systemd came up"
    raise RuntimeError(told.strip()[-300:])


def _of(name: str, *lines: str) -> dict[str, str]:
    return {"faults.target": TARGET.format(service=name), name: SERVICE.format(lines="\n".join(lines))}


@contextlib.contextmanager
def _failed(room: Room) -> Iterator[Expected]:
    script = "echo cannot open /srv/data: No space left on device; exit 3"
    with _booted(room, _of("broken.service", f'ExecStart=/bin/sh -c "{script}"')):
        _until(room, "broken.service", "failed")
        yield Expected("broken.service")


@contextlib.contextmanager
def _looping(room: Room) -> Iterator[Expected]:
    lines = ("Restart=always", "RestartSec=1s", "ExecStart=/bin/false")
    with _booted(room, _of("looping.service", *lines)):
        _until(room, "looping.service", "activating", restarts=4)
        yield Expected("looping.service")


def _until(room: Room, unit: str, state: str, restarts: int = 0) -> None:
    """Wait until the unit is in this state and was restarted so often."""
    end = time.monotonic() + LONGEST_SECONDS
    told = ""
    while time.monotonic() < end:
        told = room.run("systemctl", "show", "-p", "ActiveState,NRestarts", "--value", unit, wanted=False)
        words = told.split()
        if state in words and max((int(word) for word in words if word.isdecimal()), default=0) >= restarts:
            return
    raise RuntimeError(f"{unit} did not become {state}: {told}")


_NEEDS = ("systemctl", "unshare", "pivot_root")
ALL = (
    Kind("a service that failed", "svc.failed", _failed, profile="standard", needs=_NEEDS, kernel=(SYSTEMD,)),
    Kind("a service in a crash loop", "svc.failed", _looping, profile="standard", needs=_NEEDS, kernel=(SYSTEMD,)),
)
