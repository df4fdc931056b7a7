"""Finds what identifies people, machines and networks in a text, and puts pseudonyms in its place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from caseprobe.redaction import dense, domains, kernel_tables, numbers, patterns
from caseprobe.redaction.addresses import Addresses
from caseprobe.redaction.cues import CUES, NO_HOST, NO_USER, Cue
from caseprobe.redaction.finder import Finder
from caseprobe.redaction.lines import Sets
from caseprobe.redaction.names import KnownNames
from caseprobe.redaction.pseudonyms import TOKEN, Pseudonyms, is_masked_name
from caseprobe.redaction.rule import HIDDEN
from caseprobe.redaction.word_finder import WordFinder

# Pseudonyms kept; more are made anew, so memory stays bounded at any number of names.
AT_HAND = 1 << 13
PRIVATE = (b"10.", b"172.", b"192.168.", b"100.")
# Ends of interfaces' names, of packages and of units: what stands before "@" is no person there.
NO_MAILBOX = re.compile(
    rb"(?i)(?:if|eth|bond|docker|lo)[0-9.]*|en[opsx][0-9a-z]+|wl[opx]?[0-9a-z]+|br(?:[0-9]+|-[0-9a-f]+)|veth[0-9a-f]+|none"
    rb"|v?[0-9][\w.-]*"
)
IPV6_AHEAD = re.compile(rb"[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:")
WORD = re.compile(rb"[\w.$\x80-\xff-]*")
DIGIT = re.compile(rb"[0-9]")
LETTER = re.compile(rb"[A-Za-z\x80-\xff]")

Match = re.Match[bytes]


@dataclass(frozen=True)
class Step:
    """One kind of piece: what RE2 looks for, the exact pattern (compiled when first met), what replaces a match."""

    look: bytes
    made: Callable[[], re.Pattern[bytes]]
    replace: Callable[[Match], bytes]

    @cached_property
    def pattern(self) -> re.Pattern[bytes]:
        """The exact pattern."""
        return self.made()


class Identifiers:
    """Masks identifiers in bytes that hold text, and counts them by kind."""

    def __init__(self, key: bytes, names: KnownNames, asset_masked: bool, counts: Counter[str]) -> None:
        """key: the machine's; asset_masked: whether the machine's own names and serials are hidden too."""
        self._addresses, self._pseudonyms = Addresses(key), Pseudonyms(key)
        self._counts = counts
        self._asset_masked = asset_masked
        self._by_cue: dict[str, Callable[[bytes], bytes]] = {
            "user": self._user,
            "host": self._host,
            "person": self._person,
            "serial": self._serial,
            "uuid": lambda value: self._masked("uuid", value, self._pseudonyms.uuid),
            "mac": lambda value: self._masked("mac", value, self._pseudonyms.mac),
        }
        self._at_hand: dict[tuple[str, str, bytes], bytes] = {}
        # What was replaced in the piece that is being read.
        self._found: list[str] = []
        self.learn(names)

    def learn(self, names: KnownNames) -> None:
        """Looks for these names from now on, instead of those before."""
        self._words = WordFinder(names, self._pseudonyms, self._asset_masked)
        self._finder: Finder | None = None
        self._at_hand.clear()

    def mask(self, data: bytes) -> bytes:
        """The text with every identifier replaced; what is masked already stays, and so does the number of lines."""
        data, hosts = dense.heads(data, self._host)
        data, addresses = dense.around_addresses(data, self._addresses.mask_all, self._rest)
        self._counts.update({kind: number for kind, number in (("host", hosts), ("ipv4", addresses)) if number})
        return data

    def _rest(self, data: bytes) -> bytes:
        """The text with every identifier replaced that is found piece by piece."""
        if self._finder is None:
            families = self._families()
            self._steps = [step for family in families for step in family]
            self._finder = Finder([[step.look for step in family] for family in families], self._read)
            self._sets = Sets([step.look for step in self._steps])
        masked, kinds = self._finder.replace(data)
        self._counts.update(kinds)
        return masked

    def _read(self, piece: bytes) -> tuple[bytes, Sequence[str]]:
        """A piece with every identifier replaced, and the kinds of what was."""
        if bare := patterns.BARE_IPV4.fullmatch(piece):
            return self._bare(piece, bare[1])
        self._found = []
        for number in self._sets.of(piece):
            step = self._steps[number]
            piece = step.pattern.sub(step.replace, piece)
        return piece, tuple(self._found)

    def _bare(self, piece: bytes, address: bytes) -> tuple[bytes, Sequence[str]]:
        """An address between two characters that say nothing of it: most of a dense log's pieces."""
        try:
            masked = self._addresses.mask(address.decode("ascii")).encode("ascii")
        except ValueError:
            masked = address
        return (piece[:1] + masked + piece[-1:], ("ipv4",)) if masked != address else (piece, ())

    def _families(self) -> Sequence[Sequence[Step]]:
        """Every step: longer forms go before those that could be a part of them; what begins alike is one family."""
        cues = [Step(cue.look, cue.compiled, partial(self._cued, cue)) for cue in CUES]
        # Alone, so that the automata of the others go on where new names are learned.
        own = [(Step(self._words.look, lambda: self._words.pattern, self._word),)] if self._words.look else []
        return (
            (
                Step(patterns.LOOK_EMAIL, lambda: patterns.EMAIL, self._email),
                Step(patterns.LOOK_ARPA, lambda: patterns.ARPA, self._reversed),
                Step(patterns.LOOK_ARPA6, lambda: patterns.ARPA6, self._nibbles),
                Step(patterns.LOOK_DASHED, lambda: patterns.DASHED_IPV4, self._dashed),
            ),
            (
                Step(patterns.LOOK_UUID, lambda: patterns.UUID, self._uuid),
                Step(patterns.LOOK_MAC, lambda: patterns.MAC, self._mac),
                Step(patterns.LOOK_DOTTED_MAC, lambda: patterns.DOTTED_MAC, self._mac),
                Step(kernel_tables.LOOK, lambda: kernel_tables.ROW, self._row),
            ),
            (
                Step(numbers.LOOK_IBAN, lambda: numbers.IBAN, self._iban),
                Step(numbers.LOOK_CARD, lambda: numbers.CARD, self._card),
                Step(numbers.LOOK_PHONE, lambda: numbers.PHONE, self._phone),
            ),
            cues,
            *own,
            (
                Step(domains.LOOK, lambda: domains.FULL, self._domain),
                Step(patterns.LOOK_IPV6, lambda: patterns.IPV6, self._ipv6),
                Step(patterns.LOOK_IPV4, lambda: patterns.IPV4, self._ipv4),
            ),
        )

    def _masked(self, kind: str, value: bytes, mask: Callable[[str], str], part: str = "") -> bytes:
        """The pseudonym of a value, at hand or made anew; a value that cannot be masked stays. part: of several."""
        found = self._at_hand.get((kind, part, value))
        if found is None:
            try:
                found = mask(value.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
            except ValueError:
                found = value
            if len(self._at_hand) >= AT_HAND:
                self._at_hand.clear()
            self._at_hand[kind, part, value] = found
        if found != value:
            self._found.append(kind)
        return found

    def _email(self, match: Match) -> bytes:
        if patterns.UNIT.search(match[2]) or NO_MAILBOX.fullmatch(match[2]) or HIDDEN.search(match[2]):
            return match[0]
        address = patterns.IPV4.fullmatch(match[2])
        domain = match[2] if address else self._masked("email", match[2], self.host)
        # In a URL the part before "@" may be a password that was hidden already.
        local = (
            match[1] if HIDDEN.fullmatch(match[1]) else self._masked("email", match[1], self._pseudonyms.user, "local")
        )
        return local + b"@" + domain

    def _cued(self, cue: Cue, match: Match) -> bytes:
        """Every group of a cue's match replaced, from the last to the first."""
        text = match[0]
        for group in range(match.re.groups, 0, -1):
            start, end = match.span(group)
            if start >= 0 and not _stays(cue.kind, match.string, start, end):
                value = self._by_cue[cue.kind](match[group])
                text = text[: start - match.start()] + value + text[end - match.start() :]
        return text

    def _user(self, value: bytes) -> bytes:
        return value if value.lower() in NO_USER else self._masked("user", value, self._pseudonyms.user)

    def _person(self, value: bytes) -> bytes:
        return self._masked("person", value, partial(self._pseudonyms.name, "person"))

    def _serial(self, value: bytes) -> bytes:
        # A serial number without any digit is a word of a sentence.
        return self._masked("serial", value, self._pseudonyms.serial) if DIGIT.search(value) else value

    def _host(self, value: bytes) -> bytes:
        if value.lower() in NO_HOST or not LETTER.search(value):
            return value
        return self._masked("host", value, self.host)

    def host(self, name: str) -> str:
        """A host's pseudonym, in facts as in text.

        The machine's own label where it is sent, and names that are everybody's, stay.
        """
        if self._words.is_kept(name) or domains.is_everybodys(name):
            return name
        return self._pseudonyms.host(name, self._label)

    def _label(self, label: str) -> str | None:
        """A label that holds an address, masked as that; None for all others."""
        match = patterns.DASHED_IPV4.fullmatch(label.encode("utf-8", "surrogateescape"))
        return self._dashed(match).decode("utf-8", "surrogateescape") if match and match[1] else None

    def _domain(self, match: Match) -> bytes:
        name = match[1].decode("latin-1")
        return _with(match, 1, self._masked("host", match[1], self.host)) if domains.is_machines(name) else match[0]

    def _dashed(self, match: Match) -> bytes:
        dotted = match[2].replace(b"-", b".")
        return match[1] + self._masked("ipv4", dotted, self._addresses.mask).replace(b".", b"-")

    def _row(self, match: Match) -> bytes:
        return kernel_tables.rewritten(match, self._address)

    def _address(self, address: str) -> str:
        kind = "ipv6" if ":" in address else "ipv4"
        return self._masked(kind, address.encode("ascii"), self._addresses.mask).decode("ascii")

    def _reversed(self, match: Match) -> bytes:
        dotted = b".".join(reversed(match[1].split(b".")))
        return b".".join(reversed(self._masked("ipv4", dotted, self._addresses.mask).split(b".")))

    def _nibbles(self, match: Match) -> bytes:
        return self._masked("ipv6", match[0], self._addresses.mask_nibbles, "nibbles")

    def _word(self, match: Match) -> bytes:
        kind, masked = self._words.mask(match[0])
        if kind:
            self._found.append(kind)
        return masked

    def _uuid(self, match: Match) -> bytes:
        return self._masked("uuid", match[0], self._pseudonyms.uuid)

    def _mac(self, match: Match) -> bytes:
        return self._masked("mac", match[0], self._pseudonyms.macs)

    def _iban(self, match: Match) -> bytes:
        return self._masked("iban", match[0], partial(numbers.iban, self._pseudonyms))

    def _card(self, match: Match) -> bytes:
        if match["counted"]:
            return match[0]
        return _with(match, "card", self._masked("card", match["card"], partial(numbers.card, self._pseudonyms)))

    def _phone(self, match: Match) -> bytes:
        group = match.lastgroup or "plus"
        return _with(match, group, self._masked("phone", match[group], partial(numbers.phone, self._pseudonyms)))

    def _ipv6(self, match: Match) -> bytes:
        """An address, or the address of a socket, whose port stands behind one more colon."""
        address, colon, port = match[0].rpartition(b":")
        for value, rest in ((match[0], b""), (address, colon + port)):
            try:
                masked = self._addresses.mask(value.decode("ascii")).encode("ascii")
            except ValueError:
                continue
            if masked != value:
                self._found.append("ipv6")
            if masked != value or not port.isdigit():
                return masked + rest
        return match[0]

    def _ipv4(self, match: Match) -> bytes:
        value, text = match[0], match.string
        before = text[max(match.start() - patterns.LOOK_BACK, 0) : match.start()]
        after = text[match.end() : match.end() + patterns.LOOK_BACK]
        if _is_part(before, after) or _is_version(value, before, after):
            return value
        return self._masked("ipv4", value, self._addresses.mask)


def _with(match: Match, group: int | str, value: bytes) -> bytes:
    """The match with another value for a group."""
    start, end = (place - match.start() for place in match.span(group))
    return match[0][:start] + value + match[0][end:]


def _stays(kind: str, text: bytes, start: int, end: int) -> bool:
    """Whether a value beside a cue is hidden already, or is the beginning of an address."""
    if HIDDEN.search(text, start, end) or IPV6_AHEAD.match(text, start):
        return True
    # The whole word, since a pseudonym may be longer than what a cue takes for a name.
    word = text[start : max(end, _word_end(text, start))]
    if kind == "host":
        # Label by label, each of which is hidden by itself: only one that was cut is not seen to be masked.
        return len(word) > end - start and b"." not in word and _holds_pseudonym(word)
    return _holds_pseudonym(word)


def _word_end(text: bytes, start: int) -> int:
    """Where the word ends that begins at a place."""
    found = WORD.match(text, start)
    return found.end() if found else start


def _holds_pseudonym(value: bytes) -> bool:
    """Whether a part of a value is masked already: a number's pseudonym, with its grouping behind it."""
    return any(is_masked_name(match[0]) for match in TOKEN.finditer(value.decode("latin-1")))


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
