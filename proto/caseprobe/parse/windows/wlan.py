"""netsh wlan show interfaces: radio links, in any language of Windows.

Labels are translated; what is not: the order of the lines, GUID, BSSID, units in the labels of rates, and percent.
"""

from __future__ import annotations

import re

from caseprobe.errors import MachineAbsent, MachineDenied
from caseprobe.v1 import section_net_pb2

#     Name                   : WLAN
#     Description            : Intel(R) Wi-Fi 6 AX201 160MHz
#     GUID                   : 7825d47a-5d59-4c93-8d91-2b0e1b5f6c4b
#     SSID                   : office
#     BSSID                  : 02:11:22:33:44:55          AP BSSID in Windows 11
#     Receive rate (Mbps)    : 866.7                      then Transmit rate; MBit/s, Mbits/s, Мбит/с elsewhere
#     Signal                 : 84%
#     Rssi                   : -52                        Windows 11 24H2
FIELD = re.compile(r"^\s*(?P<label>[^:]{1,80}?)\s*: *(?P<value>.*)$")
ADDRESS = re.compile(r"(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}")
RATE_LABEL = re.compile(r"\((?:M|М)[^()]{1,12}\)")
NUMBER = re.compile(r"-?\d{1,6}(?:[.,]\d{1,3})?")
SIGNAL = re.compile(r"(\d{1,3}) ?%")
MEGABIT = 1e6
# WlanSvc's own name and the settings page stand in the sentence in every language.
NO_SERVICE, LOCATION = "wlansvc", "ms-settings:privacy-location"
Fields = list[tuple[str, str]]


def parse_interfaces(text: str) -> section_net_pb2.WirelessFacts:
    """Every interface; one without an access point is not connected.

    Raises MachineAbsent without the service of wireless networks, MachineDenied where Windows wants the right to see
    the location, ValueError for other text.
    """
    if LOCATION in text:
        raise MachineDenied("Windows shows radio links only to who may see the location", needs="location services")
    fields = [(match["label"].strip(), match["value"].strip()) for line in text.splitlines() if (match := _field(line))]
    anchors = [place for place, (label, _) in enumerate(fields) if label == "GUID" and place >= 2]
    if not anchors:
        if NO_SERVICE in text:
            raise MachineAbsent("the service of wireless networks (WlanSvc) does not run")
        raise ValueError("no interface in it that has a GUID")
    ends = [*(place - 2 for place in anchors[1:]), len(fields)]
    links = [_link(fields[place - 2][1], fields[place:end]) for place, end in zip(anchors, ends, strict=True)]
    return section_net_pb2.WirelessFacts(links=links)


def _field(line: str) -> re.Match[str] | None:
    return FIELD.match(line) if len(line) < 500 else None


def _link(name: str, fields: Fields) -> section_net_pb2.RadioLink:
    link = section_net_pb2.RadioLink(name=name)
    # The first address behind the GUID is the card's own, the second the access point's.
    link.connected = sum(ADDRESS.fullmatch(value) is not None for _, value in fields) >= 2
    if not link.connected:
        return link
    link.network = next((value for label, value in fields if label == "SSID"), "")
    rates = [rate for label, value in fields if RATE_LABEL.search(label) and (rate := _number(value)) is not None]
    if len(rates) == 2:
        link.received_bits_per_second, link.sent_bits_per_second = (rate * MEGABIT for rate in rates)
    dbm = next((_number(value) for label, value in fields if label.casefold() == "rssi"), None)
    percent = next((int(match[1]) for _, value in fields if (match := SIGNAL.fullmatch(value))), None)
    if dbm is not None and dbm < 0:
        link.signal_dbm = dbm
    elif percent is not None:
        # WLAN_ASSOCIATION_ATTRIBUTES, wlanSignalQuality: 0 is -100 dBm, 100 is -50 dBm, straight between.
        link.signal_dbm = min(percent, 100) / 2 - 100
    return link


def _number(value: str) -> float | None:
    """A number with a point or, in other languages, a comma."""
    match = NUMBER.fullmatch(value)
    return float(match[0].replace(",", ".")) if match else None
