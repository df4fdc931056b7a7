"""Finds what identifies people, machines and networks in a text, and puts pseudonyms in its place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable

from caseprobe.redaction import patterns
from caseprobe.redaction.addresses import Addresses
from caseprobe.redaction.names import KnownNames
from caseprobe.redaction.pseudonyms import Pseudonyms
from caseprobe.redaction.rule import HIDDEN
from caseprobe.redaction.word_finder import WordFinder

# Pseudonyms kept at hand; more are made anew, so memory stays bounded at any number of addresses.
CACHED = 1 << 15
PRIVATE = (b"10.", b"172.", b"192.168.", b"100.")

Match = re.Match[bytes]
# The look (RE2), the pattern, and what stands in the place of a match.
Step = tuple[bytes, re.Pattern[bytes], Callable[[Match], bytes]]


class Identifiers:
    """Masks identifiers in bytes that hold text, and counts them by kind."""

    def __init__(self, key: bytes, names: KnownNames, asset_masked: bool, counts: Counter[str]) -> None:
        """key: the machine's; asset_masked: whether the machine's own names and serials are hidden too."""
        self._addresses, self._pseudonyms = Addresses(key), Pseudonyms(key)
        self._counts = counts
        self._cache: dict[tuple[str, bytes], bytes] = {}
        self._asset_masked = asset_masked
        self.learn(names)

    def learn(self, names: KnownNames) -> None:
        """Looks for these names from now on, instead of those before."""
        self._words = WordFinder(names, self._pseudonyms, self._asset_masked)
        self._steps = self._all_steps()

    @property
    def looks(self) -> list[bytes]:
        """What a line must hold for each step to be worth while, in RE2's syntax, in the order of the steps."""
        return [look for look, _, _ in self._steps]

    def mask(self, line: bytes, wanted: Iterable[int]) -> bytes:
        """The line with every identifier replaced; what is masked already stays. wanted: steps whose look matched."""
        for number in wanted:
            _, pattern, replace = self._steps[number]
            line = pattern.sub(replace, line)
        return line

    def _all_steps(self) -> tuple[Step, ...]:
        """Longer forms go before those that could be a part of them."""
        return (
            (patterns.MAYBE_EMAIL, patterns.EMAIL, self._email),
            (patterns.MAYBE_HOME, patterns.HOME, self._user),
            (patterns.MAYBE_USER, patterns.LOGGED_USER, self._user),
            (patterns.MAYBE_DASHED, patterns.DASHED_IPV4, self._dashed),
            (self._words.look, self._words.pattern, self._word),
            (patterns.MAYBE_UUID, patterns.UUID, self._uuid),
            (patterns.MAYBE_COLONS + b"|" + patterns.MAYBE_DASHES, patterns.MAC, self._mac),
            (patterns.MAYBE_DOTS, patterns.DOTTED_MAC, self._mac),
            (patterns.MAYBE_COLONS, patterns.IPV6, self._ipv6),
            (patterns.MAYBE_IPV4, patterns.IPV4, self._ipv4),
        )

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
        before = text[max(match.start() - patterns.LOOK_BACK, 0) : match.start()]
        after = text[match.end() : match.end() + patterns.LOOK_BACK]
        if _is_part(before, after) or _is_version(value, before, after):
            return value
        return self._cached("ipv4", value, self._addresses.mask)


def _is_part(before: bytes, after: bytes) -> bool:
    """Whether a dotted quad is a piece of something longer: an object id, a name, five numbers."""
    glued = (
        before[-1:] not in patterns.APART
        and patterns.GLUED_BEFORE.search(before)
        and not patterns.ESCAPE_BEFORE.search(before)
    )
    return bool(glued or (after[:1] not in patterns.APART and patterns.GLUED_AFTER.match(after)))


def _is_version(value: bytes, before: bytes, after: bytes) -> bool:
    """Whether a dotted quad is a version rather than an address."""
    worded = before.rstrip(patterns.VERSION_GAP).lower().endswith(patterns.VERSION_ENDS)
    joined = after[:1] not in patterns.APART
    if (worded and patterns.VERSION_BEFORE.search(before)) or (joined and patterns.VERSION_AFTER.match(after)):
        return True
    if value.startswith(PRIVATE):
        return False
    return bool((worded and patterns.MAYBE_BEFORE.search(before)) or (joined and patterns.MAYBE_AFTER.match(after)))
