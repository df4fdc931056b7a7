"""X.509 certificates, as far as their dates and names: PEM or DER, read without a library for cryptography.

Nothing is verified here: a date that a damaged file tells is what a program that reads the file sees too.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

PEM = re.compile(r"-----BEGIN (?:TRUSTED )?CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END (?:TRUSTED )?CERTIFICATE-----")
SEQUENCE, SET, OBJECT_ID, UTC_TIME, GENERALIZED_TIME, VERSION = 0x30, 0x31, 0x06, 0x17, 0x18, 0xA0
COMMON_NAME, ORGANIZATION = bytes.fromhex("550403"), bytes.fromhex("55040a")
TEXTS = {0x1E: "utf-16-be", 0x0C: "utf-8", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii"}
LONGEST_NAME = 200


@dataclass(frozen=True)
class CertificateDates:
    """Names are the common name, the organisation where there is none, or empty."""

    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    self_signed: bool


def parse_pem(text: str) -> CertificateDates | None:
    """The first certificate of a PEM file, None where there is none; raises ValueError for one that is damaged."""
    match = PEM.search(text)
    if match is None:
        return None
    try:
        return parse_der(binascii.a2b_base64(match[1]))
    except binascii.Error as error:
        raise ValueError(f"the certificate is damaged: {error}") from error


def parse_der(data: bytes) -> CertificateDates:
    """Names and dates of one certificate; raises ValueError where the bytes are none."""
    certificate = _expect(_elements(data), SEQUENCE)
    fields = _elements(_expect(_elements(certificate), SEQUENCE))
    tag, _ = next(fields, (0, b""))
    if tag == VERSION:
        next(fields, None)  # the serial number; without a version it was the element just taken
    _expect(fields, SEQUENCE)
    issuer = _expect(fields, SEQUENCE)
    validity = _elements(_expect(fields, SEQUENCE))
    subject = _expect(fields, SEQUENCE)
    begin, end = _moment(*next(validity, (0, b""))), _moment(*next(validity, (0, b"")))
    return CertificateDates(_name(subject), _name(issuer), begin, end, subject == issuer)


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element, one after the other."""
    place = 0
    while place < len(data):
        if place + 2 > len(data):
            raise ValueError("the certificate is cut")
        tag, length = data[place], data[place + 1]
        place += 2
        if length & 0x80:
            size = length & 0x7F
            if not 1 <= size <= 4 or place + size > len(data):
                raise ValueError("the certificate has a length that makes no sense")
            length = int.from_bytes(data[place : place + size], "big")
            place += size
        if place + length > len(data):
            raise ValueError("the certificate is cut")
        yield tag, data[place : place + length]
        place += length


def _expect(elements: Iterator[tuple[int, bytes]], wanted: int) -> bytes:
    tag, content = next(elements, (0, b""))
    if tag != wanted:
        raise ValueError("the bytes are no certificate")
    return content


def _moment(tag: int, content: bytes) -> datetime:
    """UTCTime says years 1950 to 2049 in two digits, GeneralizedTime says four (RFC 5280, 4.1.2.5)."""
    text = content.decode("ascii", "replace")
    if tag == UTC_TIME and len(text) == 13:
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != GENERALIZED_TIME:
        raise ValueError("the certificate has no date where one must be")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _name(content: bytes) -> str:
    found: dict[bytes, str] = {}
    for tag, group in _elements(content):
        for kind, pair in _elements(group) if tag == SET else ():
            parts = _elements(pair) if kind == SEQUENCE else iter(())
            _, identifier = next(parts, (0, b""))
            text_tag, text = next(parts, (0, b""))
            found[identifier] = text.decode(TEXTS.get(text_tag, "utf-8"), "replace")
    return (found.get(COMMON_NAME) or found.get(ORGANIZATION) or "")[:LONGEST_NAME]
