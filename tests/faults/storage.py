"""Faults of filesystems and disks, each on an image of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.faults.kind import Expected, Kind
from tests.faults.room import Room

MKFS_EXT4 = ("mkfs.ext4", "-q", "-F")


def _image(room: Room, mebibytes: int, name: str = "disk.img") -> Path:
    image = room.folder / name
    with image.open("wb") as file:
        file.truncate(mebibytes << 20)
    return image


def _mounted(room: Room, mebibytes: int = 64, *options: str, name: str = "disk.img") -> Path:
    """An ext4 image, mounted in the room."""
    image, place = _image(room, mebibytes, name), room.folder / "mnt"
    place.mkdir(exist_ok=True)
    room.run(*MKFS_EXT4, *options, image)
    room.run("mount", "-o", "loop", image, place)
    return place


def _device(room: Room, place: Path) -> str:
    """loop0"""
    return room.run("findmnt", "-no", "SOURCE", place).strip().rpartition("/")[2]


@contextlib.contextmanager
def full(room: Room) -> Iterator[Expected]:
    """Not one byte more."""
    place = _mounted(room)
    room.run("dd", "if=/dev/zero", f"of={place}/big", "bs=1M", wanted=False)
    yield Expected(str(place))


@contextlib.contextmanager
def no_inodes(room: Room) -> Iterator[Expected]:
    """Room, but for no further file."""
    place = _mounted(room, 64, "-N", "64")
    room.run("sh", "-c", f"for i in $(seq 100); do touch {place}/$i; done", wanted=False)
    yield Expected(str(place))


@contextlib.contextmanager
def read_only(room: Room) -> Iterator[Expected]:
    """fstab says writable, the mount is not."""
    place = _mounted(room)
    fstab = room.folder / "fstab"
    fstab.write_text(f"/dev/whatever {place} ext4 defaults 0 2\n")
    room.run("mount", "--bind", fstab, "/etc/fstab")
    room.run("mount", "-o", "remount,ro", place)
    yield Expected(str(place))


@contextlib.contextmanager
def filesystem_error(room: Room) -> Iterator[Expected]:
    """ext4 finds its own structures damaged and stops writing."""
    place = _mounted(room, 64, "-e", "remount-ro")
    device = _device(room, place)
    room.shell(f"echo caseprobe > /sys/fs/ext4/{device}/trigger_fs_error")
    yield Expected(device)


@contextlib.contextmanager
def io_error(room: Room) -> Iterator[Expected]:
    """A device whose end is gone: reading there fails as on a bad sector."""
    image = _image(room, 64)
    device = room.run("losetup", "--find", "--show", image).strip()
    try:
        with image.open("r+b") as file:
            file.truncate(4 << 20)
        room.run("dd", f"if={device}", "of=/dev/null", "bs=4k", "skip=8000", "count=1", "iflag=direct", wanted=False)
        yield Expected(device.rpartition("/")[2])
    finally:
        room.run("losetup", "-d", device)


@contextlib.contextmanager
def frozen(room: Room) -> Iterator[Expected]:
    """Writers wait for a filesystem that takes nothing."""
    place = _mounted(room)
    room.run("touch", place / "file")
    writer = room.named("stuckwriter")
    room.run("fsfreeze", "--freeze", place)
    try:
        for _ in range(6):
            room.culprit("write", place / "file", program=writer)
        yield Expected("stuckwriter")
    finally:
        room.run("fsfreeze", "--unfreeze", place)


@contextlib.contextmanager
def deleted_open(room: Room) -> Iterator[Expected]:
    """A log that was deleted and is still written to."""
    place = _mounted(room)
    room.culprit("deleted", place / "app.log", 30)
    yield Expected(str(place))


@contextlib.contextmanager
def missing_mount(room: Room) -> Iterator[Expected]:
    """fstab names a share that is not mounted; a disk would be passed over where this runs in a container."""
    fstab = room.folder / "fstab"
    fstab.write_text("nas.invalid:/srv /srv/gone nfs defaults 0 0\n")
    room.run("mount", "--bind", fstab, "/etc/fstab")
    yield Expected("/srv/gone")


@contextlib.contextmanager
def btrfs_corruption(room: Room) -> Iterator[Expected]:
    """One of two copies is damaged: btrfs mends it from the other and counts."""
    image, place = _image(room, 256), room.folder / "mnt"
    place.mkdir()
    room.run("mkfs.btrfs", "-q", "-d", "dup", "-m", "dup", image)
    room.run("mount", "-o", "loop", image, place)
    room.shell(f"for i in $(seq 16); do yes caseprobe-$i | head -c 1000000 > {place}/$i; done; sync; umount {place}")
    data = bytearray(image.read_bytes())
    for number in range(1, 17):
        spot = data.find(f"caseprobe-{number}\n".encode() * 100)
        if spot > 0:
            data[spot : spot + 4096] = b"\xff" * 4096
    image.write_bytes(data)
    room.run("mount", "-o", "loop", image, place)
    room.shell(f"cat {place}/* > /dev/null 2>&1 || true")
    room.run("btrfs", "scrub", "start", "-B", place, wanted=False)
    yield Expected("loop")


@contextlib.contextmanager
def xfs_shutdown(room: Room) -> Iterator[Expected]:
    """xfs finds its log unwritable and shuts itself down."""
    image, place = _image(room, 320), room.folder / "mnt"
    place.mkdir()
    room.run("mkfs.xfs", "-q", image)
    room.run("mount", "-o", "loop", image, place)
    device = _device(room, place)
    room.run("xfs_io", "-x", "-c", "shutdown", place)
    yield Expected(device)


RING = ("/dev/kmsg",)
RING = ("/dev/kmsg",)
EXT4 = ("mkfs.ext4", "losetup", "findmnt")
ALL = (
    Kind("full filesystem", "disk.space", full, needs=EXT4),
    Kind("no inodes left", "disk.inodes", no_inodes, needs=EXT4),
    Kind("read-only although fstab says otherwise", "disk.ro", read_only, needs=EXT4),
    Kind("filesystem error, remounted read-only", "log.kernel", filesystem_error, needs=EXT4, kernel=RING),
    Kind("I/O error of a device", "log.kernel", io_error, needs=("losetup",), kernel=RING),
    Kind("frozen filesystem, writers stuck", "proc.dstate", frozen, needs=(*EXT4, "fsfreeze")),
    Kind("deleted file still open", "disk.deleted", deleted_open, profile="standard", needs=EXT4),
    Kind("share of fstab missing", "disk.missing", missing_mount),
    Kind("btrfs with damaged data", "btrfs.dev", btrfs_corruption, needs=("mkfs.btrfs",)),
    Kind("xfs shut down", "log.kernel", xfs_shutdown, needs=("mkfs.xfs", "xfs_io"), kernel=RING),
)
