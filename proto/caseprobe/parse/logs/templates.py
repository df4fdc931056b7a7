"""Messages of one kind as one template: what varies in them becomes "*".

Three steps, each on fewer texts than the one before: numbers are cut from the whole text at once; what else looks like
a value (names with dots, paths, quoted text, what stands behind "=") is cut from each text that is left; and words
that differ where all others are the same are cut last.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

ANY = "*"
# What ends a word, in messages of all kinds of programs.
BORDER = r"\s=,:;()\[\]{}\"'|<>"
NUMBER = re.compile(rf"\d[^{BORDER}]*")
# Each with what takes its place, behind a sign without which it cannot be there. Numbers are "*" already.
STEPS: Sequence[tuple[str, re.Pattern[str], str]] = (
    ('"', re.compile(r'"[^"\n]*"'), '"*"'),
    ("", re.compile(rf"(?<![^{BORDER}])[0-9a-f]{{8,}}(?![^{BORDER}])"), ANY),
    (ANY, re.compile(rf"(?<![^{BORDER}*])[^{BORDER}*]*+\*[^{BORDER}]*+"), ANY),
    ("=", re.compile(rf"=[^{BORDER}]+"), "=*"),
    # Names of hosts and classes, of three parts or more, and paths.
    (".", re.compile(rf"(?<![^{BORDER}])(?:[\w-]*\.)+[\w$-]+\.(?=[\w$-])[^{BORDER}]*"), ANY),
    ("/", re.compile(rf"(?<![^{BORDER}])(?:/[^{BORDER}]*+|[^{BORDER}]*/[^{BORDER}/]{{2,}}[^{BORDER}]*+)"), ANY),
    (ANY, re.compile(r"[<~]?\* ?(?:(?:[KMGTkmgt]i?)?(?:B|b|bytes?)|secs?|seconds|ms|us|s|min|h)\b"), ANY),
    (ANY, re.compile(r"\*(?:[ \t=,:;<>|-]*\*)+"), ANY),
    ("(*)", re.compile(r" ?\(\*\)"), ""),
    ("  ", re.compile(r" {2,}(?=\*)|(?<=\*) {2,}"), " "),
)
# A word that takes so many values where all others are the same is a value.
VALUES = 5
ROUNDS = 3
WORDS_AT_MOST, TEMPLATES_AT_MOST, CHARACTERS_AT_MOST = 60, 5000, 1000
Words = tuple[str, ...]


def templates_of(messages: Sequence[str]) -> list[str]:
    """The template of each message, in their order; a message is cut at its first line feed and when it is long.

    >>> templates_of(["took 5 ms for /a/b", "took 17 ms for /c", "done"])
    ['took * for *', 'took * for *', 'done']
    """
    if not messages:
        return []
    # Each step on what is left to tell apart: many messages are the same word for word.
    different = list(dict.fromkeys(messages))
    firsts = "\n".join([message.partition("\n")[0][:CHARACTERS_AT_MOST] for message in different])
    rough = NUMBER.sub(ANY, firsts).split("\n")
    kinds = list(dict.fromkeys(rough))
    known = dict(zip(kinds, fine(kinds), strict=True))
    common = merged(set(known.values()))
    final = {message: common[known[text]] for message, text in zip(different, rough, strict=True)}
    return [final[message] for message in messages]


def fine(rough: Sequence[str]) -> list[str]:
    """Texts without their numbers, with everything that looks like a value cut; none holds a line feed.

    All at once: no form reaches over the end of a line, and one call for all costs half of a call for each.
    """
    texts = list(rough)
    for sign, form, instead in STEPS:
        places = [place for place, text in enumerate(texts) if sign in text]
        if places:
            cut = form.sub(instead, "\n".join([texts[place] for place in places])).split("\n")
            for place, text in zip(places, cut, strict=True):
                texts[place] = text
    return texts


def merged(templates: Collection[str]) -> Mapping[str, str]:
    """Each template with the one that takes its place: words that vary are cut where the others are the same.

    >>> dict(merged({"user anna in", "user * in", "door open"}))["user anna in"]
    'user * in'
    """
    if len(templates) > TEMPLATES_AT_MOST:
        return {one: one for one in templates}
    now = {one: tuple(one.split(" ")) for one in templates}
    for _ in range(ROUNDS):
        replaced = _replaced({words for words in now.values() if 1 < len(words) <= WORDS_AT_MOST})
        if not replaced:
            break
        now = {one: replaced.get(words, words) for one, words in now.items()}
    return {one: " ".join(words) for one, words in now.items()}


def _replaced(known: Iterable[Words]) -> dict[Words, Words]:
    """What one round cuts."""
    # By what all words but the one at a place are: a sum of numbers, one for each word at its place, less that word's.
    # A sum of others that is the same by chance is told apart below.
    alike: dict[tuple[int, int], list[Words]] = defaultdict(list)
    # Sorted, so that the same log gives the same templates in every run.
    ordered = sorted(known)
    lengths = Counter(map(len, ordered))
    for words in ordered:
        # Only texts of as many words can be alike; long ones, which cost most, seldom have such a twin.
        if lengths[len(words)] > 1:
            numbers = [hash(one) for one in enumerate(words, start=len(words) << 8)]
            whole = sum(numbers)
            for place, number in enumerate(numbers):
                alike[place, whole - number].append(words)
    replaced: dict[Words, Words] = {}
    for (place, _), group in alike.items():
        if len(group) > 1:
            before, behind = group[0][:place], group[0][place + 1 :]
            group = [words for words in group if words[:place] == before and words[place + 1 :] == behind]
            if len(group) > 1 and _varies(place, len(behind), [words[place] for words in group]):
                for words in group:
                    replaced.setdefault(words, (*before, ANY, *behind))
    return replaced


def _varies(place: int, behind: int, values: Sequence[str]) -> bool:
    """A first word tells messages apart, unless it is a value elsewhere and enough stands behind it."""
    if any(ANY in value for value in values):
        return place > 0 or behind > 2
    return place > 0 and len(values) >= VALUES
