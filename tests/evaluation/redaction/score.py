"""Plants secrets between lines of a log, redacts, and looks for what is left of them."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from urllib.parse import quote

from tests.evaluation.redaction.family import Family

# A piece of a secret of this length in the output counts as a leak: nobody guesses the rest of a short one.
PIECE_CHARACTERS = 6
# What redaction puts in a secret's place names the rule, which may be named like the secret's own prefix.
MARKER = re.compile(r"_hidden_[a-z0-9_]{1,40}_")
# None of these stands in a drawn password.
FILLERS = ("north", "depot", "ledger", "branch", "till", "archive")

Redact = Callable[[bytes], bytes]
Wraps = Sequence[tuple[str, Callable[[str], str]]]
# How a line reaches a bundle: as it stands, as a message in syslog, inside a JSON document.
WRAPS: Wraps = (
    ("plain", lambda line: line),
    ("syslog", lambda line: "\n".join(f"Nov 22 04:12:07 host1 app[731]: {one}" for one in line.split("\n"))),
    ("json", lambda line: json.dumps({"level": "info", "message": line})),
)
# The same lines inside encodings, as addresses, Kubernetes objects and protocols carry them.
ENCODED: Wraps = (
    ("json twice", lambda line: json.dumps({"log": json.dumps({"message": line})})),
    ("percent", lambda line: f"GET /callback?state=1&body={quote(line)}&done=1"),
    ("base64", lambda line: f"payload: {b64encode(line.encode()).decode()}"),
)


@dataclass(frozen=True)
class Planted:
    """One secret in one line, or in several for what spans lines."""

    family: str
    context: str
    wrap: str
    secret: str
    text: str


@dataclass
class Score:
    """What became of one family's secrets."""

    planted: int = 0
    hidden: int = 0
    missed: list[Planted] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """Share that is gone from the output."""
        return self.hidden / self.planted if self.planted else 0.0


def plant(families: Iterable[Family], seed: int, each: int, wraps: Wraps = WRAPS) -> Iterator[Planted]:
    """So many secrets of each family in each of its contexts and wraps; the same seed gives the same secrets."""
    for family in families:
        random = Random(f"{seed} {family.name}")
        for context in family.contexts:
            for wrap, write in wraps:
                for _ in range(each):
                    secret = family.draw(random)
                    line = _filled(context, random).replace("{secret}", secret)
                    yield Planted(family.name, context, wrap, secret, write(line))


def score(planted: Sequence[Planted], redact: Redact, noise: Sequence[str]) -> dict[str, Score]:
    """By family; noise: lines of logs without secrets, of which some stand before every planted one."""
    found: dict[str, Score] = {}
    for number, one in enumerate(planted):
        around = [noise[(3 * number + at) % len(noise)] for at in range(3)]
        document = "\n".join((*around, one.text, around[0], ""))
        left = MARKER.sub("", redact(document.encode()).decode("utf-8", "replace"))
        result = found.setdefault(one.family, Score())
        result.planted += 1
        if is_gone(one.secret, left):
            result.hidden += 1
        else:
            result.missed.append(one)
    return found


def is_gone(secret: str, text: str) -> bool:
    """Whether no piece of a secret is left: every line of it, its beginning, middle and end.

    >>> is_gone("hunter2hunter3", "password=hunter"), is_gone("hunter2hunter3", "password=_hidden_")
    (False, True)
    """
    return not any(piece in text for line in secret.split("\n") if "-----" not in line for piece in _pieces(line))


def _pieces(line: str) -> set[str]:
    """Pieces that are unlikely to stand in a text by chance."""
    if len(line) <= PIECE_CHARACTERS:
        return {line} if line else set()
    every = (line[at : at + PIECE_CHARACTERS] for at in range(len(line) - PIECE_CHARACTERS + 1))
    return {piece for piece in every if len(set(piece)) > 2}


def _filled(context: str, random: Random) -> str:
    filler = {
        "{user}": f"u{random.choice(FILLERS)}{random.randint(1, 99)}",
        "{host}": f"{random.choice(FILLERS)}.example.net",
        "{hex}": f"{random.getrandbits(64):016x}",
    }
    for name, value in filler.items():
        context = context.replace(name, value)
    return context
