"""iw dev NAME link and iw dev NAME station dump: a radio link's strength, rates and retries."""

from __future__ import annotations

import re
from collections.abc import Mapping

from caseprobe.v1 import section_net_pb2

# Connected to 02:11:22:33:44:55 (on wlan0)
# 	SSID: office
# 	freq: 5180
# Station 02:11:22:33:44:55 (on wlan0)
# 	connected time:	5400 seconds
# 	tx packets:	81023
# 	tx retries:	912
# 	tx failed:	3
# 	signal:  	-58 [-61, -60] dBm
# 	tx bitrate:	866.7 MBit/s VHT-MCS 9 80MHz short GI VHT-NSS 2
# 	rx bitrate:	780.0 MBit/s
FIELD = re.compile(r"^\s+([\w /]{1,40}):\s+(.{1,200})$")
NUMBER = re.compile(r"-?\d{1,12}(?:\.\d{1,6})?")
MEGABIT, MEGAHERTZ = 1e6, 1e6
NOT_CONNECTED = "Not connected."


def parse_iw_link(name: str, text: str) -> section_net_pb2.RadioLink:
    """Whether the interface is connected, to which network and where in the band; ValueError for other output.

    >>> parse_iw_link("wlan0", "Not connected.").connected
    False
    """
    if text.strip() == NOT_CONNECTED:
        return section_net_pb2.RadioLink(name=name)
    if not text.startswith("Connected to "):
        raise ValueError("iw printed something that is no link")
    fields = _fields(text)
    link = section_net_pb2.RadioLink(name=name, connected=True, network=fields.get("SSID", "").strip())
    if (hertz := _number(fields, "freq")) is not None:
        link.frequency_hertz = hertz * MEGAHERTZ
    return link


def add_iw_station(link: section_net_pb2.RadioLink, text: str) -> None:
    """Add what the one station that a client speaks to is told of; ValueError for other output."""
    if not text.startswith("Station "):
        raise ValueError("iw printed something that is no station")
    fields = _fields(text)
    if (signal := _number(fields, "signal")) is not None:
        link.signal_dbm = signal
    for field, key in (("sent_bits_per_second", "tx bitrate"), ("received_bits_per_second", "rx bitrate")):
        if (rate := _number(fields, key)) is not None:
            setattr(link, field, rate * MEGABIT)
    if (joined := _number(fields, "connected time")) is not None and joined >= 0:
        link.joined_seconds = joined
    for field, key in (
        ("sent_packets_total", "tx packets"),
        ("retries_total", "tx retries"),
        ("failed_total", "tx failed"),
        ("beacons_missed_total", "beacon loss"),
    ):
        if (count := _number(fields, key)) is not None and count >= 0:
            setattr(link, field, int(count))


def _fields(text: str) -> Mapping[str, str]:
    return {match[1].strip(): match[2] for line in text.splitlines() if (match := FIELD.match(line))}


def _number(fields: Mapping[str, str], key: str) -> float | None:
    found = NUMBER.match(fields.get(key, "").strip())
    return float(found[0]) if found else None
