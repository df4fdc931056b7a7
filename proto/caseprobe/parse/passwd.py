"""/etc/passwd: names of users."""

from __future__ import annotations

from collections.abc import Mapping

# root:x:0:0:root:/root:/bin/bash


def parse_passwd(text: str) -> Mapping[int, str]:
    """Name by number; the first of several with one number wins, as in the C library.

    >>> parse_passwd("root:x:0:0:root:/root:/bin/bash")[0]
    'root'
    """
    found: dict[int, str] = {}
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) >= 7 and fields[2].isdecimal():
            found.setdefault(int(fields[2]), fields[0])
    return found
