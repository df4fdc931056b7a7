"""What no file tells: room on mounts, addresses, what a program prints; and its replay for a copied tree."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import stat
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import statvfs
from pathlib import Path
from typing import IO, Any, Protocol

from caseprobe.errors import MachineAbsent, MachineTimeout, MeasurementError
from caseprobe_agent.machine.files import error_from

REPLAY_FILE = "psutil.json"
THREAD_STACK_BYTES = 256 << 10
# What takes a signal is gone much sooner.
KILL_SECONDS = 1.0
PROGRAM_ENVIRONMENT = {"LC_ALL": "C", "LANG": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


@dataclass(frozen=True)
class Space:
    """Room on one mounted filesystem; available is what an unprivileged user may still take."""

    total_bytes: int
    free_bytes: int
    available_bytes: int
    inodes_total: int
    inodes_available: int


@dataclass(frozen=True)
class Address:
    """One address of one interface, with the length of its network's prefix."""

    interface: str
    address: str
    prefix_length: int


# Unit of st_blocks on Linux, whatever the filesystem's own block size.
BLOCK_BYTES = 512


@dataclass(frozen=True)
class OpenFile:
    """What an open file is: its filesystem's device number as mountinfo writes it, its number, the room it takes."""

    device_number: str
    inode: int
    size_bytes: int


def open_file(path: str) -> OpenFile:
    """The file behind a link in /proc/PID/fd, also one that was deleted."""
    try:
        told = os.stat(path)  # noqa: PTH116
    except OSError as error:
        raise error_from(error, path) from error
    if not stat.S_ISREG(told.st_mode):
        raise MachineAbsent(f"{path} is no regular file")
    return OpenFile(f"{os.major(told.st_dev)}:{os.minor(told.st_dev)}", told.st_ino, told.st_blocks * BLOCK_BYTES)


@dataclass(frozen=True)
class Completed:
    """What a program printed; truncated where it was killed because it printed more than it may."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    truncated: bool


def replay(root: Path) -> Mapping[str, Any]:
    """What a copied tree tells of its machine's calls; empty where it tells nothing."""
    path = root / REPLAY_FILE
    try:
        told = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise MeasurementError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(told, dict):
        raise MeasurementError(f"{path} holds no JSON object")
    return told


def told_spaces(told: Mapping[str, Any], mount_points: Iterable[str]) -> dict[str, Space | MeasurementError]:
    """The replayed room of each mount point, MachineAbsent where the tree does not tell."""
    absent = MachineAbsent("was not measured when this tree was copied")
    return {point: Space(**told[point]) if point in told else absent for point in mount_points}


def spaces(mount_points: Sequence[str], timeout_seconds: float) -> dict[str, Space | MeasurementError]:
    """statvfs in one thread a mount, so that one that hangs holds up no other; its thread is left behind."""
    found: dict[str, Space | MeasurementError] = {}

    def measure(point: str) -> None:
        found[point] = _space(point)

    threads = [threading.Thread(target=measure, args=(point,), daemon=True) for point in mount_points]
    before = threading.stack_size(THREAD_STACK_BYTES)
    try:
        for thread in threads:
            thread.start()
    finally:
        threading.stack_size(before)
    end = time.monotonic() + timeout_seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    hung = MachineTimeout(f"did not answer within {timeout_seconds:g} s")
    return {point: found.get(point, hung) for point in mount_points}


def _space(point: str) -> Space | MeasurementError:
    try:
        told = statvfs(point)
    except OSError as error:
        return error_from(error, point)
    unit = told.f_frsize or told.f_bsize
    return Space(told.f_blocks * unit, told.f_bfree * unit, told.f_bavail * unit, told.f_files, told.f_favail)


def addresses() -> list[Address]:
    """Every address that the kernel gives for an interface."""
    import psutil

    return [
        Address(interface, row.address.partition("%")[0], prefix)
        for interface, rows in psutil.net_if_addrs().items()
        for row in rows
        if (prefix := _prefix_length(row.address, row.netmask)) is not None
    ]


def _prefix_length(address: str, netmask: str | None) -> int | None:
    """None for what is no IP address, such as a MAC."""
    import ipaddress

    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return int(ipaddress.ip_address(netmask)).bit_count() if netmask else parsed.max_prefixlen


def run(command: Sequence[str], timeout_seconds: float, limit_bytes: int) -> Completed:
    """Start a program and read what it prints, until it ends or passes a limit."""
    if not command[0].startswith("/"):
        raise MeasurementError(f"{command[0]} is not started: its absolute path is needed")
    try:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=PROGRAM_ENVIRONMENT,
            cwd="/",
        )
    except OSError as error:
        raise error_from(error, command[0]) from error
    try:
        return _collect(process, command[0], timeout_seconds, limit_bytes)
    finally:
        finish(process, KILL_SECONDS)


class Ending(Protocol):
    """What is needed of a started program to end it."""

    stdout: IO[bytes] | None
    stderr: IO[bytes] | None

    def kill(self) -> None:
        """As Popen.kill."""

    def wait(self, timeout: float | None = None) -> int:
        """As Popen.wait."""


def finish(process: Ending, seconds: float) -> None:
    """Kill a program and take it off the list, waiting so long at most.

    One that hangs in the kernel (a dead disk, a dead mount) takes no signal: it is left to itself, and is gone when the
    kernel lets it go.
    """
    process.kill()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def _collect(process: subprocess.Popen[bytes], program: str, timeout_seconds: float, limit_bytes: int) -> Completed:
    assert process.stdout is not None and process.stderr is not None
    printed = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
    end = time.monotonic() + timeout_seconds
    size = 0
    for descriptor, part in _parts(list(printed), end):
        printed[descriptor] += part
        size += len(part)
        if size > limit_bytes:
            process.kill()
            break
    try:
        exit_code = process.wait(max(0.0, end - time.monotonic()) if size <= limit_bytes else KILL_SECONDS)
    except subprocess.TimeoutExpired:
        raise MachineTimeout(f"{program} did not end within {timeout_seconds:g} s and was killed") from None
    stdout, stderr = printed.values()
    return Completed(exit_code, bytes(stdout[:limit_bytes]), bytes(stderr[:limit_bytes]), size > limit_bytes)


def _parts(descriptors: Sequence[int], end: float) -> Iterator[tuple[int, bytes]]:
    """What arrives on the pipes, until all are closed or the time is over."""
    with selectors.DefaultSelector() as selector:
        for descriptor in descriptors:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map() and (left := end - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                part = os.read(key.fd, 1 << 16)
                if part:
                    yield key.fd, part
                else:
                    selector.unregister(key.fd)
