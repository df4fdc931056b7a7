"""Hides secrets, line by line: blocks first, then every rule whose look a line passed, then what is encoded in it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from caseprobe.redaction import nested, strings
from caseprobe.redaction.bare import BARE
from caseprobe.redaction.blocks import OPEN_LINE, hide_blocks, is_inside, open_blocks
from caseprobe.redaction.calls import CALLS
from caseprobe.redaction.continued import hide_continued
from caseprobe.redaction.lines import Looks, rewrite
from caseprobe.redaction.near import NEAR
from caseprobe.redaction.rule import Rule, hide
from caseprobe.redaction.rules_assigned import ASSIGNED, PAIRS
from caseprobe.redaction.rules_codes import CODES
from caseprobe.redaction.rules_commands import COMMANDS
from caseprobe.redaction.rules_files import FILES
from caseprobe.redaction.rules_hashes import HASHES
from caseprobe.redaction.rules_keys import KEYS
from caseprobe.redaction.rules_phrases import PHRASES
from caseprobe.redaction.rules_places import PLACES
from caseprobe.redaction.rules_services import SERVICES
from caseprobe.redaction.rules_spoken import TOLD
from caseprobe.redaction.rules_tokens import TOKENS

RULES: tuple[Rule, ...] = (
    *TOKENS,
    *SERVICES,
    *HASHES,
    *KEYS,
    *ASSIGNED,
    *COMMANDS,
    *PLACES,
    *FILES,
    *PHRASES,
    *TOLD,
    *PAIRS,
    *CODES,
    CALLS,
    NEAR,
    BARE,
)


def _by_look() -> dict[bytes, list[int]]:
    """Every look, and the numbers of the rules that name it."""
    found: dict[bytes, list[int]] = defaultdict(list)
    for number, rule in enumerate(RULES):
        for look in rule.looks:
            found[look].append(number)
    return found


_BY_LOOK = _by_look()
# Every rule's looks, each once, and the numbers of the rules that name it; the last looks are for what is encoded.
LOOKS = (*sorted(_BY_LOOK), nested.LOOK, strings.LOOK)
OWNERS = tuple(tuple(_BY_LOOK.get(look, ())) for look in LOOKS)
NESTED = len(_BY_LOOK)


class Secrets:
    """Hides secrets and counts them by rule."""

    def __init__(self, counts: Counter[str], depth: int = 0) -> None:
        """depth: in how many encodings the text that it looks at stood."""
        self._counts = counts
        self._depth = depth

    def hide(self, data: bytes, looks: Looks) -> bytes:
        """The text without secrets; the number of lines stays. looks: LOOKS, and any others behind them."""
        data = self.without_blocks(data)
        found = looks.lines(data)
        if found and (public := open_blocks(data)):
            found = [span for span in found if not (is_inside(public, span) and OPEN_LINE.fullmatch(data, *span))]
        return rewrite(data, found, lambda line: self.line(line, looks.of(line), looks))

    def without_blocks(self, data: bytes) -> bytes:
        """The text without private keys and other secrets that span lines."""
        data, total = hide_blocks(data)
        self._count("pem_block", total)
        data, total = hide_continued(data)
        self._count("continued", total)
        return data

    def line(self, line: bytes, matching: Sequence[int], looks: Looks) -> bytes:
        """The line with every rule applied of which a look matched; matching: places in looks."""
        if b'"' in line and self._depth < nested.DEEPEST:
            line = strings.hide_in_strings(line, lambda said: self._hidden(said, looks))
        lowered = line.lower()
        for number in sorted({number for place in matching if place < NESTED for number in OWNERS[place]}):
            line, total = hide(RULES[number], line, lowered)
            if total:
                lowered = line.lower()
                self._count(RULES[number].name, total)
        if NESTED in matching and self._depth < nested.DEEPEST:
            line, total = nested.hide_nested(line, lambda said: self._holds_secret(said, looks))
            self._count("encoded", total)
        return line

    def _holds_secret(self, said: bytes, looks: Looks) -> bool:
        inner: Counter[str] = Counter()
        Secrets(inner, self._depth + 1).hide(said, looks)
        return bool(inner)

    def _hidden(self, said: bytes, looks: Looks) -> bytes:
        return Secrets(self._counts, self._depth + 1).hide(said, looks)

    def _count(self, name: str, total: int) -> None:
        if total:
            self._counts[name] += total
