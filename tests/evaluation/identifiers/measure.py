"""Plants values, redacts, and looks for what is left, for the pseudonym in its place, and for the way back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from random import Random

from caseprobe.redaction import KnownNames, Redactor
from caseprobe.redaction.pseudonyms import is_masked_name
from tests.evaluation.identifiers.kind import Kind

KEY = b"a key of this evaluation"
SEPARATORS = re.compile(r"[^0-9a-z]")
WORD = re.compile(r"[0-9A-Za-z.:_+%-]+")
NAME = re.compile(r"(?i)[a-z]{2,8}-[a-z2-7]{10,200}")


@dataclass(frozen=True)
class Planted:
    """One value in one line: as drawn, as spelled, and the text it stands in."""

    kind: Kind
    value: str
    spelled: str
    context: str

    @property
    def text(self) -> str:
        """The line."""
        return self.context.replace("{value}", self.spelled).replace("{{", "{").replace("}}", "}")


@dataclass
class Score:
    """What became of one kind's values."""

    planted: int = 0
    hidden: int = 0
    stable: int = 0
    restored: int = 0
    one_pseudonym: int = 0
    values: int = 0
    missed: list[tuple[str, str]] = field(default_factory=list)


def plant(kind: Kind, seed: int, each: int) -> Iterator[Planted]:
    """So many values of a kind, each in every spelling and line; the same seed gives the same values."""
    random = Random(f"{seed} {kind.name}")
    for value in dict.fromkeys(kind.draw(random) for _ in range(each)):
        for spell in kind.spellings:
            for context in kind.contexts:
                yield Planted(kind, value, spell(value), context)


def score(kinds: Iterable[Kind], seed: int, each: int) -> dict[str, Score]:
    """By kind."""
    return {kind.name: _score(kind, list(plant(kind, seed, each))) for kind in kinds}


def untouched(lines: Iterable[str]) -> list[tuple[str, str]]:
    """The lines that did not stay as they were, and what became of them."""
    redactor = Redactor(KEY, asset_masked=True)
    return [(line, masked) for line in lines if (masked := redactor.text(line)) != line]


def _score(kind: Kind, planted: list[Planted]) -> Score:
    result, redactor = Score(), Redactor(KEY, asset_masked=True, known=_known(kind, planted))
    seen: dict[str, set[str]] = {}
    for one in planted:
        masked = redactor.text(one.text)
        hidden = _is_hidden(one, masked)
        result.planted += 1
        result.hidden += hidden
        result.stable += redactor.text(masked) == masked
        result.restored += "_hidden_" in masked or redactor.unmask(masked) == one.text
        # What was cut off is another name: what it was cut from cannot be told.
        seen.setdefault(one.value if len(kind.spellings) > 1 else one.spelled, set()).add(
            _pseudonym(one, masked, redactor)
        )
        if not hidden:
            result.missed.append((one.text, masked))
    result.values = len(seen)
    result.one_pseudonym = sum(len(found) == 1 for found in seen.values())
    if len({min(found) for found in seen.values()}) < len(seen):
        result.missed.append(("two values share a pseudonym", kind.name))
    return result


def _known(kind: Kind, planted: list[Planted]) -> KnownNames:
    """What a machine would know of the values: its own names, its accounts, its neighbours."""
    values = tuple(dict.fromkeys(one.value for one in planted))
    if kind.told == "person":
        return KnownNames(persons=values)
    return KnownNames(
        hosts=values if kind.told == "host" else (),
        users=values if kind.told == "user" else (),
        peers=values if kind.told == "peer" else (),
    )


def _is_hidden(one: Planted, masked: str) -> bool:
    left = NAME.sub("", masked).lower()
    return not any(piece.lower() in left for piece in one.kind.pieces(one.spelled))


def _pseudonym(one: Planted, masked: str, redactor: Redactor) -> str:
    """What stands in the value's place, without its spelling: the first pseudonym that the line alone does not have."""
    without = set(WORD.findall(redactor.text(Planted(one.kind, "", "", one.context).text)))
    new = [word for word in WORD.findall(masked) if word not in without]
    return next((plain for word in new if (plain := _plain(word, one.kind.name))), "")


def _plain(word: str, kind: str) -> str:
    """A pseudonym in one spelling; empty for what is none."""
    for name in NAME.findall(word):
        if is_masked_name(name) and "dashed" not in kind and (kind != "real name" or name.lower().startswith("person")):
            return str(name).lower()
    if kind.startswith("IPv6"):
        return _address(word)
    digits = SEPARATORS.sub("", word.lower())
    if kind.startswith(("MAC", "UUID")):
        found = re.search(r"[0-9a-f]{6}[ghjkmnq-z]{6}|[ghjkmnq-z]{32}", digits)
        return found[0] if found else ""
    found = re.search(r"\d{3}([.-]\d{1,3}){3}", word)
    return found[0].replace("-", ".") if found else ""


def _address(word: str) -> str:
    """An IPv6 address among the parts of a word, in its usual spelling, without zone and port."""
    word = re.sub(r":546$", "", word.partition("%")[0])
    for part in (word, word.rpartition(":")[0], word.partition("=")[2]):
        try:
            return str(ip_address(part.strip("[].")))
        except ValueError:
            continue
    return ""
