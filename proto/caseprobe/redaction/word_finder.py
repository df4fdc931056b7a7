"""Finds a machine's known names in running text, in any case, and never inside a pseudonym."""

from __future__ import annotations

import re
from collections.abc import Iterable

from caseprobe.redaction.names import KnownNames
from caseprobe.redaction.patterns import TOKEN
from caseprobe.redaction.pseudonyms import Pseudonyms, is_masked_name
from caseprobe.redaction.rule import HIDDEN

SHORTEST_SERIAL = 6
BEFORE, AFTER = rb"(?i)(?<![a-z0-9])(?:", rb")(?![a-z0-9])"
SIBLING = rb"(?:[a-z0-9-]{1,63}\.){0,4}"
NEVER = rb"(?!)"
# RE2 knows no look-ahead; a place that is both a word's edge and none does not exist.
NOTHING = rb"\b\B"


class WordFinder:
    """The names of one machine, ready to be looked for."""

    def __init__(self, names: KnownNames, pseudonyms: Pseudonyms, asset_masked: bool) -> None:
        """asset_masked: whether the machine's own host names and serials are hidden, too."""
        self._pseudonyms = pseudonyms
        own, serials = _bytes(names.machine_hosts()), _bytes(s for s in names.serials if len(s) >= SHORTEST_SERIAL)
        # The machine's own label is sent as it is, also where it ends in a domain that is hidden elsewhere.
        self._kept = set() if asset_masked else own
        self._hosts = _bytes(names.other_hosts()) | (own if asset_masked else set())
        self._serials = serials if asset_masked else set()
        self._people = _bytes(names.people())
        hidden = self._hosts | self._people | self._serials
        self.look = _either(hidden) if hidden else NOTHING
        words = _either(hidden | self._kept)
        dotted = _either(host for host in self._hosts if b"." in host)
        inner = b"|".join((self._kept_first(), SIBLING + rb"(?:" + dotted + rb")", words))
        self._bare = re.compile(BEFORE + inner + AFTER)
        self.pattern = re.compile(BEFORE + TOKEN + b"|" + inner + AFTER)

    def mask(self, word: bytes) -> tuple[str, bytes]:
        """What a match stands for: the kind that was masked, or "", and the text for its place."""
        lowered = word.lower()
        text = word.decode("utf-8", "surrogateescape")
        if HIDDEN.fullmatch(word) or lowered in self._kept or is_masked_name(text):
            return "", word
        for kind, names, mask in (
            ("user", self._people, self._pseudonyms.user),
            ("serial", self._serials, self._pseudonyms.serial),
            ("host", self._hosts, self._pseudonyms.host),
        ):
            if lowered in names or (kind == "host" and self._bare.fullmatch(word)):
                return kind, mask(text).encode("utf-8", "surrogateescape")
        # It only looked like a pseudonym: a known name may still stand in it.
        return "", self._bare.sub(lambda match: self.mask(match[0])[1], word)

    def _kept_first(self) -> bytes:
        return _either(self._kept)


def _bytes(names: Iterable[str]) -> set[bytes]:
    return {name.lower().encode("utf-8", "surrogateescape") for name in names}


def _either(names: Iterable[bytes]) -> bytes:
    """A pattern for any of the names, longest first, so that a full name is not left half."""
    return b"|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)) or NEVER
