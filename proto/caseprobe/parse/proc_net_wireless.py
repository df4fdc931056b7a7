"""/proc/net/wireless: how well radio links receive, as the kernel's older interface tells it."""

from __future__ import annotations

import re

from caseprobe.v1 import section_net_pb2

# Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
#  face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
#  wlan0: 0000   54.  -56.  -256        0      0      0      2    156        0
NUMBER = re.compile(r"-?\d{1,18}")
NO_NOISE = -256


def parse_proc_net_wireless(text: str) -> list[section_net_pb2.RadioLink]:
    """Every interface with a radio; lines of another form are passed over.

    Levels below zero are decibels over one milliwatt; other numbers have a unit that only the driver knows.

    >>> parse_proc_net_wireless("wlan0: 0000 54. -56. -256 0 0 0 2 156 0")[0].signal_dbm
    -56.0
    """
    found = []
    for line in text.splitlines():
        name, colon, rest = line.partition(":")
        words = [word.rstrip(".") for word in rest.split()]
        if colon and len(words) >= 10 and all(NUMBER.fullmatch(word) for word in words[1:10]):
            found.append(_link(name.strip(), [int(word) for word in words[1:10]]))
    return found


def _link(name: str, numbers: list[int]) -> section_net_pb2.RadioLink:
    quality, level, noise = numbers[:3]
    link = section_net_pb2.RadioLink(name=name, connected=quality > 0, beacons_missed_total=max(0, numbers[8]))
    if level < 0 and quality > 0:
        link.signal_dbm = level
    if NO_NOISE < noise < 0:
        link.noise_dbm = noise
    return link
