"""/etc/os-release: which distribution this is."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

# PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
# NAME="Debian GNU/Linux"
# VERSION_ID="12"


def parse_os_release(text: str) -> Mapping[str, str]:
    """Every variable by its name, quotes removed; lines that are no assignment are passed over.

    >>> parse_os_release('NAME="Debian GNU/Linux"\\n# comment\\nVERSION_ID=12')["NAME"]
    'Debian GNU/Linux'
    """
    found = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and name.isidentifier():
            found[name] = _unquoted(value)
    return found


def _unquoted(value: str) -> str:
    try:
        return " ".join(shlex.split(value))
    except ValueError:
        return value.strip("\"'")
