"""A machine in memory for the tests of probes and checks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from caseprobe.errors import MachineAbsent, MachineTimeout, MeasurementError
from caseprobe_agent.machine import Address, Clock, FileFacts, Machine, Space

File = str | bytes | MeasurementError


class FakeClock:
    """Clocks that stand still until they are told to go on."""

    def __init__(self, wall_seconds: float = 1_700_000_000.0, boottime_seconds: float = 1000.0) -> None:
        """Begins at a known moment."""
        self.wall_seconds = wall_seconds
        self.boottime_seconds = boottime_seconds

    def advance(self, seconds: float) -> None:
        """Time passes."""
        self.wall_seconds += seconds
        self.boottime_seconds += seconds

    def clock(self) -> Clock:
        """What a Machine reads."""
        return Clock(
            wall=lambda: self.wall_seconds,
            monotonic=lambda: self.boottime_seconds,
            boottime=lambda: self.boottime_seconds,
        )


class FakeMachine(Machine):
    """Files by their path: text, bytes, or the error that reading raises. Links stand beside them."""

    def __init__(
        self,
        files: Mapping[str, File],
        *,
        links: Mapping[str, str] | None = None,
        spaces: Mapping[str, Space | MeasurementError] | None = None,
        addresses: Iterable[Address] = (),
        certificates: Mapping[int, bytes] | None = None,
        clock: FakeClock | None = None,
    ) -> None:
        """What is not named is absent; certificates: what its ports show."""
        super().__init__(Path("/nowhere"), (clock or FakeClock()).clock())
        self.files = dict(files)
        self.links = dict(links or {})
        self._spaces = dict(spaces or {})
        self._addresses = list(addresses)
        self._certificates = dict(certificates or {})

    def read_bytes(self, path: str, limit_bytes: int = 1 << 20) -> bytes:
        """As Machine.read_bytes."""
        return self._content(path)[:limit_bytes]

    def read_tail(self, path: str, limit_bytes: int) -> tuple[bytes, bool]:
        """As Machine.read_tail."""
        content = self._content(path)
        if len(content) <= limit_bytes:
            return content, False
        return content[-limit_bytes:].partition(b"\n")[2], True

    @contextlib.contextmanager
    def opened(self, path: str) -> Iterator[Callable[[int, int], bytes]]:
        """As Machine.opened."""
        content = self._content(path)
        yield lambda offset, size: content[offset : offset + size]

    def list_dir(self, path: str) -> list[str]:
        """As Machine.list_dir, from the paths that are known."""
        if isinstance(self.files.get(path), MeasurementError):
            self._content(path)
        prefix = path.rstrip("/") + "/"
        known = [*self.files, *self.links]
        names = {name.removeprefix(prefix).partition("/")[0] for name in known if name.startswith(prefix)}
        if not names:
            raise MachineAbsent(f"{path} does not exist on this machine")
        return sorted(names)

    def folders_in(self, path: str) -> list[str]:
        """As Machine.folders_in: names with something below them."""
        prefix = path.rstrip("/") + "/"
        rest = (name.removeprefix(prefix) for name in self.files if name.startswith(prefix))
        return sorted({name.partition("/")[0] for name in rest if "/" in name})

    def links_in(self, path: str) -> list[str]:
        """As Machine.links_in."""
        names = self.list_dir(path)
        return [self.links[f"{path}/{name}"] for name in names if f"{path}/{name}" in self.links]

    def entries_total(self, path: str) -> int:
        """As Machine.entries_total."""
        return len(self.list_dir(path))

    def file_facts(self, path: str) -> FileFacts:
        """As Machine.file_facts; every file was written at the beginning of time."""
        return FileFacts(len(self._content(path)), 0.0)

    def exists(self, path: str) -> bool:
        """As Machine.exists."""
        prefix = path.rstrip("/") + "/"
        return path in self.files or path in self.links or any(name.startswith(prefix) for name in self.files)

    def read_link(self, path: str) -> str:
        """As Machine.read_link."""
        if path not in self.links:
            raise MachineAbsent(f"{path} is no link")
        return self.links[path]

    def spaces(self, mount_points: Iterable[str], timeout_seconds: float) -> dict[str, Space | MeasurementError]:
        """As Machine.spaces; a mount that is not known hangs."""
        hung = MachineTimeout(f"did not answer within {timeout_seconds:g} s")
        return {point: self._spaces.get(point, hung) for point in mount_points}

    def addresses(self) -> list[Address]:
        """As Machine.addresses."""
        return self._addresses

    def peer_certificate(self, address: str, port: int, timeout_seconds: float) -> bytes:
        """As Machine.peer_certificate."""
        if port not in self._certificates:
            raise MachineTimeout(f"port {port} says nothing")
        return self._certificates[port]

    def _content(self, path: str) -> bytes:
        content = self.files.get(path)
        if content is None:
            raise MachineAbsent(f"{path} does not exist on this machine")
        if isinstance(content, MeasurementError):
            raise content
        return content.encode() if isinstance(content, str) else content
