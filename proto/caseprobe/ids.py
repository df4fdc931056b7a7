"""Ids that both sides make alike: a prefix and a UUIDv7, or a hash of a public key."""

from __future__ import annotations

import base64
import hashlib
import re

# Version and variant of a UUIDv7 stand at fixed places, so hardly anything that was drawn looks like one.
_AGENT_ID = re.compile("agent_[a-z2-7]{26}")
_ID = re.compile(rb"[a-z]{2,8}_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}")


def new_id(prefix: str, wall_seconds: float, randomness: bytes) -> str:
    """`prefix_` and a UUIDv7 in hex: 48 bits of milliseconds, then 10 bytes of randomness (RFC 9562 §5.7).

    >>> new_id("case", 0.001, bytes(10))
    'case_00000000000170008000000000000000'
    """
    value = (int(wall_seconds * 1000) & (1 << 48) - 1) << 80 | int.from_bytes(randomness[:10])
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return f"{prefix}_{value:032x}"


def is_id(text: bytes) -> bool:
    """Whether this is such an id, which names something and is no secret.

    >>> is_id(new_id("sess", 1.79e9, bytes(range(10))).encode()), is_id(b"sess_" + b"8f" * 16)
    (True, False)
    """
    return _ID.fullmatch(text) is not None


def is_agent_id(text: str) -> bool:
    """Whether this has the form of a machine's id.

    >>> is_agent_id(agent_id(b"")), is_agent_id("../x")
    (True, False)
    """
    return _AGENT_ID.fullmatch(text) is not None


def agent_id(public_key_der: bytes) -> str:
    """The id of the machine that holds this key (DER SubjectPublicKeyInfo): nobody can choose or guess another's.

    >>> agent_id(b"")
    'agent_4oymiquy7qobjgx36tejs35zeq'
    """
    digest = hashlib.sha256(public_key_der).digest()[:16]
    return "agent_" + base64.b32encode(digest).decode().rstrip("=").lower()
