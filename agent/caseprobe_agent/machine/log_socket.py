"""One line into this machine's own log, through the socket that its log daemon listens on; nothing is started.

systemd: docs/JOURNAL_NATIVE_PROTOCOL (a datagram of FIELD=value lines); everybody else: syslog (RFC 3164) at /dev/log.
"""

from __future__ import annotations

import os
import socket
import time

PROGRAM = "caseprobe"
JOURNAL = "/run/systemd/journal/socket"
SYSLOG = "/dev/log"
# Facility user, severity notice.
PRIORITY = "<13>"
NOTICE = 5
SEND_SECONDS = 2.0


def write_line(text: str, at: float, journal: str = JOURNAL, syslog: str = SYSLOG) -> str:
    """Which log took the line: "the journal" or "syslog"; empty where no daemon listens, or it does not take it.

    text: one line without control characters. at: seconds since 1970.
    """
    fields = f"MESSAGE={text}\nPRIORITY={NOTICE}\nSYSLOG_IDENTIFIER={PROGRAM}\nSYSLOG_PID={os.getpid()}\n"
    if _sent(journal, socket.SOCK_DGRAM, fields.encode()):
        return "the journal"
    moment = time.strftime("%b %e %H:%M:%S", time.localtime(at))
    line = f"{PRIORITY}{moment} {PROGRAM}[{os.getpid()}]: {text}".encode()
    taken = _sent(syslog, socket.SOCK_DGRAM, line) or _sent(syslog, socket.SOCK_STREAM, line + b"\n")
    return "syslog" if taken else ""


def _sent(path: str, kind: socket.SocketKind, data: bytes) -> bool:
    with socket.socket(socket.AF_UNIX, kind) as log:
        log.settimeout(SEND_SECONDS)
        try:
            log.connect(path)
            log.sendall(data)
        except OSError:
            return False
    return True
