"""Get-CimInstance CLASS | ConvertTo-Json: instances of a class as records, and values in them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

from caseprobe.errors import MachineDenied

Record = Mapping[str, object]
RECORDS_AT_MOST = 5000
# "/Date(1714348800000)/" (Windows PowerShell 5.1), "2026-11-20T08:15:00.5+01:00" (7),
# "20261120081500.500000+060" (WMI).
EPOCH = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")
DMTF = re.compile(r"(\d{14})\.(\d{6})([+-])(\d{3})")
# Names and codes of PowerShell's error records and of WMI; the sentences around them are in the user's language.
DENIED = ("PermissionDenied", "UnauthorizedAccess", "0x80041003", "0x80070005")
ADMINISTRATOR = "administrator"


def records(text: str) -> list[Record]:
    """The instances, however many; ValueError for what is no such JSON, MachineDenied where it says access denied.

    >>> records('{"DeviceID":"C:"}')
    [{'DeviceID': 'C:'}]
    >>> records('[]')
    []
    """
    if any(word in text for word in DENIED):
        raise MachineDenied("Windows denied access to it: it takes an administrator", needs=ADMINISTRATOR)
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("this is not the JSON of ConvertTo-Json, or it is cut") from error
    found = told if isinstance(told, list) else [told]
    if not all(isinstance(one, dict) for one in found):
        raise ValueError("this JSON holds no instances of a class")
    return found[:RECORDS_AT_MOST]


def only(text: str) -> Record:
    """The one instance of a class that has one; ValueError where there is none."""
    found = records(text)
    if not found:
        raise ValueError("the class has no instance here")
    return found[0]


def word(record: Record, name: str) -> str:
    """A text without blanks around it, empty where there is none."""
    value = record.get(name)
    return value.strip()[:1000] if isinstance(value, str) else ""


def whole(record: Record, name: str) -> int | None:
    """A number that is not negative, also where it is written as text; None for anything else.

    >>> whole({"Size": "511101103104"}, "Size"), whole({"Size": None}, "Size"), whole({"Size": -1}, "Size")
    (511101103104, None, None)
    """
    value = record.get(name)
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 64:
        return None
    return value


def moment(record: Record, name: str) -> float | None:
    """Seconds since 1970 of a date in any of its forms; None where there is none.

    >>> moment({"LastBootUpTime": "/Date(1714348800000)/"}, "LastBootUpTime")
    1714348800.0
    >>> moment({"LastBootUpTime": "20240429020000.000000+120"}, "LastBootUpTime")
    1714348800.0
    """
    value = record.get(name)
    if isinstance(value, dict):
        value = value.get("value")
    if not isinstance(value, str):
        return None
    try:
        if (match := EPOCH.fullmatch(value)) is not None:
            return int(match[1]) / 1000
        if (match := DMTF.fullmatch(value)) is not None:
            zone = timezone(timedelta(minutes=int(match[3] + match[4])))
            return datetime.strptime(match[1], "%Y%m%d%H%M%S").replace(tzinfo=zone).timestamp()
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
