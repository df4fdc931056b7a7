"""/proc/net/snmp, /proc/net/netstat and /proc/net/sockstat: counters of the network protocols."""

from __future__ import annotations

from collections.abc import Mapping

# Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens … RetransSegs InErrs OutRsts
# Tcp: 1 200 120000 -1 81 … 3 0 12


def parse_protocol_counters(text: str) -> Mapping[str, int]:
    """Counters as "Tcp.RetransSegs"; a line of names is followed by the line of their numbers.

    >>> parse_protocol_counters("Tcp: InSegs OutSegs\\nTcp: 5 7\\n")["Tcp.OutSegs"]
    7
    """
    found: dict[str, int] = {}
    names: list[str] = []
    for line in text.splitlines():
        words = line.split()
        if names and words[:1] == names[:1] and len(words) == len(names) and _is_numbers(words[1:]):
            found |= {f"{words[0][:-1]}.{n}": int(v) for n, v in zip(names[1:], words[1:], strict=True)}
            names = []
        elif words and words[0].endswith(":"):
            names = words
    return found


def _is_numbers(words: list[str]) -> bool:
    return all(word.removeprefix("-").isdecimal() for word in words)


# sockets: used 16
# TCP: inuse 1 orphan 0 tw 0 alloc 1 mem 233


def parse_sockstat(text: str) -> Mapping[str, int]:
    """Numbers as "TCP.orphan".

    >>> parse_sockstat("TCP: inuse 1 orphan 4 tw 0 alloc 1 mem 233")["TCP.orphan"]
    4
    """
    found = {}
    for line in text.splitlines():
        name, *words = line.split() or [""]
        for key, value in zip(words[::2], words[1::2], strict=False):
            if value.isdecimal():
                found[f"{name.rstrip(':')}.{key}"] = int(value)
    return found
