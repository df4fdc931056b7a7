"""A disk whose power can be cut: an ext4 image on a loop device, copied while its writer stands still.

The copy is what the block layer had at that moment; what only the page cache knew is not in it.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.torture.processes import READY_SECONDS, Child

SIZE_BYTES = 256 << 20
# The kernel's own commit every 5 s would both save what nobody synced and tear the copy.
OPTIONS = "loop,noatime,commit=600"


@contextlib.contextmanager
def fresh(folder: Path) -> Iterator[Path]:
    """An empty file system mounted at folder/disk; its image is folder/image."""
    image, disk = folder / "image", folder / "disk"
    with image.open("wb") as file:
        file.truncate(SIZE_BYTES)
    _run("mkfs.ext4", "-q", "-E", "lazy_itable_init=1", "-J", "size=8", str(image))
    with _mounted(image, disk):
        yield disk


@contextlib.contextmanager
def after_the_cut(copy: Path) -> Iterator[Path]:
    """The copied image, checked and mounted as after a power cut."""
    # 1: it was repaired, which is what a journal is for.
    done = subprocess.run(["e2fsck", "-fp", str(copy)], capture_output=True, text=True, check=False)
    if done.returncode > 1:
        raise RuntimeError(f"the image cannot be repaired: {done.stdout.strip()[-200:]}")
    with _mounted(copy, copy.with_suffix(".disk")) as disk:
        yield disk
    copy.unlink()


def copy_of(folder: Path, name: str) -> Path:
    """What is on the disk right now."""
    to = folder / name
    _run("cp", "--sparse=always", str(folder / "image"), str(to))
    return to


def sync(disk: Path) -> None:
    """What is on it now is durable."""
    _run("sync", "-f", str(disk))


def stand_still(child: Child) -> None:
    """Wait until no thread of a stopped process runs."""
    for state in Path(f"/proc/{child.pid}/task").glob("*/stat"):
        for _ in range(int(READY_SECONDS * 1000)):
            if _state(state) in "TZXt":
                break


def _state(path: Path) -> str:
    try:
        return path.read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


@contextlib.contextmanager
def _mounted(image: Path, disk: Path) -> Iterator[Path]:
    disk.mkdir()
    _run("mount", "-o", OPTIONS, str(image), str(disk))
    try:
        yield disk
    finally:
        if subprocess.run(["umount", str(disk)], capture_output=True, check=False).returncode:
            _run("umount", "--lazy", str(disk))
        shutil.rmtree(disk, ignore_errors=True)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:2])}: {done.stderr.strip()[:200]}")
