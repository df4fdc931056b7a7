"""Real kernel routers in a row: network namespaces joined by veth pairs, gone when the test or bench ends.

The last one takes every packet to 198.19.0.0/16 as its own. Forwarding, ICMP errors and their limits are the kernel's.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.paths.lab import UNPRIVILEGED, require

ROOT = Path(__file__).parents[2]
TARGETS = "198.19.0.0/16"
NUMBERS = itertools.count()
# What a router needs, and what this kernel may not know.
ROUTER = ("net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0")
UNLIMITED = ("net.ipv4.icmp_ratelimit=0", "net.ipv4.icmp_msgs_per_sec=1000000", "net.ipv4.icmp_msgs_burst=1000000")


@dataclass(frozen=True)
class Chain:
    """The namespaces from the near end to the far one."""

    names: tuple[str, ...]

    @property
    def name(self) -> str:
        """That of the near end."""
        return self.names[0]

    def shape(self, up: str, down: str) -> None:
        """The first router's line: RATE/QUEUE each way, bits a second and bytes that may wait in their order."""
        for device, line in (("onward", up), ("back", down)):
            rate, queue = line.split("/")
            words = ("qdisc", "replace", "dev", device, "root", "tbf", "rate", rate, "burst", "4000", "limit", queue)
            subprocess.run(["tc", "-n", self.names[1], *words], check=True)

    def command(self, *words: str, unprivileged: bool = True) -> list[str]:
        """A command as it runs at the near end."""
        return ["ip", "netns", "exec", self.name, *(UNPRIVILEGED if unprivileged else []), *words]

    def run(self, *words: str, unprivileged: bool = True, timeout_seconds: float = 120) -> str:
        """What a command prints that runs at the near end."""
        command = self.command(*words, unprivileged=unprivileged)
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_seconds, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextlib.contextmanager
def chain(hops: int, limited: bool = False) -> Iterator[Chain]:
    """So many hops; limited leaves the kernel's own limits of ICMP errors as they are by default."""
    require()
    prefix = f"caseprobe-{os.getpid()}-{next(NUMBERS)}"
    names = [f"{prefix}-{number}" for number in range(hops + 1)]
    try:
        for name in names:
            subprocess.run(["ip", "netns", "add", name], check=True)
            settings = (*ROUTER, *(() if limited else UNLIMITED), "net.ipv4.ping_group_range=0 2147483647")
            sysctl = ["ip", "netns", "exec", name, "sysctl", "-qew", *settings]
            subprocess.run(sysctl, check=False, stderr=subprocess.DEVNULL)
        for number, name in enumerate(names):
            batch = "\n".join(_lines(names, number))
            subprocess.run(["ip", "-n", name, "-batch", "-"], input=batch, text=True, check=True)
        yield Chain(tuple(names))
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL)


def _lines(names: list[str], number: int) -> Iterator[str]:
    """What `ip` does once all namespaces are there: each has a link back to the one before and one to the next."""
    yield "link set lo up"
    if number:
        yield f"addr add 198.18.{number}.1/30 dev back"
        yield "link set back up"
        yield f"route add 198.18.0.0/16 via 198.18.{number}.2 dev back"
    if number < len(names) - 1:
        yield f"link add onward type veth peer name back netns {names[number + 1]}"
        yield f"addr add 198.18.{number + 1}.2/30 dev onward"
        yield "link set onward up"
        yield f"route add {TARGETS} via 198.18.{number + 1}.1 dev onward"
    else:
        yield f"route add local {TARGETS} dev lo"
