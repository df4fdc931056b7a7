"""Finds a machine's known names in running text, in any case, cut off or not, and never inside a pseudonym."""

from __future__ import annotations

import re
from collections.abc import Iterable

from caseprobe.redaction.domains import is_everybodys
from caseprobe.redaction.names import KnownNames
from caseprobe.redaction.patterns import TOKEN
from caseprobe.redaction.pseudonyms import Pseudonyms, is_masked_name
from caseprobe.redaction.rule import HIDDEN

SHORTEST_SERIAL = 6
# Tables cut a longer name after so many characters, or one earlier with a plus sign behind it.
CUT_AT = 8
BEFORE, AFTER = rb"(?i)(?<![a-z0-9])(?:", rb")(?![a-z0-9])"
SIBLING = rb"(?:[a-z0-9-]{1,63}\.){0,4}"
NEVER = rb"(?!)"
# What stands around a name decides, so it is read with it.
RUN = rb"[\w.\x80-\xff+-]*"


class WordFinder:
    """The names of one machine, ready to be looked for."""

    def __init__(self, names: KnownNames, pseudonyms: Pseudonyms, asset_masked: bool) -> None:
        """asset_masked: whether the machine's own host names and serials are hidden, too."""
        self._pseudonyms = pseudonyms
        own, serials = _bytes(names.machine_hosts()), _bytes(s for s in names.serials if len(s) >= SHORTEST_SERIAL)
        # The machine's own label is sent as it is, also where it ends in a domain that is hidden elsewhere.
        self._kept = set() if asset_masked else own
        others = (name for name in names.other_hosts() if not is_everybodys(name))
        self._hosts = _bytes(others) | (own if asset_masked else set())
        self._serials = serials if asset_masked else set()
        self._people = _bytes(names.people())
        self._persons = _bytes(names.whole_names())
        cut_people, cut_hosts = _cut(self._people), _cut(host for host in self._hosts if b"." not in host)
        self._by_kind = (
            ("user", self._people | cut_people, pseudonyms.user),
            ("person", self._persons, lambda text: pseudonyms.name("person", text)),
            ("serial", self._serials, pseudonyms.serial),
            ("host", self._hosts | (cut_hosts - self._kept), pseudonyms.host),
        )
        hidden = {name for _, known, _ in self._by_kind for name in known}
        self.look = RUN + b"(?:" + _either(hidden) + b")" + RUN if hidden else b""
        self._full = sorted(host for host in self._hosts if b"." in host)
        dotted, shorts = _either(self._full), _either({host.partition(b".")[0] for host in self._full})
        parts = (_either(self._kept), SIBLING + rb"(?:" + dotted + rb")", _either(hidden | self._kept))
        inner = b"|".join((*parts[:2], rb"(?:" + shorts + rb")(?:\.[a-z0-9-]{1,63}){1,8}", parts[2]))
        self._bare = re.compile(BEFORE + inner + AFTER)
        self._sibling = re.compile(BEFORE + parts[1] + AFTER)
        self._word = re.compile(BEFORE + parts[2] + AFTER)
        self.pattern = re.compile(BEFORE + TOKEN + b"|" + inner + AFTER)

    def is_kept(self, name: str) -> bool:
        """Whether a name is the machine's own label, which is sent as it is."""
        return name.lower().encode("utf-8", "surrogateescape") in self._kept

    def mask(self, word: bytes) -> tuple[str, bytes]:
        """What a match stands for: the kind that was masked, or "", and the text for its place."""
        lowered = word.lower()
        text = word.decode("utf-8", "surrogateescape")
        if HIDDEN.fullmatch(word) or lowered in self._kept or is_masked_name(text):
            return "", word
        for kind, names, mask in self._by_kind:
            if lowered in names:
                return _told(kind, word, mask(text))
        if self._sibling.fullmatch(word):
            return _told("host", word, self._pseudonyms.host(text))
        if any(full.startswith(lowered) for full in self._full):
            # Cut off at the edge of a table: its end is no ending that others have, so nothing of it stays.
            return _told("host", word, ".".join(self._pseudonyms.name("host", label) for label in text.split(".")))
        if TOKEN_OR_DOTTED.fullmatch(word) is None or b"." not in word:
            # It only looked like a pseudonym: a known name may still stand in it.
            return "", self._bare.sub(lambda match: self.mask(match[0])[1], word)
        return "", self._word.sub(lambda match: self.mask(match[0])[1], word)


TOKEN_OR_DOTTED = re.compile(rb"(?i)[a-z0-9.-]+")


def _told(kind: str, word: bytes, masked: str) -> tuple[str, bytes]:
    data = masked.encode("utf-8", "surrogateescape")
    return kind if data != word else "", data


def _cut(names: Iterable[bytes]) -> set[bytes]:
    """What tables leave of longer names, without the plus sign."""
    long = [name for name in names if len(name) > CUT_AT]
    return {name[:end] for name in long for end in (CUT_AT - 1, CUT_AT)}


def _bytes(names: Iterable[str]) -> set[bytes]:
    return {name.lower().encode("utf-8", "surrogateescape") for name in names}


def _either(names: Iterable[bytes]) -> bytes:
    """A pattern for any of the names, longest first, so that a full name is not left half."""
    return b"|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)) or NEVER
