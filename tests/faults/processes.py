"""Faults of processes, memory and limits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tests.faults.groups import NAME, limited
from tests.faults.kind import Expected, Kind
from tests.faults.room import Room

MIB = 1 << 20


@contextlib.contextmanager
def zombies(room: Room) -> Iterator[Expected]:
    """A parent that collects none of its children."""
    room.culprit("zombies", 12, program=room.named("badparent"))
    yield Expected("badparent")


@contextlib.contextmanager
def descriptors(room: Room) -> Iterator[Expected]:
    """A program that opens and never closes."""
    room.culprit("descriptors", 240, 256, program=room.named("leaker"))
    yield Expected("leaker")


@contextlib.contextmanager
def oom_in_group(room: Room) -> Iterator[Expected]:
    """More memory than the group may have."""
    with limited("memory", 48 * MIB) as group:
        room.culprit("glutton", 200, group=group)
        yield Expected(f"/{NAME}")


@contextlib.contextmanager
def victim(room: Room) -> Iterator[Expected]:
    """Who was killed is named."""
    with limited("memory", 48 * MIB) as group:
        room.culprit("glutton", 200, group=group, program=room.named("glutton"))
        yield Expected("glutton")


@contextlib.contextmanager
def nearly_full_group(room: Room) -> Iterator[Expected]:
    """Memory that cannot be given back, up to the limit."""
    with limited("memory", 96 * MIB) as group:
        room.culprit("memory", 84, group=group)
        yield Expected(f"/{NAME}")


@contextlib.contextmanager
def quota(room: Room) -> Iterator[Expected]:
    """More work than the group may do."""
    with limited("cpu", 10_000) as group:
        room.culprit("spin", 1, group=group)
        yield Expected(f"/{NAME}")


@contextlib.contextmanager
def tasks(room: Room) -> Iterator[Expected]:
    """As many threads as the group may have."""
    with limited("tasks", 40) as group:
        room.culprit("tasks", 100, group=group)
        yield Expected(f"/{NAME}")


@contextlib.contextmanager
def refused(room: Room) -> Iterator[Expected]:
    """A burst that was refused, and is over."""
    with limited("tasks", 40) as group:
        room.culprit("tasks", 100, group=group).kill()
        yield Expected(f"/{NAME}")


@contextlib.contextmanager
def crashes(room: Room) -> Iterator[Expected]:
    """A program that reads address zero again and again."""
    room.culprit("crash", 8, program=room.named("crasher"))
    yield Expected("crasher")


@contextlib.contextmanager
def dump(room: Room) -> Iterator[Expected]:
    """The dump of a crash lies where crashes are kept."""
    room.shell(
        "mkdir -p /var/crash; mount -t tmpfs x /var/crash; head -c 1000 /dev/zero > /var/crash/_usr_bin_myapp.0.crash"
    )
    yield Expected("myapp")


@contextlib.contextmanager
def swap_full(room: Room) -> Iterator[Expected]:
    """A small swap, all of it in use."""
    room.shell("echo 24M > /sys/block/zram0/disksize; mkswap -q /dev/zram0; swapon /dev/zram0")
    try:
        with limited("memory", 24 * MIB) as group:
            room.culprit("memory", 39, group=group)
            yield Expected("")
    finally:
        room.shell("swapoff /dev/zram0; echo 1 > /sys/block/zram0/reset")


ALL = (
    Kind("zombies of one parent", "proc.zombie", zombies),
    Kind("descriptor leak", "fd.process", descriptors),
    Kind("out of memory in a control group", "mem.cglimit", oom_in_group, grouped=True),
    Kind("out of memory, victim named", "mem.oom", victim, grouped=True, kernel=("/dev/kmsg",)),
    Kind("control group near its memory limit", "mem.cglimit", nearly_full_group, grouped=True),
    Kind("processor quota used up", "cpu.cgquota", quota, grouped=True),
    Kind("task limit of a control group", "pid.cglimit", tasks, grouped=True),
    Kind("tasks were refused", "pid.cglimit", refused, grouped=True),
    Kind("program that crashes again and again", "log.kernel", crashes, kernel=("/dev/kmsg",)),
    Kind("dump of a crash", "sys.crash", dump),
    Kind(
        "swap full",
        "mem.swapused",
        swap_full,
        grouped=True,
        needs=("mkswap", "swapon"),
        kernel=("/sys/block/zram0/disksize",),
    ),
)
