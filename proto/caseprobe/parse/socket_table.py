"""/proc/net/tcp, tcp6, udp and udp6: every socket of one protocol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from caseprobe.kernel_address import kernel_address

#   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
#    0: 00000000:07E8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 49 1 000000003520142e 100 …
STATES = {
    "01": "ESTABLISHED",
    "02": "SYN_SENT",
    "03": "SYN_RECV",
    "04": "FIN_WAIT1",
    "05": "FIN_WAIT2",
    "06": "TIME_WAIT",
    "07": "CLOSE",
    "08": "CLOSE_WAIT",
    "09": "LAST_ACK",
    "0A": "LISTEN",
    "0B": "CLOSING",
    "0C": "NEW_SYN_RECV",
}
LISTEN, UNCONNECTED = "0A", "07"


@dataclass(frozen=True)
class Listener:
    """A socket that waits for anybody; queue is what waits to be accepted (tcp) or read (udp); line counts from 1."""

    line: int
    address: str
    port: int
    queue: int
    inode: int


@dataclass(frozen=True)
class SocketTable:
    """How many sockets are in which state, and those that listen; states are empty words for udp.

    busiest: connections from the given ports to the one destination that has most of them.
    """

    counts: Mapping[str, int]
    listeners: tuple[Listener, ...]
    busiest: int = 0


def parse_socket_table(text: str, connected: bool, ports: range = range(0)) -> SocketTable:
    """Counts and listeners; connected is True for tcp. Lines of another form are passed over.

    ports: those that connections to others leave from.

    >>> line = "0: 0100007F:1F90 00000000:0000 0A 00000000:00000002 00:00000000 00000000 0 0 49 1"
    >>> parse_socket_table(line, connected=True).listeners[0].port
    8080
    """
    counts: Counter[str] = Counter()
    destinations: Counter[str] = Counter()
    listeners = []
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split(maxsplit=10)
        if len(fields) < 10 or not fields[0].endswith(":"):
            continue
        state = fields[3]
        counts[STATES.get(state, state) if connected else ""] += 1
        if state == (LISTEN if connected else UNCONNECTED) and (listener := _listener(number, fields)) is not None:
            listeners.append(listener)
        elif ports and _port(fields[1]) in ports:
            destinations[fields[2]] += 1
    return SocketTable(counts, tuple(listeners), max(destinations.values(), default=0))


def parse_socket_states(text: str, connected: bool) -> dict[int, str]:
    """The state of every socket that a process holds, by its inode; empty words for udp, nothing of what waits to end.

    >>> parse_socket_states("0: 0100007F:1F90 00000000:0000 08 0:0 00:0 0 0 0 49 1", connected=True)
    {49: 'CLOSE_WAIT'}
    """
    rows = (line.split(maxsplit=10) for line in text.splitlines())
    found = {
        int(row[9]): STATES.get(row[3], row[3]) if connected else ""
        for row in rows
        if len(row) >= 10 and row[0].endswith(":") and row[9].isdecimal()
    }
    found.pop(0, None)
    return found


def _port(endpoint: str) -> int:
    try:
        return int(endpoint[-4:], 16)
    except ValueError:
        return -1


def _listener(line: int, fields: list[str]) -> Listener | None:
    address, _, port = fields[1].partition(":")
    try:
        queue = int(fields[4].partition(":")[2], 16)
        return Listener(line, kernel_address(address), int(port, 16), queue, int(fields[9]))
    except ValueError:
        return None
