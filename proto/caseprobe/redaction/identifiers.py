"""Finds what identifies people, machines and networks in a text, and puts pseudonyms in its place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import partial

from caseprobe.redaction import patterns
from caseprobe.redaction.addresses import Addresses
from caseprobe.redaction.lines import Needles, lines_matching, rewrite
from caseprobe.redaction.names import KnownNames
from caseprobe.redaction.pseudonyms import Pseudonyms
from caseprobe.redaction.rule import HIDDEN
from caseprobe.redaction.word_finder import WordFinder

# Pseudonyms kept at hand; more are made anew, so memory stays bounded at any number of addresses.
CACHED = 1 << 15
PRIVATE = (b"10.", b"172.", b"192.168.", b"100.")

EMAIL_NEEDLES, DASHED_NEEDLES = Needles((b"@",)), Needles((b"ip-",))
HOME_NEEDLES = Needles((b"/home/", b"/users/", b"\\users\\"))
USER_NEEDLES = Needles((b" for ", b"invalid user ", b"user=", b"logname=", b"acct=", b"username="))

Match = re.Match[bytes]
Replace = Callable[[Match], bytes]


class Identifiers:
    """Masks identifiers in bytes that hold text, and counts them by kind."""

    def __init__(self, key: bytes, names: KnownNames, asset_masked: bool, counts: Counter[str]) -> None:
        """key: the machine's; asset_masked: whether the machine's own names and serials are hidden too."""
        self._addresses, self._pseudonyms = Addresses(key), Pseudonyms(key)
        self._counts = counts
        self._cache: dict[tuple[str, bytes], bytes] = {}
        self._words = WordFinder(names, self._pseudonyms, asset_masked)
        self._asset_masked = asset_masked

    def learn(self, names: KnownNames) -> None:
        """Looks for these names from now on, instead of those before."""
        self._words = WordFinder(names, self._pseudonyms, self._asset_masked)

    def mask(self, data: bytes) -> bytes:
        """The text with every identifier replaced; what is masked already stays."""
        data = _on_lines(data, EMAIL_NEEDLES, patterns.EMAIL, self._email)
        data = _on_lines(data, HOME_NEEDLES, patterns.HOME, self._user)
        data = _on_lines(data, USER_NEEDLES, patterns.LOGGED_USER, self._user)
        data = _on_lines(data, DASHED_NEEDLES, patterns.DASHED_IPV4, self._dashed)
        data = _on_lines(data, self._words.needles, self._words.pattern, self._word)
        data = _where(data, patterns.MAYBE_UUID, patterns.UUID, self._uuid)
        data = _where(data, patterns.MAYBE_COLONS, patterns.MAC, self._mac)
        data = _where(data, patterns.MAYBE_DASHES, patterns.MAC, self._mac)
        data = _where(data, patterns.MAYBE_DOTS, patterns.DOTTED_MAC, self._mac)
        data = _where(data, patterns.MAYBE_COLONS, patterns.IPV6, self._ipv6)
        return patterns.IPV4.sub(self._ipv4, data)

    def _cached(self, kind: str, value: bytes, mask: Callable[[str], str]) -> bytes:
        """The pseudonym of a value, from the bounded cache or made anew; a value that cannot be masked stays."""
        found = self._cache.get((kind, value))
        if found is None:
            if len(self._cache) >= CACHED:
                self._cache.clear()
            try:
                found = mask(value.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
            except ValueError:
                found = value
            self._cache[kind, value] = found
        if found != value:
            self._counts[kind] += 1
        return found

    def _email(self, match: Match) -> bytes:
        if patterns.UNIT.search(match[2]):
            return match[0]
        address = patterns.IPV4.fullmatch(match[2])
        domain = match[2] if address else self._cached("email", match[2], self._pseudonyms.host)
        # In a URL the part before "@" may be a password that was hidden already.
        local = match[1] if HIDDEN.fullmatch(match[1]) else self._cached("email", match[1], self._pseudonyms.user)
        return local + b"@" + domain

    def _user(self, match: Match) -> bytes:
        name = self._cached("user", match[1], self._pseudonyms.user)
        return match[0][: match.start(1) - match.start()] + name + match[0][match.end(1) - match.start() :]

    def _dashed(self, match: Match) -> bytes:
        dotted = match[2].replace(b"-", b".")
        return match[1] + self._cached("ipv4", dotted, self._addresses.mask).replace(b".", b"-")

    def _word(self, match: Match) -> bytes:
        kind, masked = self._words.mask(match[0])
        if kind:
            self._counts[kind] += 1
        return masked

    def _uuid(self, match: Match) -> bytes:
        return self._cached("uuid", match[0], self._pseudonyms.uuid)

    def _mac(self, match: Match) -> bytes:
        return self._cached("mac", match[0], self._pseudonyms.macs)

    def _ipv6(self, match: Match) -> bytes:
        return self._cached("ipv6", match[0], self._addresses.mask_written)

    def _ipv4(self, match: Match) -> bytes:
        value, text = match[0], match.string
        before = text[max(match.start() - patterns.LOOK_BACK, 0) : match.start()].rpartition(b"\n")[2]
        after = text[match.end() : match.end() + patterns.LOOK_BACK]
        if _is_part(before, after) or _is_version(value, before, after):
            return value
        return self._cached("ipv4", value, self._addresses.mask)


def _on_lines(data: bytes, needles: Needles, pattern: re.Pattern[bytes], replace: Replace) -> bytes:
    """The text with the pattern replaced in those lines that hold a needle."""
    return rewrite(data, needles.lines(data.lower()), partial(pattern.sub, replace))


def _where(data: bytes, maybe: re.Pattern[bytes], pattern: re.Pattern[bytes], replace: Replace) -> bytes:
    """The text with the pattern replaced in those lines where a cheaper look found that it may match."""
    return rewrite(data, lines_matching(data, maybe), partial(pattern.sub, replace))


def _is_part(before: bytes, after: bytes) -> bool:
    """Whether a dotted quad is a piece of something longer: an object id, a name, five numbers."""
    glued = patterns.GLUED_BEFORE.search(before) and not patterns.ESCAPE_BEFORE.search(before)
    return bool(glued or patterns.GLUED_AFTER.match(after))


def _is_version(value: bytes, before: bytes, after: bytes) -> bool:
    """Whether a dotted quad is a version rather than an address."""
    worded = before.rstrip(patterns.VERSION_GAP).lower().endswith(patterns.VERSION_ENDS)
    if (worded and patterns.VERSION_BEFORE.search(before)) or patterns.VERSION_AFTER.match(after):
        return True
    if value.startswith(PRIVATE):
        return False
    return bool((worded and patterns.MAYBE_BEFORE.search(before)) or patterns.MAYBE_AFTER.match(after))
