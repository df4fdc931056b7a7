"""Files of address ranges as text, sorted by address: a line found by bisection, however long the file is.

Known by their columns: `start<TAB>end<TAB>number<TAB>country<TAB>name` (iptoasn.com), `start,end,number,name` (DB-IP)
and `network,number,name` (GeoLite2 blocks). IPv4 comes before IPv6 where a file has both.
"""

from __future__ import annotations

import csv
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

LINE_BYTES = 4096  # a longer line is no line of such a file
Place = tuple[int, int]  # IP version and address as a number


@dataclass(frozen=True)
class Range:
    """One line: the first and last address that it is about, and what it says of them."""

    first: Place
    last: Place
    fields: tuple[str, ...]


def find_range(data: memoryview, packed: bytes) -> tuple[str, ...]:
    """What the line of an address says, without its addresses; empty where no line has it.

    >>> text = b"start,end,asn\\n192.0.2.0,192.0.2.255,64500,Example\\n198.51.100.0,198.51.100.255,64501,Other\\n"
    >>> find_range(memoryview(text), bytes([192, 0, 2, 7])), find_range(memoryview(text), bytes([192, 0, 3, 7]))
    (('64500', 'Example'), ())
    """
    wanted = (4 if len(packed) == 4 else 6, int.from_bytes(packed, "big"))
    low, high, best = 0, len(data), None
    while low < high:
        begin, end = _line(data, (low + high) // 2)
        found = _range(bytes(data[begin:end]))
        if found is None or found.first <= wanted:  # a heading stands before every address
            best, low = found or best, max(end + 1, low + 1)
        else:
            high = begin
    return best.fields if best is not None and best.first <= wanted <= best.last else ()


def _line(data: memoryview, place: int) -> tuple[int, int]:
    """Where the line begins and ends that a place is in."""
    before = bytes(data[max(0, place - LINE_BYTES) : place])
    after = bytes(data[place : place + LINE_BYTES])
    begin = place - len(before) + before.rfind(b"\n") + 1
    end = after.find(b"\n")
    return begin, place + (end if end >= 0 else len(after))


def _range(line: bytes) -> Range | None:
    """What a line says, None for a heading and what is no line of such a file."""
    text = line.decode("utf-8", "replace").strip()
    try:
        cells = text.split("\t") if "\t" in text else next(csv.reader([text]), [])
        return _of_cells([cell.strip() for cell in cells])
    except (ValueError, csv.Error):
        return None


def _of_cells(cells: Sequence[str]) -> Range | None:
    if len(cells) < 2:
        return None
    if "/" in cells[0]:
        network = ipaddress.ip_network(cells[0], strict=False)
        return Range(_place(network[0]), _place(network[-1]), tuple(cells[1:]))
    first, last = (ipaddress.ip_address(cell) for cell in cells[:2])
    return Range(_place(first), _place(last), tuple(cells[2:]))


def _place(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Place:
    return address.version, int(address)
