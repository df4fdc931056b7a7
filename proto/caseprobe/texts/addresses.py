"""Network addresses as people write them."""

from __future__ import annotations

import ipaddress


def address_text(packed: bytes) -> str | None:
    """An address as people write it; None for none, and for bytes that are no address.

    >>> address_text(bytes([192, 0, 2, 1])), address_text(b"")
    ('192.0.2.1', None)
    """
    return str(ipaddress.ip_address(packed)) if len(packed) in (4, 16) else None
