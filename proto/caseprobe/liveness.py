"""TCP's own keepalive on sockets that a library opened: the kernel notices a silent line, for nothing.

gRPC's pings wake a process for each of its sessions (measured: 10,000 idle sessions pinged every 10 s take 30 % of a
core), and they cannot tell a line that is cut from a machine that is stopped or asleep: its kernel still answers, its
process does not. The kernel's probes do both, and who must also know that the other process turns asks for heartbeats.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

# The first probe after so much silence, the next ones after as much again: with TCP_USER_TIMEOUT (gRPC sets it from its
# keepalive timeout) the line is given up at the second, after 12 s; without it after 16 s. Both leave room to 20 s.
IDLE_SECONDS, INTERVAL_SECONDS, PROBES = 8, 4, 2
SUPPORTED = sys.platform == "linux"


def keep_alive(wanted: Callable[[socket.socket], bool]) -> int:
    """Turn keepalive on for this process's TCP sockets that are wanted; gives how many there were.

    Accepted sockets inherit it from the listening one. 0 where the system does not show a process its own sockets.
    """
    count = 0
    for one in _sockets():
        with one, contextlib.suppress(OSError):
            if one.type == socket.SOCK_STREAM and one.family in (socket.AF_INET, socket.AF_INET6) and wanted(one):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, IDLE_SECONDS)
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, INTERVAL_SECONDS)
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES)
                count += 1
    return count


def listens_on(port: int) -> Callable[[socket.socket], bool]:
    """Wants the sockets that listen on a port."""

    def wanted(one: socket.socket) -> bool:
        return bool(one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)) and one.getsockname()[1] == port

    return wanted


def connected_to(port: int) -> Callable[[socket.socket], bool]:
    """Wants the sockets that are connected to a port."""
    return lambda one: bool(one.getpeername()[1] == port)


def _sockets() -> Iterator[socket.socket]:
    """A handle of our own on each of this process's sockets: closing it leaves theirs open."""
    if not SUPPORTED:
        return
    try:
        links = list(Path("/proc/self/fd").iterdir())
    except OSError:
        return
    for link in links:
        with contextlib.suppress(OSError):
            if str(link.readlink()).startswith("socket:"):
                yield socket.socket(fileno=os.dup(int(link.name)))
