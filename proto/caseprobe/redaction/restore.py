"""Puts the true names back, on the machine that holds the key."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from caseprobe.redaction import kernel_tables
from caseprobe.redaction.addresses import Addresses
from caseprobe.redaction.numbers import laid_back
from caseprobe.redaction.patterns import DASHED_WORDS
from caseprobe.redaction.pseudonyms import KINDS, LETTERS, Pseudonyms

LETTER = f"[{LETTERS}]"
BEFORE, AFTER = "(?i)(?<![0-9a-z])", "(?![0-9a-z])"
NAME = re.compile(BEFORE + f"(?:{'|'.join(KINDS)})-[a-z2-7]{{10,512}}" + AFTER)
LAID_OUT = re.compile(BEFORE + r"(?:card|iban|phone)-[a-z2-7]{10,128}\.(?:[a-z][0-5]){1,16}" + AFTER)
BARE_UUID = re.compile(BEFORE + LETTER + "{32}" + AFTER)
UUID = re.compile(BEFORE + "-".join(LETTER + f"{{{length}}}" for length in (8, 4, 4, 4, 12)) + AFTER)
PAIRED_MAC = r"[0-9a-f]{2}([:-])[0-9a-f]{2}\1[0-9a-f]{2}(?:\1" + LETTER + "{2}){3}"
DOTTED_MAC = r"[0-9a-f]{4}\.[0-9a-f]{2}" + LETTER + r"{2}\." + LETTER + "{4}"
MAC = re.compile(f"{BEFORE}(?:{PAIRED_MAC}|{DOTTED_MAC}){AFTER}")
IPV6 = re.compile(r"(?i)(?<![0-9a-z:])(?:[ab][0-9a-f]{3}|f[45][0-9a-f]{2}|fe9a):[0-9a-f:]{1,40}(?![0-9a-z:])")
IPV4 = re.compile(
    r"(?<![0-9A-Za-z.])(?:25[0-9]|2[6-9][0-9]|[34][0-9]{2}|50[0-9]|51[01])(?:\.[0-9]{1,3}){3}(?![0-9A-Za-z]|\.[0-9])"
)
DASHED_IPV4 = re.compile(
    rf"(?i)(?<![a-z0-9])(?:(?:{DASHED_WORDS.decode()})-|(?<![\w.-]))[2-5][0-9]{{2}}(?:-[0-9]{{1,3}}){{3}}(?![0-9-]|\w)"
)
BARE_MAC = re.compile("(?i)(?<![0-9a-z.:-])(?:enx)?[0-9a-f]{6}" + LETTER + "{6}" + AFTER)
ARPA6 = re.compile(r"(?i)(?<![\w.-])(?:[0-9a-f]\.){31}[0-9a-f](?=\.ip6\.arpa)")
ARPA = re.compile(r"(?i)(?<![\w.-])(?:[0-9]{1,3}\.){3}[2-5][0-9]{2}(?=\.in-addr\.arpa)")


class Restorer:
    """Undoes one key's pseudonyms."""

    def __init__(self, key: bytes) -> None:
        """key: the one that the text was masked with."""
        addresses, pseudonyms = Addresses(key), Pseudonyms(key)
        self._addresses = addresses
        self._steps: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
            (LAID_OUT, partial(laid_back, pseudonyms)),
            (NAME, pseudonyms.unmask_name),
            (UUID, pseudonyms.unmask_uuid),
            (BARE_UUID, pseudonyms.unmask_uuid),
            (MAC, pseudonyms.unmask_mac),
            (BARE_MAC, partial(_after_prefix, pseudonyms.unmask_mac)),
            (IPV6, partial(_socket, addresses.unmask)),
            (ARPA6, partial(addresses.mask_nibbles, back=True)),
            (ARPA, lambda text: _reversed(addresses.unmask(_reversed(text)))),
            (IPV4, addresses.unmask),
            (DASHED_IPV4, partial(_dashed, addresses.unmask)),
        )

    def text(self, text: str) -> str:
        """The text with every pseudonym of this key replaced by what it stands for; all else stays."""
        for pattern, restore in self._steps:
            text = pattern.sub(partial(_or_same, restore), text)
        data = text.encode("utf-8", "surrogateescape")
        return kernel_tables.ROW.sub(self._row, data).decode("utf-8", "surrogateescape")

    def _row(self, match: re.Match[bytes]) -> bytes:
        """A row of one of the kernel's tables."""
        try:
            return kernel_tables.rewritten(match, self._addresses.unmask)
        except ValueError:
            return match[0]


def _or_same(restore: Callable[[str], str], match: re.Match[str]) -> str:
    """What a pseudonym stands for, or the text itself where it only looked like one."""
    try:
        return restore(match[0])
    except ValueError:
        return match[0]


def _after_prefix(restore: Callable[[str], str], text: str) -> str:
    """The name of an interface that is made of its hardware address."""
    return text[:-12] + restore(text[-12:])


def _dashed(restore: Callable[[str], str], text: str) -> str:
    """A name that ends in an address with dashes."""
    words, address = text.rsplit("-", 4)[0], "-".join(text.rsplit("-", 4)[-4:])
    head = words + "-" if text != address else ""
    return head + restore(address.replace("-", ".")).replace(".", "-")


def _reversed(text: str) -> str:
    return ".".join(reversed(text.split(".")))


def _socket(restore: Callable[[str], str], text: str) -> str:
    """An address, or that of a socket, whose port stands behind one more colon."""
    address, _, port = text.rpartition(":")
    try:
        restored = restore(text)
    except ValueError:
        restored = text
    return f"{restore(address)}:{port}" if restored == text and port.isdigit() else restored
