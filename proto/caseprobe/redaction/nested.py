"""Secrets inside encodings: a word in base 64 or percent signs is read, and hidden whole where what it says is secret.

A secret in them cannot be replaced in place, since the encoding of the rest would change too.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable

# Four characters of base 64, either alphabet, that say three bytes of ASCII: each has its highest bit clear. Few names
# and paths consist of these alone, so a run of them is worth a look.
QUAD = rb"[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]"
# In RE2's syntax: what a line must hold for a closer look. Shorter words hold no key with its secret.
LOOK = rb"(?-i:(?:" + QUAD + rb"){6})|%[2-7][0-9a-f]"
MARKER = b"_hidden_encoded_"
BASE64 = re.compile(rb"(?<![A-Za-z0-9+/_-])(?:" + QUAD + rb"){6,16384}+(?:[A-Za-z0-9+/_-]{2,3})?={0,2}")
# The parts of an address or form, each with its own encoding.
PART = re.compile(rb"[^\s\"'<>?&;=]{4,16384}+")
PERCENT = re.compile(rb"%[2-7][0-9A-Fa-f]")
SIGNED = re.compile(rb"%([0-9A-Fa-f]{2})")
TEXT = re.compile(rb"[\t\r\n\x20-\x7e]+")
# An encoding in an encoding in an encoding; deeper ones hide nothing that a person would find.
DEEPEST = 3


def hide_nested(line: bytes, holds_secret: Callable[[bytes], bool]) -> tuple[bytes, int]:
    """The line without encoded words that hold a secret, and how many there were.

    holds_secret: of what a word says.

    >>> hide_nested(b"x=ZXhwb3J0IFBBU1NXT1JEPWNvcnJlY3QtaG9yc2U=", lambda text: b"PASSWORD" in text)
    (b'x=_hidden_encoded_', 1)
    """
    total = 0

    def hide(match: re.Match[bytes], decode: Callable[[bytes], bytes]) -> bytes:
        nonlocal total
        said = decode(match[0])
        if not said or not holds_secret(said):
            return match[0]
        total += 1
        return MARKER

    if PERCENT.search(line):
        line = PART.sub(lambda match: hide(match, _from_percent), line)
    return BASE64.sub(lambda match: hide(match, _from_base64), line), total


def _from_percent(word: bytes) -> bytes:
    """What a part says; empty where nothing in it is encoded."""
    return SIGNED.sub(lambda match: bytes((int(match[1], 16),)), word) if PERCENT.search(word) else b""


def _from_base64(word: bytes) -> bytes:
    """What a word says in base 64; empty where it says no text."""
    plain = word.rstrip(b"=").translate(_STANDARD)
    said = _decoded(plain + b"=" * (-len(plain) % 4))
    return said if TEXT.fullmatch(said) else b""


_STANDARD = bytes.maketrans(b"-_", b"+/")


def _decoded(word: bytes) -> bytes:
    try:
        return b64decode(word)
    except (NotBase64, ValueError):
        return b""
