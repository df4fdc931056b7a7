"""Who is at the other end of a socket of this machine, as the kernel knows it."""

from __future__ import annotations

import socket
import struct

# struct ucred: process, user, group.
CREDENTIALS = struct.Struct("3i")


def uid_of(connection: socket.socket) -> int:
    """The user that opened the connection, or that listens where it leads."""
    return credentials(connection)[1]


def credentials(connection: socket.socket) -> tuple[int, int, int]:
    """Process, user and group of the other end, at the moment when it connected or began to listen."""
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    pid, uid, gid = CREDENTIALS.unpack(told)
    return pid, uid, gid
