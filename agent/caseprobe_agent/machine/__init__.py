"""The one seam to the computer: files, links, mounts, addresses, clocks and programs.

Every read is bounded and none waits for a writer. A copied tree of another machine takes the place of this one by
its root folder; what a file cannot tell (statvfs, addresses, clocks) is then replayed from ROOT/psutil.json.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caseprobe.errors import MachineAbsent, MeasurementError
from caseprobe_agent.machine import calls, files, network
from caseprobe_agent.machine.calls import Address, Completed, OpenFile, Space
from caseprobe_agent.machine.files import FileFacts
from caseprobe_agent.machine.network import Exchanged

if TYPE_CHECKING:
    from caseprobe_agent.machine.discipline import ClockStatus
    from caseprobe_agent.machine.link_driver import LinkDriver
    from caseprobe_agent.machine.reads import Read

__all__ = ["Address", "Clock", "Completed", "Exchanged", "FileFacts", "Machine", "OpenFile", "Space"]


PROC = "/proc/"
HARMLESS = (PROC, "/sys/")
# The kernel fills a page (4 KiB or more) with whole lines of at most 200 characters: less than that is the end of the
# table, and to ask once more would make it look through all its sockets again (3 ms each).
TABLES = frozenset({"/proc/net/tcp", "/proc/net/tcp6"})
TABLE_PAGE_BYTES = 3072


@dataclass(frozen=True)
class Clock:
    """Three clocks in seconds: the wall's, one that never jumps, and one that also runs while the machine sleeps."""

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    boottime: Callable[[], float] = lambda: time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Machine:
    """This computer, or a copied tree of another one."""

    def __init__(
        self,
        root: Path = Path("/"),
        clock: Clock | None = None,
        told: Mapping[str, Any] | None = None,
        reader_socket: str = "",
    ) -> None:
        """root: the folder that stands for "/"; clock: read instead of this machine's clocks; told: for its replay.

        reader_socket: where the privileged reader listens, for the children that measure; empty: in its usual place.
        """
        self.root = root
        self.reader_socket = reader_socket
        self._live = root == Path("/")
        self._clock = clock or Clock()
        self._replayed: Mapping[str, Any] | None = None if self.live else calls.replay(root) if told is None else told

    @property
    def live(self) -> bool:
        """True where this is the machine that we run on, not a copied tree."""
        return self._live

    def read_bytes(self, path: str, limit_bytes: int = 1 << 20) -> bytes:
        """The file's first limit_bytes; never waits for a writer.

        Raises MachineAbsent (also where it is no file), MachineDenied or MeasurementError.
        """
        descriptor = self._open(path)
        try:
            return files.read_up_to(descriptor, limit_bytes, TABLE_PAGE_BYTES if path in TABLES else 1)
        except OSError as error:
            raise files.error_from(error, path) from error
        finally:
            os.close(descriptor)

    def read_text(self, path: str, limit_bytes: int = 1 << 20) -> str:
        """read_bytes as text; bytes that are no UTF-8 become U+FFFD."""
        return self.read_bytes(path, limit_bytes).decode("utf-8", "replace")

    def read_tail(self, path: str, limit_bytes: int) -> tuple[bytes, bool]:
        """The newest limit_bytes of a log, cut at a line's border, and whether older ones were left out.

        A record device such as /dev/kmsg is read to its end without waiting for more.
        """
        descriptor = self._open(path)
        try:
            if stat.S_ISCHR(os.fstat(descriptor).st_mode):
                return files.newest_records(descriptor, limit_bytes)
            return files.tail(descriptor, limit_bytes)
        except OSError as error:
            raise files.error_from(error, path) from error
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def opened(self, path: str) -> Iterator[Callable[[int, int], bytes]]:
        """Reads up to so many bytes at an offset, fewer at the end; for files of which little is needed."""
        descriptor = self._open(path)

        def read(offset: int, size: int) -> bytes:
            try:
                return os.pread(descriptor, size, offset)
            except (OSError, OverflowError) as error:
                raise MeasurementError(f"{path} cannot be read at {offset}: {error}") from error

        try:
            yield read
        finally:
            os.close(descriptor)

    def list_dir(self, path: str) -> list[str]:
        """The sorted names in a folder."""
        try:
            return sorted(os.listdir(self._local(path)))  # noqa: PTH208
        except OSError as error:
            raise files.error_from(error, path) from error

    def folders_in(self, path: str) -> list[str]:
        """The sorted names of the folders in a folder, links left out."""
        try:
            with os.scandir(self._local(path)) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
        except OSError as error:
            raise files.error_from(error, path) from error

    def links_in(self, path: str) -> list[str]:
        """Where every symbolic link in a folder points; one that went away meanwhile is left out."""
        folder = self._local(path)
        found = []
        try:
            for name in os.listdir(folder):  # noqa: PTH208
                with contextlib.suppress(OSError):
                    found.append(os.readlink(f"{folder}/{name}"))  # noqa: PTH115 (thousands of them)
        except OSError as error:
            raise files.error_from(error, path) from error
        return found

    def entries_total(self, path: str) -> int:
        """How many names a folder holds; of /proc/PID/fd the kernel tells since 6.2 without listing them."""
        local = self._local(path)
        try:
            told = os.stat(local).st_size if self._live and path.startswith(PROC) else 0  # noqa: PTH116
            return told or len(os.listdir(local))  # noqa: PTH208
        except OSError as error:
            raise files.error_from(error, path) from error

    def file_facts(self, path: str) -> FileFacts:
        """Size of a file and when it was last written."""
        try:
            told = os.stat(self._local(path))  # noqa: PTH116
        except OSError as error:
            raise files.error_from(error, path) from error
        return FileFacts(told.st_size, told.st_mtime)

    def exists(self, path: str) -> bool:
        """True where there is something of this name; what a denied folder holds counts as not there."""
        try:
            os.stat(self._local(path))  # noqa: PTH116 (a path of the machine is text, and this runs often)
        except OSError:
            return False
        return True

    def read_link(self, path: str) -> str:
        """Where a symbolic link points, as written in it."""
        try:
            return os.readlink(self._local(path, follow_last=False))  # noqa: PTH115
        except OSError as error:
            if error.errno == errno.EINVAL:
                raise MachineAbsent(f"{path} is no link") from error
            raise files.error_from(error, path) from error

    def run(self, command: Sequence[str], timeout_seconds: float, limit_bytes: int = 1 << 20) -> Completed:
        """What a program prints and its exit code; never through a shell, in the C locale, killed at its limits.

        Raises MachineAbsent (no such program, or a copied tree), MachineDenied, MachineTimeout.
        """
        if not self.live:
            raise MachineAbsent(f"{command[0]} is not run for a copied tree")
        return calls.run(command, timeout_seconds, limit_bytes)

    def open_file(self, path: str) -> OpenFile:
        """What is behind a link in /proc/PID/fd; MachineAbsent in a copied tree, where nothing is open."""
        if not self.live:
            raise MachineAbsent(f"{path}: no file is open in a copied tree")
        return calls.open_file(path)

    def spaces(self, mount_points: Iterable[str], timeout_seconds: float) -> dict[str, Space | MeasurementError]:
        """statvfs of every mount point at once, each within the timeout; a mount that hangs is a MachineTimeout."""
        if self._replayed is not None:
            return calls.told_spaces(self._replayed.get("statvfs", {}), mount_points)
        return calls.spaces(list(mount_points), timeout_seconds)

    def addresses(self) -> list[Address]:
        """Every IPv4 and IPv6 address of every interface."""
        if self._replayed is not None:
            return [Address(*row) for row in self._replayed.get("addresses", [])]
        return calls.addresses()

    def clock_status(self) -> ClockStatus:
        """How the kernel disciplines its clock. Raises MachineAbsent where it does not tell."""
        # Here, since the resident agent holds a machine and never asks this: ctypes would cost it 0.4 MiB.
        from caseprobe_agent.machine import discipline

        told = None if self._replayed is None else self._replayed.get("adjtimex", {})
        return discipline.ask() if told is None else discipline.told(told)

    def link_driver(self, name: str) -> LinkDriver:
        """What the driver of a network interface tells. Raises MachineAbsent where it does not."""
        from caseprobe_agent.machine import link_driver

        told = None if self._replayed is None else self._replayed.get("link_drivers", {})
        return link_driver.ask(name) if told is None else link_driver.told(name, told)

    def environment(self) -> Mapping[str, str]:
        """The variables that this process was started with; none for a copied tree."""
        return os.environ if self.live else {}

    def exchange(
        self, protocol: str, address: str, port: int, question: bytes, timeout_seconds: float, limit_bytes: int = 65_535
    ) -> Exchanged:
        """What answers a question over udp (one datagram) or tcp (all until it closes, or limit_bytes).

        The caller must have the owner's leave to send. Raises MachineTimeout or MeasurementError; MachineAbsent for a
        copied tree.
        """
        self._must_live(f"{address} port {port} is not asked")
        return network.exchange(protocol, address, port, question, timeout_seconds, limit_bytes)

    def peer_certificate(self, address: str, port: int, timeout_seconds: float) -> bytes:
        """The certificate (DER) that a TLS server shows, unverified; raises as exchange does."""
        self._must_live(f"{address} port {port} is not asked")
        return network.peer_certificate(address, port, timeout_seconds)

    def look_up(self, name: str, timeout_seconds: float) -> str:
        """One address of a name, as this machine's programs get it; raises as exchange does."""
        self._must_live(f"{name} is not looked up")
        return network.look_up(name, timeout_seconds)

    def _must_live(self, what: str) -> None:
        if not self.live:
            raise MachineAbsent(f"{what} for a copied tree")

    def architecture(self) -> str:
        """The processor's family as the kernel names it: x86_64, aarch64."""
        return str(self._told("architecture", lambda: os.uname().machine if self.live else ""))

    def page_bytes(self) -> int:
        """Size of a page of memory."""
        return int(self._told("page_bytes", lambda: os.sysconf("SC_PAGE_SIZE") if self.live else 4096))

    def ticks_per_second(self) -> int:
        """Unit of the times in /proc/PID/stat."""
        return int(self._told("ticks_per_second", lambda: os.sysconf("SC_CLK_TCK") if self.live else 100))

    def utc_offset_seconds(self, at: float | None = None) -> int:
        """Local time minus UTC at a moment (seconds since 1970), or now; a copied tree tells its own."""
        return int(self._told("utc_offset_seconds", lambda: time.localtime(at).tm_gmtoff if self.live else 0))

    def wall_seconds(self) -> float:
        """Seconds since 1970 by the machine's own clock, which may be wrong."""
        return float(self._told("wall_seconds", self._clock.wall))

    def monotonic_seconds(self) -> float:
        """Seconds on a clock that never jumps and stops while the machine sleeps."""
        return float(self._told("monotonic_seconds", self._clock.monotonic))

    def boottime_seconds(self) -> float:
        """Seconds since boot, sleep included."""
        return float(self._told("boottime_seconds", self._clock.boottime))

    def privileged(self) -> bool:
        """True where this process may read everything."""
        return bool(self._told("privileged", lambda: self.live and os.geteuid() == 0))

    def may(self, read: Read) -> bool:
        """True where what this read gives can be had: by this process itself, or by the privileged reader."""
        return self.privileged()

    def taken(self) -> list[str]:
        """Words of the reads of which something was used since this was asked last: none, all was read here."""
        return []

    def _told(self, name: str, measure: Callable[[], object]) -> Any:
        """What the copied tree says; measured where this is the live machine or the tree says nothing."""
        told = None if self._replayed is None else self._replayed.get(name)
        return measure() if told is None else told

    def _open(self, path: str) -> int:
        """A descriptor of a regular file or a record device; a pipe or socket would wait for its other end."""
        try:
            local = self._local(path)
            # Below /proc and /sys there is nothing that waits or acts when it is opened.
            mode = stat.S_IFREG if self._live and path.startswith(HARMLESS) else os.stat(local).st_mode  # noqa: PTH116
            if stat.S_ISREG(mode) or (self.live and stat.S_ISCHR(mode)):
                return os.open(local, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        except OSError as error:
            raise files.error_from(error, path) from error
        raise MachineAbsent(f"{path} is no file that can be read")

    def _local(self, path: str, follow_last: bool = True) -> str:
        """Where a path of the machine lies here; links of a copied tree never lead out of it."""
        return path if self.live else files.inside(self.root, path, follow_last)
