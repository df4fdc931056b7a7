"""A join code as one copy-paste string, and back: pure; the collector writes it, the agent reads it.

Form: "CP1-", then base32 of the serialized JoinCode and its CRC-32, in groups of five. People copy it from mails,
tickets and telephones, so case, spaces, line breaks and any kind of dash do not matter, and the digits that base32
does not have are read as the letters that they look like; the CRC then tells a slip from a good code.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib

from google.protobuf.message import DecodeError

from caseprobe.errors import JoinCodeError
from caseprobe.v1 import enrolment_pb2

PREFIX = "CP1"
GROUP = 5
# A code is about 170 characters; the rest is room for names, quotes and line breaks around it.
LONGEST = 4096
SECRET_BYTES = (16, 64)
LOOKALIKES = str.maketrans("018", "OIB")
PURPOSES = frozenset(
    {
        enrolment_pb2.JOIN_PURPOSE_ENROL_ONE,
        enrolment_pb2.JOIN_PURPOSE_ENROL_MANY,
        enrolment_pb2.JOIN_PURPOSE_BUNDLE,
    }
)


def encode(code: enrolment_pb2.JoinCode) -> str:
    """The string that a person copies; raises JoinCodeError where decode would refuse it.

    >>> code = enrolment_pb2.JoinCode(address="desk.example:8443", ca_sha256=bytes(32), secret=bytes(16), purpose=3)
    >>> encode(code)[:15]
    'CP1-BIIWI-ZLTNM'
    >>> decode(encode(code).lower().replace("-", " ")) == code
    True
    """
    _check(code)
    body = code.SerializeToString(deterministic=True)
    letters = base64.b32encode(body + zlib.crc32(body).to_bytes(4, "big")).decode("ascii").rstrip("=")
    groups = [letters[start : start + GROUP] for start in range(0, len(letters), GROUP)]
    return "-".join([PREFIX, *groups])


def decode(text: str) -> enrolment_pb2.JoinCode:
    """What a join code says; raises JoinCodeError with what is wrong with it and what to do."""
    raw = _bytes(_letters(text))
    body, checksum = raw[:-4], raw[-4:]
    if zlib.crc32(body).to_bytes(4, "big") != checksum:
        raise JoinCodeError("this join code has a typing error or a part is missing: copy it again, whole")
    try:
        code = enrolment_pb2.JoinCode.FromString(body)
    except DecodeError:
        raise JoinCodeError("this join code cannot be read: ask for a new one") from None
    _check(code)
    return code


def split_address(address: str) -> tuple[str, int]:
    """Host and port of "host:port" or "[IPv6]:port"; raises JoinCodeError.

    >>> split_address("[2001:db8::1]:8443")
    ('2001:db8::1', 8443)
    >>> split_address("desk.example:8443")
    ('desk.example', 8443)
    """
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})", address)
    if not found or not 0 < int(found[3]) < 65536:
        raise JoinCodeError(f"{address[:100]!r} is not an address of the form host:port")
    return found[1] or found[2], int(found[3])


def is_address(address: str) -> bool:
    """True for what split_address takes."""
    try:
        split_address(address)
    except JoinCodeError:
        return False
    return True


def _letters(text: str) -> str:
    """The base32 letters after the prefix."""
    if len(text) > LONGEST:
        raise JoinCodeError(f"a join code is not that long ({len(text)} characters): pass the code alone")
    compact = "".join(char for char in text if char.isascii() and char.isalnum()).upper()
    if not compact:
        raise JoinCodeError("the join code is empty: pass the string that begins with CP1-")
    if compact.startswith(PREFIX):
        return compact[len(PREFIX) :].translate(LOOKALIKES)
    if re.match(r"CP\d", compact):
        raise JoinCodeError(f"this join code is of another version ({compact[:3]}): update caseprobe")
    raise JoinCodeError("this is not a join code: it begins with CP1-")


def _bytes(letters: str) -> bytes:
    try:
        raw = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except binascii.Error:
        raise JoinCodeError("this join code is cut or has a stray character: copy it again, whole") from None
    if len(raw) <= 4:
        raise JoinCodeError("this join code is cut: copy it again, whole")
    return raw


def _check(code: enrolment_pb2.JoinCode) -> None:
    """Every field that the agent will rely on is there and well formed."""
    split_address(code.address)
    shortest, longest = SECRET_BYTES
    if len(code.ca_sha256) != 32 or not shortest <= len(code.secret) <= longest:
        raise JoinCodeError("this join code is incomplete: ask for a new one")
    if code.purpose not in PURPOSES:
        raise JoinCodeError("this join code is for something that this version does not know: update caseprobe")
