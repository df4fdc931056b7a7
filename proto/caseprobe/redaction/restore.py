"""Puts the true names back, on the machine that holds the key."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from caseprobe.redaction.addresses import Addresses
from caseprobe.redaction.pseudonyms import KINDS, LETTERS, Pseudonyms

LETTER = f"[{LETTERS}]"
BEFORE, AFTER = "(?i)(?<![0-9a-z])", "(?![0-9a-z])"
NAME = re.compile(BEFORE + f"(?:{'|'.join(KINDS)})-[a-z2-7]{{10,512}}" + AFTER)
UUID = re.compile(BEFORE + "-".join(LETTER + f"{{{length}}}" for length in (8, 4, 4, 4, 12)) + AFTER)
PAIRED_MAC = r"[0-9a-f]{2}([:-])[0-9a-f]{2}\1[0-9a-f]{2}(?:\1" + LETTER + "{2}){3}"
DOTTED_MAC = r"[0-9a-f]{4}\.[0-9a-f]{2}" + LETTER + r"{2}\." + LETTER + "{4}"
MAC = re.compile(f"{BEFORE}(?:{PAIRED_MAC}|{DOTTED_MAC}){AFTER}")
IPV6 = re.compile(r"(?i)(?<![0-9a-z:])(?:[a-d][0-9a-f]{3}|f[4-7][0-9a-f]{2}|fe80):[0-9a-f:]{2,34}[0-9a-f](?![0-9a-z:])")
IPV4 = re.compile(
    r"(?<![0-9A-Za-z.])(?:25[0-9]|2[6-9][0-9]|[34][0-9]{2}|50[0-9]|51[01])(?:\.[0-9]{1,3}){3}(?![0-9A-Za-z]|\.[0-9])"
)
DASHED_IPV4 = re.compile(r"(?i)(?<=\bip-)[2-5][0-9]{2}(?:-[0-9]{1,3}){3}(?![0-9-])")


class Restorer:
    """Undoes one key's pseudonyms."""

    def __init__(self, key: bytes) -> None:
        """key: the one that the text was masked with."""
        addresses, pseudonyms = Addresses(key), Pseudonyms(key)
        self._steps: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
            (NAME, pseudonyms.unmask_name),
            (UUID, pseudonyms.unmask_uuid),
            (MAC, pseudonyms.unmask_mac),
            (IPV6, addresses.unmask),
            (IPV4, addresses.unmask),
            (DASHED_IPV4, lambda text: addresses.unmask(text.replace("-", ".")).replace(".", "-")),
        )

    def text(self, text: str) -> str:
        """The text with every pseudonym of this key replaced by what it stands for; all else stays."""
        for pattern, restore in self._steps:
            text = pattern.sub(partial(_or_same, restore), text)
        return text


def _or_same(restore: Callable[[str], str], match: re.Match[str]) -> str:
    """What a pseudonym stands for, or the text itself where it only looked like one."""
    try:
        return restore(match[0])
    except ValueError:
        return match[0]
