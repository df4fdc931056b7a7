"""wevtutil qe CHANNEL /f:xml and Event Viewer's XML: Windows' events, known by provider and number.

Sentences are translated and may be missing; providers, numbers and data are the same in every language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from caseprobe.parse.logs.entry import Entry

EVENTS_AT_MOST = 20_000
TEXT_CHARACTERS = 4096
# Levels of Windows (winmeta.xml) as those of syslog; 0 stands for "always".
LEVELS = {0: 6, 1: 2, 2: 3, 3: 4, 4: 6, 5: 7}
DEVICE = re.compile(r"\\Device\\(?:Harddisk\d+\\)?(\w[\w.-]*)", re.ASCII)
# Class by provider (lower case) and number. Sentences of the providers' own message files, as Microsoft publishes them.
CLASSES: Mapping[tuple[str, int], str] = {
    ("disk", 7): "blk_medium_error",  # The device, %1, has a bad block.
    ("disk", 11): "blk_transport_error",  # The driver detected a controller error on %1.
    ("disk", 51): "blk_io_error",  # An error was detected on device %1 during a paging operation.
    ("disk", 153): "scsi_timeout",  # The IO operation at logical block address %1 for Disk %2 was retried.
    ("disk", 154): "blk_io_error",  # … failed due to a hardware error.
    ("disk", 157): "usb_disconnect_storage",  # Disk %1 has been surprise removed.
    ("storahci", 11): "blk_transport_error",
    ("storahci", 129): "scsi_timeout",  # Reset to device, %1, was issued.
    ("storport", 129): "scsi_timeout",
    ("iastor", 129): "scsi_timeout",
    ("iastora", 129): "scsi_timeout",
    ("iastorac", 129): "scsi_timeout",
    ("iastorvd", 129): "scsi_timeout",
    ("stornvme", 11): "nvme_reset",
    ("stornvme", 129): "nvme_reset",
    ("ntfs", 55): "fs_error",  # A corruption was discovered in the file system structure on volume %1.
    ("ntfs", 137): "fs_error",  # The default transaction resource manager on volume %1 encountered an error.
    ("ntfs", 140): "fs_error",  # The system failed to flush data to the transaction log.
    ("microsoft-windows-ntfs", 55): "fs_error",
    ("microsoft-windows-ntfs", 140): "fs_error",
    ("microsoft-windows-whea-logger", 17): "pcie_aer",  # A corrected hardware error has occurred (PCI Express).
    ("microsoft-windows-whea-logger", 18): "mce_ue",  # A fatal hardware error has occurred.
    ("microsoft-windows-whea-logger", 19): "mce_ce",  # A corrected hardware error has occurred (processor).
    ("microsoft-windows-whea-logger", 46): "edac_ue",  # A fatal hardware error has occurred (memory).
    ("microsoft-windows-whea-logger", 47): "edac_ce",  # A corrected hardware error has occurred (memory).
    ("microsoft-windows-wer-systemerrorreporting", 1001): "oops",  # The computer has rebooted from a bugcheck.
    ("bugcheck", 1001): "oops",
    ("microsoft-windows-kernel-processor-power", 37): "thermal_throttle",  # The speed … is being limited by firmware.
    ("microsoft-windows-ndis", 10400): "nic_reset",  # The network interface %1 has begun resetting.
    ("e1dexpress", 27): "link_down",  # Network link is disconnected.
    ("e1iexpress", 27): "link_down",
    ("e1rexpress", 27): "link_down",
    ("e2fexpress", 27): "link_down",
}
# What processors are known by: number within a group, or the interrupt controller's own.
PROCESSORS = {"Number": "CPU", "ApicId": "APIC"}
# The machine went down without being shut down: written at the next start.
UNCLEAN = (("microsoft-windows-kernel-power", 41), ("eventlog", 6008))


@dataclass(frozen=True)
class Event:
    """One event; at is None where it tells no time. data: names (often empty) and values, in their order."""

    provider: str
    number: int
    at: float | None
    level: int
    host: str
    data: Sequence[tuple[str, str]]
    message: str = ""

    @property
    def key(self) -> tuple[str, int]:
        """What kind of event it is."""
        return self.provider.lower(), self.number

    def entry(self) -> Entry:
        """As a line of a log."""
        told = self.message or ", ".join(f"{name}={value}" if name else value for name, value in self.data)
        text = f"event {self.number}: {told}"[:TEXT_CHARACTERS]
        # A line is parted at blanks: a provider's name may hold some.
        return Entry(text, self.provider.replace(" ", "_"), at=self.at, level=self.level, host=self.host)

    def fault(self) -> tuple[str, str] | None:
        """Class and object; None for an event of no known class."""
        known = CLASSES.get(self.key)
        return (known, self._object()) if known else None

    def _object(self) -> str:
        """The device, volume or adapter that it names, empty where none."""
        for name, value in self.data:
            if name in PROCESSORS:
                return f"{PROCESSORS[name]} {value}"[:200]
            if name in (
                "DriveName",
                "VolumeName",
                "VolumeId",
                "DeviceName",
                "AdapterName",
                "MiniportName",
                "DiskNumber",
            ):
                return value.removeprefix("\\Device\\")[:200]
        devices = (match for _, value in self.data if (match := DEVICE.search(value)) is not None)
        match = next(devices, None)
        return match[0].removeprefix("\\Device\\").partition("\\")[0] if match else ""


def parse_events(text: str) -> tuple[list[Event], str]:
    """Every whole event in the order of time, and what ended the reading too early (empty where nothing did).

    Raises ValueError where there is no event in it at all.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("events declare no entities")
    # wevtutil writes one root after another; a declaration may stand only before the first.
    body = re.sub(r"^\s*<\?xml[^>]{0,200}\?>", "", text)
    events, ended = [], ""
    try:
        for element in _elements(body):
            if (event := _event(element)) is not None:
                events.append(event)
            element.clear()
            if len(events) == EVENTS_AT_MOST:
                ended = f"more than {EVENTS_AT_MOST} events"
                break
    except ParseError as error:
        ended = f"the XML ends early or is damaged ({error})"
    if not events:
        raise ValueError(ended or "no event in it")
    return sorted(events, key=lambda event: event.at or 0.0), ended


def _elements(body: str) -> Iterator[Element]:
    parser: XMLPullParser[Element] = XMLPullParser(("end",))
    # Event Viewer wraps its export in <Events>, wevtutil does not; one wrap more does no harm.
    for part in ("<caseprobe>", body, "</caseprobe>"):
        parser.feed(part)
        for told in parser.read_events():
            element = told[-1]
            if isinstance(element, Element) and _name(element) == "Event":
                yield element
    parser.close()


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _event(element: Element) -> Event | None:
    parts = {_name(child): child for child in element}
    system = {_name(child): child for child in parts.get("System", ())}
    provider, number = system.get("Provider"), _number(system.get("EventID"))
    if provider is None or number is None:
        return None
    created = system.get("TimeCreated")
    host, rendering = system.get("Computer"), parts.get("RenderingInfo")
    message = next((child.text or "" for child in rendering or () if _name(child) == "Message"), "")
    level = _number(system.get("Level"))
    return Event(
        # Classic sources are known by the name that they were registered under.
        "EventLog" if provider.get("EventSourceName") == "EventLog" else provider.get("Name", ""),
        number,
        _moment("" if created is None else created.get("SystemTime", "")),
        LEVELS.get(level if level is not None else 4, 6),
        "" if host is None else (host.text or ""),
        [*_data(parts.get("EventData"), 1), *_data(parts.get("UserData"), 2)],
        message.strip(),
    )


def _data(parent: Element | None, depth: int) -> Iterator[tuple[str, str]]:
    """Data with or without names; what a provider declares itself stands one level deeper, by its tags."""
    for child in parent if parent is not None else ():
        if depth == 2:
            yield from _data(child, 1)
        elif _name(child) != "Binary" and (child.text or "").strip():
            yield (child.get("Name") or ("" if _name(child) == "Data" else _name(child))), (child.text or "").strip()


def _number(element: Element | None) -> int | None:
    text = "" if element is None else (element.text or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else None


def _moment(text: str) -> float | None:
    """2026-03-16T15:49:02.0784174Z: seven digits behind the point."""
    try:
        at = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def went_down_uncleanly(events: Iterable[Event], booted_at: float, now: float) -> bool:
    """Whether an event of this start says that nobody had shut the machine down before it."""
    return any(event.key in UNCLEAN and event.at is not None and booted_at - 60 <= event.at <= now for event in events)
