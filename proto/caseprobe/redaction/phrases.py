"""Lines by example: a line as a program writes or reads it, with words in capitals for what changes in it.

ONE is one word, SOME any words, and what is hidden is SECRET, where any value is one, or MIXED, where only
a value that nobody writes as prose is. A blank stands for any blanks, beside a sign for none too; a quote for
one that is escaped, too; around what is hidden there may be quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from caseprobe.redaction import secret_values as values
from caseprobe.redaction.rule import Rule
from caseprobe.redaction.secret_values import Span

PARTS = re.compile(r"(ONE|SOME ?|SECRET|MIXED)|( ?[=:>{},] ?| )|(\")|((?:(?!ONE|SOME|SECRET|MIXED)[^\" =:>{},])+)")
FILLED = {"ONE": "x1", "SOME": "a b", "SOME ": "a b ", "SECRET": "S3cretHarb12", "MIXED": "S3cretHarb12"}
QUOTE = rb"\\{0,3}[\"']"
SHORTEST_LOOK, START_LOOK = 6, rb"(?:^|[^A-Za-z0-9_.-])"
# The first character of what may be several words is none of its edges.
WORDS = {"SOME": rb"[^|;&]{0,200}?", "SOME ": rb"(?:[^|;&]{0,200}?\s{1,8})??"}


def phrase_rule(name: str, phrases: tuple[str, ...], negative: str, cased: bool = False) -> Rule:
    """A rule for lines like these; its positive example is made of the first one.

    cased: they count only as they are written here.
    """
    look = b"|".join(map(_look, phrases))
    look = b"(?-i:" + look + b")" if cased else look
    return Rule(name, (), b"", example(phrases[0]), negative, look=look, find=lambda line: _found(phrases, line, cased))


def example(phrase: str) -> str:
    """A line that the phrase stands for.

    >>> example("OPER ONE SECRET")
    'OPER x1 S3cretHarb12'
    """
    return PARTS.sub(lambda match: FILLED.get(match[0], match[0]), phrase)


def _found(phrases: tuple[str, ...], line: bytes, cased: bool) -> Iterator[Span]:
    """Where secrets stand in a line like any of the phrases."""
    said = line if cased else line.lower()
    for phrase in phrases:
        if _word(phrase, cased) not in said:
            continue
        for match in compiled(phrase, cased).finditer(said):
            for start, end in map(match.span, range(1, match.re.groups + 1)):
                value = line[start:end]
                if values.can_be_secret(value) and ("SECRET" in phrase or values.looks_mixed(value)):
                    yield start, end


@cache
def _word(phrase: str, cased: bool) -> bytes:
    """The longest word that a line must hold before the phrase is tried."""
    return max((_as(text, cased) for *_, text in PARTS.findall(phrase)), key=len, default=b"")


@cache
def compiled(phrase: str, cased: bool) -> re.Pattern[bytes]:
    """What finds the phrase in a line; its groups are what is hidden."""
    return re.compile(_pattern(phrase, cased))


def _as(text: str, cased: bool) -> bytes:
    return (text if cased else text.lower()).encode()


def _pattern(phrase: str, cased: bool) -> bytes:
    """The same as it is written for `re`."""
    pieces = [rb"(?<![A-Za-z0-9_.-])" if phrase[0].isalnum() else b""]
    for match in PARTS.finditer(phrase):
        word, sign, quote, text = match.groups()
        if word in ("SECRET", "MIXED"):
            behind = re.escape(phrase[match.end() : match.end() + 1].strip().encode())
            pieces.append(b"(?:" + QUOTE + rb")?([^\s\"'`\\;,<>%s]{3,4096}+)" % behind)
        elif word == "ONE":
            pieces.append(_one(phrase[match.end() :].lstrip()[:1]))
        elif word:
            pieces.append(WORDS[word])
        elif sign:
            gap = re.escape(sign.strip().encode())
            pieces.append(rb"\s{0,8}" + gap + rb"\s{0,8}" if gap else rb"\s{1,8}")
        else:
            pieces.append(QUOTE if quote else re.escape(_as(text, cased)))
    return b"".join(pieces)


def _one(behind: str) -> bytes:
    """Any word up to the sign behind it: of a line of signs no part is tried in more than one way."""
    return rb"[^\s\"'|;&,\[\]<>%s]{1,255}+" % (b"" if behind.isalnum() else re.escape(behind.encode()))


def _look(phrase: str) -> bytes:
    """What a line must hold before the phrase is tried, in RE2's syntax: its first part without words that change.

    Where that is too short to be rare, the longest one, or all of the phrase up to the secret.
    """
    parts = [part.strip() for part in re.split("ONE|SOME ?|SECRET|MIXED", phrase)]
    longest = parts[0] if len(parts[0]) >= SHORTEST_LOOK else max(parts, key=len)
    if len(longest) < SHORTEST_LOOK:
        words = re.split("SECRET|MIXED", phrase)[0].replace("SOME ", "SOME").split("SOME")
        return START_LOOK + b".*".join(rb"\S*".join(map(_gapped, part.split("ONE"))) for part in words)
    return _gapped(longest)


def _gapped(part: str) -> bytes:
    """A part of a phrase with any blanks and quotes where it has one."""
    return rb"[\s\"'\\]*".join(re.escape(sign.encode()) for sign in re.split(r"[ \"]+", part))
