"""Log text of any kind: what form its lines have, and those lines in it that can tell of a fault.

Finding words in the whole text first leaves nearly all lines unread: that is what makes megabytes cheap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from caseprobe.parse.logs.entry import Entry
from caseprobe.parse.logs.journal_text import parse_export, parse_json_line
from caseprobe.parse.logs.ring import PLAIN, parse_ring_line
from caseprobe.parse.logs.syslog import parse_syslog_line

LOOKED_AT = 400
# A file of another kind may quote a log; in a log nearly every line is of its form.
SHARE = 0.5
Parse = Callable[[str], Entry | None]


@dataclass(frozen=True)
class LogText:
    """Lines as editors count them (only a line feed ends one), and how one of them is read."""

    text: str
    parse: Parse

    def entry(self, begin: int, end: int) -> Entry | None:
        """The entry of the line between two places; None where it is of no known form."""
        return self.parse(self.text[begin:end].removesuffix("\r"))

    def after(self, count: int) -> LogText:
        """Without the first lines; empty where there are no more.

        >>> LogText("1\\n2\\n3\\n", lambda line: None).after(2).text
        '3\\n'
        """
        return LogText((self.text.split("\n", count) + [""] * count)[count], self.parse) if count else self

    def moment(self, line: str) -> float | None:
        """When one of its lines was written, on the wall's clock or else since boot; None where it does not tell."""
        if (plain := PLAIN.match(line)) is not None:
            return float(plain[1])
        entry = self.parse(line)
        return None if entry is None else entry.seconds if entry.at is None else entry.at


def syslog_parser(now: datetime, utc_offset_seconds: int) -> Parse:
    """Reads lines of syslog, and of what journalctl prints."""
    return lambda line: parse_syslog_line(line, now, utc_offset_seconds)


def ring_parser(utc_offset_seconds: int) -> Parse:
    """Reads lines of dmesg."""
    return lambda line: parse_ring_line(line, utc_offset_seconds)


def read_log(data: bytes, now: datetime, utc_offset_seconds: int) -> LogText | None:
    """A log of any form that we know, found by its lines and not by its name; None where it is no log.

    Exports of the journal become lines, so that every line can be quoted.
    """
    if data.startswith((b"__CURSOR=", b"__REALTIME_TIMESTAMP=")):
        return rendered(parse_export(data), now)
    text = data.decode("utf-8", "replace")
    if text.lstrip()[:1] == "{":
        entries = [entry for line in text.split("\n") if (entry := parse_json_line(line)) is not None]
        return rendered(entries, now) if entries else None
    parsers = (ring_parser(utc_offset_seconds), syslog_parser(now, utc_offset_seconds))
    lines = _some_lines(text)
    known = Counter(number for line in lines for number, parse in enumerate(parsers) if parse(line) is not None)
    if not known or max(known.values()) < SHARE * len(lines):
        return None
    return LogText(text, parsers[known.most_common(1)[0][0]])


def rendered(entries: Iterable[Entry], now: datetime) -> LogText:
    """Entries as lines, in their order."""
    return LogText("".join(f"{entry.line()}\n" for entry in entries), syslog_parser(now, 0))


def _some_lines(text: str) -> list[str]:
    """Lines from the beginning and the end, without empty ones and what is indented below another line."""
    parts = text[: LOOKED_AT * 200].split("\n")[:LOOKED_AT] + text[-LOOKED_AT * 100 :].split("\n")[-LOOKED_AT // 2 :]
    return [line.removesuffix("\r") for line in parts if line.strip() and not line[0].isspace()]


def lines_with(text: str, words: Iterable[str]) -> Iterator[tuple[int, int, int, tuple[str, ...]]]:
    """Number (from 1), begin and end of every line that holds some of these words, and which; in their order.

    >>> list(lines_with("a\\nbad\\nc worse bad\\n", ("bad", "worse")))
    [(2, 2, 5, ('bad',)), (3, 6, 17, ('bad', 'worse'))]
    """
    held: dict[int, list[str]] = {}
    for word in words:
        for begin in _lines_with(text, word):
            held.setdefault(begin, []).append(word)
    number, counted = 1, 0
    for begin in sorted(held):
        number += text.count("\n", counted, begin)
        counted = begin
        end = text.find("\n", begin)
        yield number, begin, len(text) if end < 0 else end, tuple(held[begin])


def _lines_with(text: str, word: str) -> Iterator[int]:
    place = text.find(word)
    while place >= 0:
        yield text.rfind("\n", 0, place) + 1
        end = text.find("\n", place)
        if end < 0:
            return
        place = text.find(word, end)
